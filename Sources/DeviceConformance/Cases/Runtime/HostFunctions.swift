internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension DeviceCases {
    static let hostFunctions: [DeviceCase] = [
        .runtime("launch/order", "host functions run once each, in order", 23, needs: .runHostFunctions) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let log = trial.log()
            for value in 0..<2000 { try trial.rig.launch(stream, .note(UInt64(value), in: log)).done() }
            try trial.rig.synchronize(stream).done()
            try trial.require(log.values.count == 2000, "\(log.values.count) of 2000 functions ran.")
            try trial.require(log.values == (0..<2000).map { UInt64($0) }, "They ran in another order.")
        },
        .runtime(
            "launch/arguments", "argument bytes are copied, and start at a multiple of 16", 23,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            for size in [16, 17, 31, 64, 100, 255, 256] {
                let log = trial.log()
                var work = HostWork.sum(in: log, size: size)
                let bytes = Array(work.bytes[16...])
                let sum = bytes.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
                let gate = trial.gate()
                try trial.rig.launch(stream, .hold(gate)).done()
                try trial.rig.launch(stream, work).done("with \(size) bytes of arguments")
                work.bytes = []
                gate.open()
                try trial.rig.synchronize(stream).done()
                try trial.require(log.values.first == sum, "\(size) bytes of arguments arrive as others.")
                try trial.require(
                    log.values.last == 0, "Arguments start at an address that is no multiple of 16.")
            }
        },
        .runtime("launch/no-arguments", "a host function may have no arguments", 23, needs: .runHostFunctions)
        { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try trial.rig.launch(stream, .nothing).done()
            try trial.rig.synchronize(stream).done()
        },
        .runtime(
            "launch/arguments-limit", "more argument bytes than the limit are refused", 23,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let log = trial.log()
            try trial.rig.launch(stream, .sum(in: log, size: Int(HENG_ARGUMENT_LIMIT) + 1)).gives(
                .invalidArgument, .outOfRange, when: "with \(HENG_ARGUMENT_LIMIT + 1) bytes of arguments")
            try trial.rig.synchronize(stream).done()
            try trial.require(log.values.isEmpty, "A refused function ran.")
        },
        .runtime(
            "launch/asynchronous", "a launch returns before its function has run", 23, 63,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.require(!gate.hasLeft, "The launch waited for its function.")
            gate.open()
            try trial.rig.synchronize(stream).done()
            try trial.require(gate.hasLeft, "The stream is done, and its function is not.")
        },
        .runtime(
            "launch/own-stream", "a host function may not wait for its own stream", 18,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let log = trial.log()
            let rig = trial.rig
            let call = trial.hostCall { log.add(UInt64(bitPattern: Int64(rig.synchronize(stream).code))) }
            try trial.rig.launch(stream, .call(call)).done()
            try trial.rig.synchronize(stream, 5000).done("of a stream whose function waits for it")
            let code = log.values.first.map { Int32(truncatingIfNeeded: Int64(bitPattern: $0)) } ?? 0
            try trial.require(
                code == DeviceError.Code.misuse.rawValue,
                "stream_synchronize in the stream's own function gives \(ErrorNames.name(code)), and should give "
                    + "HENG_ERROR_MISUSE.")
        },
        .runtime("launch/calls-table", "a host function may call the table", needs: .runHostFunctions) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let log = trial.log()
            let rig = trial.rig
            let call = trial.hostCall {
                let made = rig.allocate(context, 4096)
                log.add(made.answer.code == 0 ? 1 : 0)
                if made.answer.code == 0 { log.add(rig.free(made.handle).code == 0 ? 1 : 0) }
                log.add(rig.deviceCount().answer.code == 0 ? 1 : 0)
            }
            try trial.rig.launch(stream, .call(call)).done()
            try trial.rig.synchronize(stream, 5000).done()
            try trial.require(log.values == [1, 1, 1], "Calls of the table in a host function fail.")
        },
        .runtime(
            "launch/fallible", "a function that returns 0 does not fail its stream", 23,
            needs: .runHostFunctions
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let log = trial.log()
            try trial.rig.launch(stream, .returning(0)).done()
            try trial.rig.launch(stream, .note(7, in: log)).done()
            try trial.rig.synchronize(stream).done()
            try trial.require(log.values == [7], "Work behind a function that succeeded did not run.")
        },
        .runtime(
            "launch/failure", "a function's own number comes back as the stream's failure, every time", 61,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let log = trial.log()
            try trial.rig.launch(stream, .returning(4711), correlation: 77).done()
            _ = trial.rig.launch(stream, .note(1, in: log))
            for attempt in 1...3 {
                let answer = try trial.rig.synchronize(stream).gives(
                    .execution, when: "of a failed stream (\(attempt))")
                try trial.require(
                    answer.error?.nativeCode == 4711, "The function's own number is not in the error.")
                try trial.require(
                    answer.error?.correlation == 77, "The error does not name the work by its correlation.")
                try trial.require(
                    answer.error?.scope == Int32(HENG_SCOPE_STREAM), "Its scope is not the stream.")
            }
            try trial.require(log.values.isEmpty, "Work behind a failed piece ran.")
        },
        .runtime(
            "launch/failure-contained", "a failed stream does not stop others, nor its context",
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let (bad, good) = (try trial.stream(in: context), try trial.stream(in: context))
            try trial.rig.launch(bad, .returning(1)).done()
            try trial.rig.synchronize(bad).gives(.execution, when: "of a failed stream")
            let buffer = try trial.buffer(in: context, 256)
            try trial.write(pattern(256), to: buffer, of: 256, good)
            try trial.require(
                trial.read(256, from: buffer, of: 256, good), is: pattern(256),
                "Another stream of the context")
            let third = try trial.stream(in: context)
            try trial.rig.synchronize(third).done("made after another failed")
        },
        .runtime(
            "launch/failure-destroy", "destroying a failed stream gives its failure, and destroys it", 17,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.rig.streamCreate(context).made()
            try trial.rig.launch(stream, .returning(5)).done()
            try trial.rig.streamDestroy(stream).gives(.execution, when: "of a failed stream")
        },
        .runtime(
            "launch/failure-event", "an event behind a failure carries it, and so do streams that wait", 28,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let (bad, waiting) = (try trial.stream(in: context), try trial.stream(in: context))
            let event = try trial.event(in: context)
            let (gate, log) = (trial.gate(), trial.log())
            try trial.rig.launch(bad, .hold(gate)).done()
            try trial.rig.launch(bad, .returning(9)).done()
            try trial.rig.record(event, in: bad).done()
            try trial.rig.wait(waiting, for: event).done()
            try trial.rig.launch(waiting, .note(1, in: log)).done()
            gate.open()
            try trial.rig.synchronize(event: event).gives(.execution, when: "behind failed work")
            try trial.rig.synchronize(waiting).gives(
                .execution, .cancelled, when: "of a stream that waits for failed work")
            try trial.require(log.values.isEmpty, "Work ran behind a wait for failed work.")
        },
        .runtime(
            "launch/continues", "a stream that continues runs what is behind a failure",
            needs: [.runHostFunctions, .continueAfterFailure]
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context, .init(continues: true))
            let log = trial.log()
            try trial.rig.launch(stream, .returning(3)).done()
            try trial.rig.launch(stream, .note(1, in: log)).done()
            try trial.rig.synchronize(stream).gives(.execution, when: "behind a failure, the first time")
            try trial.rig.synchronize(stream).done("once the failure is reported")
            try trial.require(log.values == [1], "Work behind a failure did not run.")
        },
    ]
}
