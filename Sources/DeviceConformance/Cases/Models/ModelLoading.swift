internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    /// How models are loaded, and what is said of them before.
    static let modelLoading: [DeviceCase] = [
        .model("query", "the memory that a model needs is known before it is loaded", 52) { trial in
            let calls = try trial.models()
            let (answer, asked) = calls.query(.sample)
            try answer.done("of the sample model")
            try trial.require(
                asked.inputs == 0 || asked.inputs == 2 && asked.outputs == 2,
                "A model of 2 inputs and 2 outputs is said to have \(asked.inputs) and \(asked.outputs).")
            try trial.require(!asked.isDynamic, "A model whose shapes are all known is said to be dynamic.")
            let context = try trial.context()
            let (described, loaded) = calls.describe(try trial.loaded(calls, in: context))
            try described.done()
            try trial.require(
                asked.weightBytes == loaded.weightBytes && asked.workingBytes == loaded.workingBytes,
                "Asked before, it needs \(asked.weightBytes) and \(asked.workingBytes) bytes; loaded, it says "
                    + "\(loaded.weightBytes) and \(loaded.workingBytes).")
            let (wrong, _) = calls.query(ModelWish(bytes: [1, 2, 3]))
            try wrong.refusesModel(when: "of three bytes")
        },
        .model("load-memory", "a model is loaded from memory, which the caller has back at once", 50) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            for round in 0..<3 {
                try trial.runSample(calls, model, in: context, round: round, "loaded from memory")
            }
        },
        .model("load-file", "a model is loaded from a file, which may go then", 50, 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let path = try trial.file("sample.onnx", SampleModel.model.bytes)
            let model = try trial.loaded(calls, ModelWish(path: path), in: context)
            trial.remove(path)
            try trial.runSample(calls, model, in: context, "loaded from a file")
            try calls.load(ModelWish(path: path), in: context).gives(
                .file, .fileRead, when: "of a file that is gone")
            try calls.load(ModelWish(path: try trial.folder()), in: context).gives(
                .file, .fileAttribute, .fileRead, when: "of a folder without a model")
            let empty = try trial.file("empty.onnx", [])
            try calls.load(ModelWish(path: empty), in: context).gives(
                .fileSize, .fileParse, .model, .modelDeserialize, when: "of an empty file")
        },
        .model(
            "caller-memory", "weights and intermediate values lie in the caller's memory where it gives some",
            50, 51, 52
        ) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let (answer, facts) = calls.query(.sample)
            try answer.done()
            // Both kinds lie between bytes that nobody may touch.
            func room(_ bytes: UInt64, less: Int = 0) throws -> (buffer: Handle, place: Place)? {
                guard bytes > 0 else { return nil }
                let buffer = try trial.buffer(in: context, Int(bytes) + 2 * edge)
                let stream = try trial.stream(in: context)
                try trial.write(
                    [UInt8](repeating: 0xA7, count: Int(bytes) + 2 * edge), to: buffer,
                    of: Int(bytes) + 2 * edge, stream)
                return (buffer, .buffer(buffer, edge, size: Int(bytes) - less))
            }
            let rooms = (try room(facts.weightBytes), try room(facts.workingBytes))
            guard rooms.0 != nil || rooms.1 != nil else {
                throw CaseEnd.outside("The model needs no memory that the caller could give.")
            }
            var wish = ModelWish.sample
            (wish.weights, wish.working) = (rooms.0?.place, rooms.1?.place)
            let model = try calls.load(wish, in: context).made("into the caller's memory")
            try trial.runSample(calls, model, in: context, round: 2, "in the caller's memory")
            try calls.unload(model).done()
            let stream = try trial.stream(in: context)
            for (room, bytes) in [(rooms.0, facts.weightBytes), (rooms.1, facts.workingBytes)] {
                guard let room else { continue }
                let whole = Int(bytes) + 2 * edge
                let found = try trial.read(whole, from: room.buffer, of: whole, stream)
                try trial.require(
                    (found.prefix(edge) + found.suffix(edge)).allSatisfy { $0 == 0xA7 },
                    "The model wrote beside the memory that it was given.")
            }
            if let weights = rooms.0?.place {
                let found = try trial.read(
                    weights.size, from: weights.buffer ?? .null, at: edge, of: weights.size + 2 * edge, stream
                )
                try trial.require(
                    !found.allSatisfy { $0 == 0xA7 }, "The caller's memory for weights was not used.")
            }
        },
        .model("memory-size", "memory that is too small for a model has its class", 51, 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let (answer, facts) = calls.query(.sample)
            try answer.done()
            guard facts.weightBytes > 0 || facts.workingBytes > 0 else {
                throw CaseEnd.outside("The model needs no memory that the caller could give.")
            }
            let buffer = try trial.buffer(in: context, Int(max(facts.weightBytes, facts.workingBytes)))
            for isWeights in [true, false] {
                let needed = isWeights ? facts.weightBytes : facts.workingBytes
                guard needed > 1 else { continue }
                var wish = ModelWish.sample
                let place = Place.buffer(buffer, size: Int(needed) - 1)
                if isWeights { wish.weights = place } else { wish.working = place }
                try calls.load(wish, in: context).gives(
                    .modelSize,
                    when: "with \(needed - 1) of \(needed) bytes for "
                        + (isWeights ? "weights" : "intermediate values"))
            }
        },
        .model("arguments", "load arguments that cannot be are refused", 51, 57, 65) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            try calls.load(ModelWish(), in: context).gives(
                .invalidArgument, .modelAttribute, when: "of neither a file nor bytes")
            try calls.load(.sample, in: .null).answer.refusesNull()
            try unsafe trial.rig.make(calls.functions.model_load, "model_load") {
                unsafe $0(context.raw, nil, $1, $2)
            }.answer.refusesNull()
            try unsafe ModelWish.sample.withArguments { arguments in
                unsafe trial.rig.call(calls.functions.model_load, "model_load") {
                    unsafe $0(context.raw, arguments, nil, $1)
                }
            }.refusesNull()
            var wish = ModelWish.sample
            wish.structSize = 4
            try calls.load(wish, in: context).gives(
                .version, .invalidArgument, when: "with arguments of four bytes")
            wish = .sample
            wish.shapes = [TensorShape(4, 16)]
            try calls.load(wish, in: context).gives(
                .modelAttribute, .modelInput, .invalidArgument, when: "with one shape for two inputs")
            wish.shapes = [TensorShape(4, 16), TensorShape(4, 8, type: HENG_TYPE_INT32)]
            try calls.load(wish, in: context).gives(
                .modelInput, .modelAttribute, .dataType, when: "with an input of another type")
            wish.shapes = [TensorShape(4, 16), TensorShape(5, 8)]
            try calls.load(wish, in: context).gives(
                .modelInput, .modelAttribute, when: "with an input of another shape")
            wish = .sample
            wish.determinism = 99
            try calls.load(wish, in: context).gives(
                .unsupported, .modelAttribute, .invalidArgument, when: "with a determinism that is none")
        },
        .model("extension", "an extension that must be understood is refused, another one is skipped", 51) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            var wish = ModelWish.sample
            wish.extensionKind = 0x7FFF_0001
            let model = try trial.loaded(calls, wish, in: context)
            try trial.runSample(calls, model, in: context, "loaded with an unknown extension")
            wish.extensionKind = 0x7FFF_0001 | HENG_KIND_MUST_UNDERSTAND
            try calls.load(wish, in: context).gives(
                .unsupported, when: "with an extension that must be understood")
            try calls.query(wish).answer.gives(
                .unsupported, when: "with an extension that must be understood")
        },
        .model("priority", "a priority is taken, or refused as one that the device lacks", 51) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            for priority in [Int32(1), -1] {
                var wish = ModelWish.sample
                wish.priority = priority
                let made = calls.load(wish, in: context)
                if made.answer.code != 0, !trial.facts.capabilities.contains(.orderStreams) {
                    try made.gives(.unsupported, when: "with a priority")
                    continue
                }
                let model = try made.made("with the priority \(priority)")
                try trial.runSample(calls, model, in: context, "with the priority \(priority)")
                try calls.unload(model).done()
            }
        },
        .model("dynamic", "a model with open extents wants shapes, and runs with those given", 51, 55, 57) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            var wish = ModelWish(bytes: SampleModel.open.bytes)
            let (answer, facts) = calls.query(wish)
            try answer.done("of a model with open extents")
            try trial.require(facts.isDynamic, "A model with open extents is not said to be dynamic.")
            try calls.load(wish, in: context).gives(.modelDynamic, when: "without the shapes that are open")
            for rows in [1, 4, 9] {
                wish.shapes = [
                    TensorShape(Int64(rows), Int64(SampleModel.width)),
                    TensorShape(Int64(rows), Int64(SampleModel.columns)),
                ]
                let model = try calls.load(wish, in: context).made("for \(rows) rows")
                let (x, z) = SampleModel.values(1, rows: rows)
                let (up, down) = SampleModel.results(x, z)
                let given = [trial.memory(bytesOf(x)), trial.memory(bytesOf(z))]
                let results = [trial.memory(up.count * 4), trial.memory(down.count * 4)]
                try calls.run(model, given.map { .host($0) }, results.map { .host($0) }).done(
                    "with \(rows) rows")
                try trial.require(results[0].bytes, is: bytesOf(up), "With \(rows) rows")
                try trial.require(results[1].bytes, is: bytesOf(down), "With \(rows) rows")
                try calls.unload(model).done()
            }
            wish.shapes = [TensorShape(-1, 16), TensorShape(4, 8)]
            try calls.load(wish, in: context).gives(
                .modelDynamic, .modelAttribute, .modelInput, when: "with an extent that is still open")
        },
        .model("signature", "what a model that is not loaded declares can be read", 39, 55) { trial in
            let calls = try trial.models()
            for (model, dims) in [(SampleModel.model, nil), (SampleModel.open, Int64(-1))] {
                let wish = ModelWish(bytes: model.bytes)
                for (isOutput, values) in [(false, model.inputs), (true, model.outputs)] {
                    for (index, value) in values.enumerated() {
                        let (answer, facts) = calls.signature(wish, isOutput: isOutput, index)
                        try answer.done("of \(value.name)")
                        var expected = TensorFacts(value)
                        if let dims { expected.dims?[0] = dims }
                        try trial.require(
                            facts == expected, "\(value.name) is declared as \(facts), and is \(expected).")
                    }
                    try calls.signature(wish, isOutput: isOutput, values.count).answer.gives(
                        .outOfRange, when: "behind the last")
                }
            }
            var long = SampleModel.model
            long.outputs[0].name = String(repeating: "n", count: 100)
            long.nodes[2].outputs = [long.outputs[0].name]
            let cut = calls.signature(ModelWish(bytes: long.bytes), isOutput: true, 0, room: 9)
            try cut.answer.done("with little room for the name")
            try trial.require(
                cut.facts.name == String(repeating: "n", count: 8),
                "A name of 100 letters in a room of 9 bytes reads \(cut.facts.name).")
        },
    ]
}

/// So many bytes on both sides of the caller's memory are watched; a multiple of every alignment of tensors.
private let edge = 4096

extension Answer {
    /// Bytes that are no model must be refused as such.
    func refusesModel(when what: String) throws {
        try gives(.model, .modelDeserialize, .fileParse, .fileSize, .file, when: what)
    }
}
