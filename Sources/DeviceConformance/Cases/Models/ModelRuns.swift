internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    /// Runs of a model, at once and in streams.
    static let modelRuns: [DeviceCase] = [
        .model("run", "a model runs many times, with other memory each time", 53, 54) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            for round in 0..<5 {
                try trial.runSample(calls, model, in: context, round: round, "in round \(round)")
            }
        },
        .model("run-host", "operands may lie in memory of the host, also beside buffers", 40, 54) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let model = try trial.loaded(calls, in: context)
            let (x, z) = SampleModel.values(3)
            let (up, down) = SampleModel.results(x, z)
            let given = [trial.memory(bytesOf(x)), trial.memory(bytesOf(z))]
            let results = [trial.memory(up.count * 4), trial.memory(down.count * 4)]
            try calls.run(model, given.map { .host($0) }, results.map { .host($0) }).done(
                "with all operands on the host")
            try trial.require(results[0].bytes, is: bytesOf(up), "With all operands on the host")
            try trial.require(results[1].bytes, is: bytesOf(down), "With all operands on the host")
            try trial.require(
                given.map(\.bytes) == [bytesOf(x), bytesOf(z)], "The model wrote over its inputs.")
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 3, stream)
            let other = trial.memory(up.count * 4)
            try calls.run(
                model, [buffers.given[0], .host(given[1])], [.host(other), buffers.results[1]]
            ).done("with operands on both sides")
            try trial.require(other.bytes, is: bytesOf(up), "With operands on both sides")
            for memory in given + results + [other] {
                try trial.require(whole: memory, what: "A run with memory of the host")
            }
        },
        .model(
            "run-offset", "operands may lie anywhere in a buffer, and nothing beside them is touched", 40, 54
        ) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let model = try trial.loaded(calls, in: context)
            let sizes = SampleModel.inputSizes + SampleModel.outputSizes
            let gap = max(256, Int(trial.facts.bufferAlignment))
            let starts = sizes.indices.map { index in
                gap + sizes[..<index].reduce(0) { $0 + ($1 + 2 * gap) / gap * gap }
            }
            let whole = (starts.last ?? 0) + (sizes.last ?? 0) + gap
            let buffer = try trial.buffer(in: context, whole)
            let (x, z) = SampleModel.values(4)
            let (up, down) = SampleModel.results(x, z)
            var expected = [UInt8](repeating: 0x3C, count: whole)
            for (start, bytes) in zip(starts, [bytesOf(x), bytesOf(z)]) {
                expected.replaceSubrange(start..<start + bytes.count, with: bytes)
            }
            try trial.write(expected, to: buffer, of: whole, stream)
            let places = zip(starts, sizes).map { Place.buffer(buffer, $0, size: $1) }
            try calls.run(model, Array(places[..<2]), Array(places[2...])).done("inside one buffer")
            for (start, bytes) in zip(starts[2...], [bytesOf(up), bytesOf(down)]) {
                expected.replaceSubrange(start..<start + bytes.count, with: bytes)
            }
            try trial.require(
                trial.read(whole, from: buffer, of: whole, stream), is: expected, "A run inside one buffer")
        },
        .model("submit", "a model runs in a stream, behind what is there and before what follows", 53, 63) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let (stream, other) = (try trial.stream(in: context), try trial.stream(in: context))
            let model = try trial.loaded(calls, in: context)
            let event = try trial.event(in: context)
            let buffers = try trial.sampleBuffers(in: context)
            for round in 0..<4 {
                try trial.fill(buffers, round: 9, stream)
                let (x, z) = SampleModel.values(round)
                let (up, down) = SampleModel.results(x, z)
                // Inputs come, the model runs, and its outputs go, with one wait at the end.
                for (index, floats) in [x, z].enumerated() {
                    try trial.rig.copy(
                        stream, to: buffers.given[index], from: .host(trial.memory(bytesOf(floats))),
                        floats.count * 4
                    ).done()
                }
                try calls.submit(model, in: stream, buffers.given, buffers.results, correlation: 31).done()
                try trial.rig.record(event, in: stream).done()
                try trial.rig.wait(other, for: event).done()
                let targets = [trial.memory(up.count * 4), trial.memory(down.count * 4)]
                for (target, place) in zip(targets, buffers.results) {
                    try trial.rig.copy(other, to: .host(target), from: place, place.size).done()
                }
                try trial.rig.synchronize(other).done()
                try trial.require(targets[0].bytes, is: bytesOf(up), "Submission \(round)")
                try trial.require(targets[1].bytes, is: bytesOf(down), "Submission \(round)")
            }
            try trial.rig.synchronize(stream).done()
        },
        .model("submit-held", "a submitted model does not run before the work in front of it", 53, 63) {
            trial in
            try trial.requireHostFunctions()
            let calls = try trial.models()
            let context = try trial.context()
            let (stream, reader) = (try trial.stream(in: context), try trial.stream(in: context))
            let model = try trial.loaded(calls, in: context)
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 1, reader)
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try calls.submit(model, in: stream, buffers.given, buffers.results).done("behind a held function")
            try trial.rig.synchronize(stream, 20).gives(.timeout, when: "of a stream that is held")
            let size = SampleModel.outputSizes[0]
            try trial.require(
                trial.read(size, from: buffers.outputs[0], of: size, reader),
                is: [UInt8](repeating: 0xCC, count: size), "An output while the stream is held")
            gate.open()
            try trial.rig.synchronize(stream).done()
            try trial.check(buffers, round: 1, reader, "Behind a held function")
        },
        .model("submit-follow", "runs of one model follow each other, also from two streams", 53) { trial in
            try trial.requireHostFunctions()
            let calls = try trial.models()
            let context = try trial.context()
            let (stream, other) = (try trial.stream(in: context), try trial.stream(in: context))
            let model = try trial.loaded(calls, in: context)
            let sets = [try trial.sampleBuffers(in: context), try trial.sampleBuffers(in: context)]
            for (round, set) in sets.enumerated() { try trial.fill(set, round: round, other) }
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try calls.submit(model, in: stream, sets[0].given, sets[0].results).done("in the first stream")
            try calls.submit(model, in: other, sets[1].given, sets[1].results).done("in the second stream")
            try trial.rig.synchronize(other, 20).gives(
                .timeout, when: "of a stream whose run follows one that is held")
            gate.open()
            try trial.rig.synchronize(other).done()
            try trial.rig.synchronize(stream).done()
            for (round, set) in sets.enumerated() {
                try trial.check(set, round: round, other, "The run in stream \(round)")
            }
        },
        .model(
            "submit-recorded", "a submission to a stream that is recorded runs when the recording does", 53
        ) { trial in
            let calls = try trial.models()
            let recordings = try unsafe trial.recordingTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let model = try trial.loaded(calls, in: context)
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 1, stream)
            try unsafe trial.begin(recordings, stream).done()
            let answer = calls.submit(model, in: stream, buffers.given, buffers.results)
            let recording = try unsafe trial.end(recordings, stream).made("of a model")
            trial.atEnd { [rig = trial.rig] in unsafe rig.destroy(recordings, recording: recording) }
            try answer.done("in a stream that is recorded")
            let size = SampleModel.outputSizes[0]
            try trial.require(
                trial.read(size, from: buffers.outputs[0], of: size, stream),
                is: [UInt8](repeating: 0xCC, count: size), "An output before the recording is submitted")
            for round in 1...3 {
                try trial.fill(buffers, round: round, stream)
                try unsafe trial.rig.call(recordings.recording_submit, "recording_submit") {
                    unsafe $0(recording.raw, stream.raw, 0, $1)
                }.done("of a model")
                try trial.check(buffers, round: round, stream, "Submission \(round) of a recorded model")
            }
        },
        .model(
            "submit-wrong", "a submission to no stream, or with wrong operands, changes nothing", 53, 57, 65
        ) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let model = try trial.loaded(calls, in: context)
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 2, stream)
            try calls.submit(model, in: .null, buffers.given, buffers.results).refusesNull()
            try calls.submit(.null, in: stream, buffers.given, buffers.results).refusesNull()
            try calls.submit(model, in: stream, [buffers.given[0]], buffers.results).gives(
                .modelInput, .invalidArgument, when: "with one of two inputs")
            try calls.submit(model, in: stream, buffers.given, [buffers.results[0]]).gives(
                .modelOutput, .invalidArgument, when: "with one of two outputs")
            try trial.rig.synchronize(stream).done("after refused submissions")
            try calls.submit(model, in: stream, buffers.given, buffers.results).done("after refused ones")
            try trial.check(buffers, round: 2, stream, "After refused submissions")
        },
        .model("operands", "operands that are too few, too many or too small have their classes", 54, 57) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let model = try trial.loaded(calls, in: context)
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 0, stream)
            let (given, results) = (buffers.given, buffers.results)
            for inputs in [[], [given[0]], given + [given[0]]] {
                try calls.run(model, inputs, results).gives(
                    .modelInput, .invalidArgument, when: "with \(inputs.count) of 2 inputs")
            }
            for outputs in [[], [results[0]], results + [results[0]]] {
                try calls.run(model, given, outputs).gives(
                    .modelOutput, .invalidArgument, when: "with \(outputs.count) of 2 outputs")
            }
            for index in 0..<2 {
                var (small, less) = (given, results)
                small[index].size -= 1
                less[index].size -= 1
                try calls.run(model, small, results).gives(
                    .modelInput, .outOfRange, when: "with a byte too few for input \(index)")
                try calls.run(model, given, less).gives(
                    .modelOutput, .outOfRange, when: "with a byte too few for output \(index)")
                var beyond = given
                beyond[index].offset = 4096
                try calls.run(model, beyond, results).gives(
                    .modelInput, .outOfRange, when: "with input \(index) beyond its buffer")
                var missing = given
                missing[index] = Place(size: 0)
                try calls.run(model, missing, results).gives(
                    .modelInput, .invalidArgument, .outOfRange, when: "with input \(index) left out")
            }
            try trial.require(
                trial.read(results[0].size, from: buffers.outputs[0], of: results[0].size, stream),
                is: [UInt8](repeating: 0xCC, count: results[0].size), "An output of refused runs")
            try calls.run(model, given, results).done("after refused ones")
            try trial.check(buffers, round: 0, stream, "After refused runs")
        },
        .model("correlation", "the number of a submission is in the profile of its work", 53) { trial in
            let calls = try trial.models()
            let profile = try unsafe trial.profileTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let model = try trial.loaded(calls, in: context)
            let buffers = try trial.sampleBuffers(in: context)
            try trial.fill(buffers, round: 0, stream)
            try unsafe trial.start(profile, context, capacity: 200).done()
            try calls.submit(model, in: stream, buffers.given, buffers.results, correlation: 4711).done()
            try trial.rig.synchronize(stream).done()
            let (records, _) = try unsafe trial.records(profile, context)
            try unsafe trial.stop(profile, context).done()
            try trial.require(
                records.contains { $0.correlation == 4711 },
                "None of \(records.count) records has the number of the submission.")
        },
    ]
}

extension Trial {
    func requireHostFunctions() throws {
        guard facts.capabilities.contains(.runHostFunctions) else {
            throw CaseEnd.outside("The device runs no host functions, so nothing can hold a stream.")
        }
    }
}
