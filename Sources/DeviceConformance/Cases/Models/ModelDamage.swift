internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension DeviceCases {
    /// Wrong and damaged models, saved ones, and what happens at the end.
    static let modelDamage: [DeviceCase] = [
        .model("damaged", "bytes that are no model, or only a part of one, are refused", 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let bytes = SampleModel.model.bytes
            try calls.load(ModelWish(bytes: pattern(4096)), in: context).answer.refusesModel(
                when: "of noise")
            try calls.load(ModelWish(bytes: []), in: context).answer.gives(
                .fileSize, .model, .modelDeserialize, .modelAttribute, .invalidArgument, when: "of no bytes")
            let text = Array("This is a sentence, and not a model.".utf8)
            try calls.load(ModelWish(bytes: text), in: context).answer.refusesModel(when: "of a sentence")
            // A model whose end is missing is damaged wherever it was cut.
            for length in stride(from: 1, to: bytes.count - 8, by: 7) {
                let made = calls.load(ModelWish(bytes: Array(bytes.prefix(length))), in: context)
                try made.answer.refusesModel(when: "of \(length) of \(bytes.count) bytes")
            }
            let path = try trial.file("cut.onnx", Array(bytes.prefix(bytes.count / 2)))
            try calls.load(ModelWish(path: path), in: context).answer.refusesModel(
                when: "of a file that was cut in half")
            let model = try trial.loaded(calls, in: context)
            try trial.runSample(calls, model, in: context, "after damaged ones")
        },
        .model("mutated", "changed bytes never end the process, and a refused model leaves nothing", 57) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let bytes = SampleModel.model.bytes
            for seed in 1...60 {
                var changed = bytes
                for (place, value) in zip(pattern(4, seed: seed), pattern(4, seed: seed + 1000)) {
                    changed[(Int(place) * 257 + seed * 31) % changed.count] = value
                }
                // It may still be a model: then it goes again.
                let made = calls.load(ModelWish(bytes: changed), in: context)
                if made.answer.code == 0 {
                    try calls.unload(made.made()).done()
                } else {
                    try trial.require(
                        made.handle == .null, "model_load fails, and writes a result all the same.")
                }
            }
            let model = try calls.load(.sample, in: context).made("after changed ones")
            try trial.runSample(calls, model, in: context, "after changed ones")
            try calls.unload(model).done()
        },
        .model("unknown-operator", "an operator that is none is refused, and named", 56, 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            var wrong = SampleModel.model
            wrong.nodes[2].operatorName = "NoSuchOperator"
            let made = calls.load(ModelWish(bytes: wrong.bytes), in: context)
            try made.gives(.model, .operatorName, .unsupported, when: "with an operator that is none")
            let error = made.answer.error
            try trial.require(
                error?.operatorName == "NoSuchOperator"
                    || (error?.text?.contains("NoSuchOperator") ?? false),
                "The error names another operator than the one that is none.")
            try trial.require(
                error?.node == "positive" || (error?.text?.contains("positive") ?? false),
                "The error does not name the node.")
        },
        .model("wrong-value", "a node that reads a value that nobody makes is refused", 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            var wrong = SampleModel.model
            wrong.nodes[1].inputs = ["p", "nobody"]
            let made = calls.load(ModelWish(bytes: wrong.bytes), in: context)
            try made.gives(
                .model, .modelDeserialize, .graph, .fileParse, when: "with a value that is missing")
            wrong = SampleModel.model
            wrong.inputs[1].dims = [4, 7]
            try calls.load(ModelWish(bytes: wrong.bytes), in: context).gives(
                .model, .modelInput, .operatorInput, .graph, when: "whose shapes do not fit together")
        },
        .model("failure", "from work that failed one finds the node and its tensors", 56) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let wish = ModelWish(bytes: SampleModel.lookup.bytes)
            let table = trial.memory(bytesOf((0..<32).map { Float($0) }))
            func index(_ values: [UInt8]) -> HostMemory {
                trial.memory(values.flatMap { [$0, 0, 0, 0, 0, 0, 0, 0] })
            }
            let (good, bad, found) = (index([6, 1]), index([1, 200]), trial.memory(32))
            let first = try calls.load(wish, in: context).made("of a model that looks up")
            try calls.run(first, [.host(table), .host(good)], [.host(found)]).done("with right indices")
            let expected = [24, 25, 26, 27, 4, 5, 6, 7].map { -Float($0) }
            try trial.require(found.bytes, is: bytesOf(expected), "The rows that were looked up")
            let answer = calls.run(first, [.host(table), .host(bad)], [.host(found)])
            defer { _ = calls.unload(first) }
            guard answer.code != 0 else {
                throw CaseEnd.outside("The device does not say when an index is beyond its table.")
            }
            try answer.gives(
                .execution, .modelInput, .outOfRange, .operatorInput, when: "with an index beyond its table")
            if let scope = answer.error?.scope, scope <= Int32(HENG_SCOPE_STREAM) {
                try calls.run(first, [.host(table), .host(good)], [.host(found)]).done("after a failed run")
                try trial.require(found.bytes, is: bytesOf(expected), "The rows after a failed run")
            }
            guard let error = answer.error, let name = error.node else {
                try trial.fail("The error of a node does not name it.")
            }
            try trial.require(
                error.operatorName == "Gather", "\(error.operatorName ?? "No operator") failed.")
            let nodes = try (0..<calls.describe(first).facts.nodes).map { try node(calls, first, $0) }
            guard let node = nodes.first(where: { $0.name == name }) else {
                try trial.fail("The node \(name) that failed is not among the model's.")
            }
            try trial.require(
                node.inputs.contains { $0?.type == Int32(HENG_TYPE_INT64) && $0?.dims == [2] },
                "The inputs of the node that failed are \(node.inputs).")
        },
        .model("failure-submitted", "the error of a submitted run has its number and the node", 53, 56) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let (stream, writer) = (try trial.stream(in: context), try trial.stream(in: context))
            let model = try calls.load(ModelWish(bytes: SampleModel.lookup.bytes), in: context).made()
            defer { _ = calls.unload(model) }
            let (table, index, found) = try (
                trial.buffer(in: context, 128), trial.buffer(in: context, 16), trial.buffer(in: context, 32)
            )
            try trial.write(bytesOf((0..<32).map { Float($0) }), to: table, of: 128, writer)
            for (row, number) in [(1, 20), (200, 21)] as [(UInt8, UInt64)] {
                try trial.write(
                    [row, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8), to: index, of: 16, writer)
                let answer = calls.submit(
                    model, in: stream, [.buffer(table, size: 128), .buffer(index, size: 16)],
                    [.buffer(found, size: 32)], correlation: number)
                let end = answer.code == 0 ? trial.rig.synchronize(stream) : answer
                guard row == 200 else {
                    try end.done("with right indices")
                    continue
                }
                guard end.code != 0 else {
                    throw CaseEnd.outside("The device does not say when an index is beyond its table.")
                }
                try trial.require(
                    end.error?.correlation == number,
                    "The error's number is \(end.error?.correlation ?? 0), and the run's is \(number).")
                try trial.require(end.error?.node != nil, "The error of a node does not name it.")
            }
        },
        .model("save", "a saved model loads again, and its device says so", 50, 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            let path = "\(try trial.folder())/saved.model"
            try calls.save(model, to: path).done()
            let (answer, verdict) = calls.compatibility(ModelWish(path: path))
            try answer.done("of a model that was just saved")
            try trial.require(
                verdict == Int32(HENG_COMPATIBILITY_READY),
                "The device says \(verdict) to a model that it just saved.")
            let again = try trial.loaded(calls, ModelWish(path: path), in: context)
            try trial.runSample(calls, again, in: context, round: 3, "saved and loaded")
            let (_, facts) = calls.describe(again)
            try trial.require(
                facts.inputs == 2 && facts.outputs == 2, "Saved and loaded, it has other inputs or outputs.")
            let plain = try trial.file("plain.onnx", SampleModel.model.bytes)
            try calls.compatibility(ModelWish(path: plain)).answer.gives(
                .file, .model, .modelDeserialize, when: "of a file that nobody saved")
            try calls.save(model, to: "/no/such/folder/saved.model").gives(
                .file, .fileWrite, .permission, when: "to a folder that is not there")
        },
        .model("save-damaged", "a saved model that was damaged is refused", 57) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            let path = "\(try trial.folder())/saved.model"
            try calls.save(model, to: path).done()
            let bytes = try trial.contents(of: path)
            try calls.load(ModelWish(bytes: Array(bytes.dropLast(9))), in: context).answer.refusesModel(
                when: "of a saved model that was cut")
            // The weights are the last large part, and any change of them is a change of the model.
            var changed = bytes
            guard let place = bytes.lastRange(of: bytesOf(Array(SampleModel.weights.suffix(8)))) else {
                throw CaseEnd.outside("The saved model keeps its weights in a form of its own.")
            }
            changed[place] ^= 0x40
            try calls.load(ModelWish(bytes: changed), in: context).answer.refusesModel(
                when: "of a saved model with a changed weight")
        },
        .model("unload", "a model is unloaded, and its context goes only after it", 53) { trial in
            let calls = try trial.models()
            let context = try trial.rig.contextCreate().made()
            let model = try calls.load(.sample, in: context).made()
            let early = trial.rig.contextDestroy(context)
            if early.code == 0 { try trial.fail("A context goes while a model lives in it.") }
            try early.gives(.notReleased, when: "while a model lives in it")
            try calls.unload(model).done()
            try calls.unload(.null).refusesNull()
            if trial.rig.knowsDestroyedHandles {
                try calls.unload(model).gives(.invalidHandle, when: "of an unloaded model")
                try calls.describe(model).answer.gives(.invalidHandle, when: "of an unloaded model")
            }
            try trial.rig.contextDestroy(context).done("after its last model")
        },
        .model("unload-busy", "a model that is unloaded while its work waits ends after that work", 53) {
            trial in
            try trial.requireHostFunctions()
            let calls = try trial.models()
            let context = try trial.context()
            let (stream, reader) = (try trial.stream(in: context), try trial.stream(in: context))
            let model = try calls.load(.sample, in: context).made()
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 5, reader)
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try calls.submit(model, in: stream, buffers.given, buffers.results).done("behind a held function")
            try startThread { [gate] in
                ProcessTraces.pause()
                gate.open()
            }
            // It waits for the work, or says that there is some.
            let answer = calls.unload(model)
            if answer.code == 0 {
                try trial.require(
                    gate.hasLeft, "A model was unloaded while work of it was still in a stream.")
            } else {
                try answer.gives(.notReleased, .misuse, when: "while its work waits")
            }
            try trial.rig.synchronize(stream).done("after its model was to be unloaded")
            try trial.check(buffers, round: 5, reader, "Work of a model that was to be unloaded")
            if answer.code != 0 { try calls.unload(model).done("after its work") }
        },
        .model("leaks", "models that come and go leave no memory of the device behind", 53) { trial in
            guard trial.facts.capabilities.contains(.countMemory) else {
                throw CaseEnd.outside("The device does not count the memory of a context.")
            }
            let calls = try trial.models()
            let context = try trial.context()
            for round in 0..<3 {
                let model = try calls.load(.sample, in: context).made("in round \(round)")
                try trial.runSample(calls, model, in: context, "in round \(round)")
                try calls.unload(model).done()
            }
            func inUse() throws -> UInt64 {
                let (answer, info) = unsafe trial.rig.memoryInfo(context)
                try answer.done()
                return unsafe info.in_use
            }
            let before = try inUse()
            for _ in 0..<20 { try calls.unload(calls.load(.sample, in: context).made()).done() }
            let after = try inUse()
            try trial.require(
                after <= before, "After 20 models, \(after) bytes are in use, and \(before) were before.")
        },
    ]

    private static func node(_ calls: ModelCalls, _ model: Handle, _ index: UInt32) throws -> NodeFacts {
        let (answer, facts) = calls.node(model, index)
        try answer.done("number \(index)")
        guard let facts else { throw CaseEnd.failed("Node \(index) is not there.") }
        return facts
    }
}

extension Rig {
    /// Whether the library keeps handles of its own around a maker's, and so knows destroyed ones.
    ///
    /// Bare tables are not asked to; the header promises it of libheng.so.
    var knowsDestroyedHandles: Bool { unsafe text(functions.name) == "heng" }
}

extension [UInt8] {
    /// Where these bytes stand last.
    fileprivate func lastRange(of part: [UInt8]) -> Int? {
        guard !part.isEmpty, count >= part.count else { return nil }
        return (0...(count - part.count)).reversed().first { Array(self[$0..<$0 + part.count]) == part }
    }
}
