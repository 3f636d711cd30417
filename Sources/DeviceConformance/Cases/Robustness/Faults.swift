internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension DeviceCases {
    static let faults: [DeviceCase] = [
        .other(
            .robustness, "sticky/submission", "a failed stream takes no more work, and says why",
            needs: .runHostFunctions
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 64).done()
            try trial.rig.launch(stream, .returning(3)).done()
            try trial.rig.synchronize(stream).gives(.execution, when: "of a failed stream")
            let answer = trial.rig.fill(stream, .buffer(buffer, size: 64), with: 2, 64)
            if answer.code != 0 { try answer.gives(.execution, .cancelled, when: "in a failed stream") }
            try trial.rig.synchronize(stream).gives(.execution, when: "of a failed stream, again")
            let other = try trial.stream(in: context)
            try trial.require(
                trial.read(64, from: buffer, of: 64, other), is: [UInt8](repeating: 1, count: 64),
                "Work that was submitted to a failed stream")
        },
        .other(
            .robustness, "sticky/device",
            "synchronizing the device tells of a failed stream, and then of no more", 11,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.rig.streamCreate(context).made()
            try trial.rig.launch(stream, .returning(3)).done()
            try trial.rig.deviceSynchronize().gives(.execution, when: "with a failed stream")
            try trial.rig.streamDestroy(stream).gives(.execution, when: "of a failed stream")
            try trial.rig.deviceSynchronize().done("once the failed stream is gone")
        },
        .other(
            .robustness, "abort/pending", "aborting drops what has not begun",
            needs: [.abort, .runHostFunctions]
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            let (gate, log) = (trial.gate(), trial.log())
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.until("the held function has begun") { gate.hasBegun }
            for value in 0..<50 { try trial.rig.launch(stream, .note(UInt64(value), in: log)).done() }
            try trial.rig.record(event, in: stream).done()
            let rig = trial.rig
            try startThread { [gate] in
                ProcessTraces.pause()
                gate.open()
            }
            try rig.abort(stream).done()
            try trial.require(gate.hasLeft, "The abort returned while a function ran.")
            try rig.synchronize(stream).gives(.cancelled, when: "of an aborted stream")
            try rig.synchronize(event: event, 5000).gives(.cancelled, when: "behind dropped work")
            try trial.require(log.values.isEmpty, "\(log.values.count) dropped functions ran.")
            let other = try trial.stream(in: context)
            try rig.synchronize(other).done("made after another was aborted")
        },
        .other(.robustness, "abort/idle", "aborting an idle stream fails only it", needs: .abort) { trial in
            let context = try trial.context()
            let (first, second) = (try trial.stream(in: context), try trial.stream(in: context))
            try trial.rig.abort(first).done()
            try trial.rig.synchronize(second).done("beside an aborted one")
        },
        .other(
            .robustness, "limit/work-time", "work that runs too long fails its stream, and only it", 20,
            needs: [.limitWorkTime, .runHostFunctions]
        ) {
            trial in
            let context = try trial.context()
            let slow = try trial.stream(in: context, .init(workMilliseconds: 30))
            let other = try trial.stream(in: context)
            try trial.rig.launch(slow, .nothing).done()
            try trial.rig.synchronize(slow).done("with work that is quick enough")
            try trial.rig.launch(slow, .sleep(milliseconds: 400)).done()
            try trial.rig.synchronize(slow).gives(
                .timeout, .execution, when: "of work that runs for 400 of 30 ms")
            try trial.rig.synchronize(other).done("beside one that took too long")
        },
        .other(.robustness, "rebuild/works", "a rebuilt context works, in a new epoch", needs: .rebuild) {
            trial in
            let context = try trial.context()
            let before = trial.rig.contextState(context)
            try before.answer.done()
            try trial.rebuildWhole(context)
            let after = trial.rig.contextState(context)
            try after.answer.done()
            try trial.require(
                after.epoch == before.epoch + 1, "The epoch went from \(before.epoch) to \(after.epoch).")
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 256)
            try trial.write(pattern(256), to: buffer, of: 256, stream)
            try trial.require(
                trial.read(256, from: buffer, of: 256, stream), is: pattern(256), "After a rebuild")
        },
        .other(
            .robustness, "rebuild/old-objects",
            "what was made before a rebuild is dead, and can be destroyed", needs: .rebuild
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rebuildWhole(context)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 64).fails(
                when: "in a stream of an older epoch")
        },
        .other(
            .robustness, "reset/works", "a reset ends the contexts of the device, and new ones work", 9,
            needs: .reset
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rig.deviceReset().done()
            try trial.rig.synchronize(stream, 0).gives(
                .context, .deviceLost, .needsRebuild, when: "of a reset device")
            try trial.rig.allocate(context, 64).gives(
                .context, .deviceLost, .needsRebuild, when: "in a context of a reset device")
            let fresh = try trial.context()
            let again = try trial.stream(in: fresh)
            let second = try trial.buffer(in: fresh, 256)
            try trial.write(pattern(256), to: second, of: 256, again)
            try trial.require(
                trial.read(256, from: second, of: 256, again), is: pattern(256), "After a reset")
            _ = buffer
        },
    ]

    static let exhaustion: [DeviceCase] = [
        .other(
            .robustness, "memory/nth", "whichever allocation fails, the rest goes on as before", 36,
            needs: [.countMemory, .limitMemory]
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            // The limit lets one more buffer in each time, so that the first, second, third... allocation fails.
            let size = 256 << 10
            for allowed in 0...8 {
                try trial.rig.limitMemory(context, UInt64(allowed * size + 64)).done()
                var living: [Handle] = []
                defer { for buffer in living { _ = trial.rig.free(buffer) } }
                var failed = 0
                for _ in 0..<10 {
                    let made = trial.rig.allocate(context, UInt64(size))
                    if made.answer.code == 0 {
                        living.append(made.handle)
                    } else {
                        try made.gives(.outOfDeviceMemory, when: "above the limit")
                        failed += 1
                    }
                }
                try trial.require(
                    living.count <= allowed, "\(living.count) buffers live where \(allowed) fit.")
                try trial.require(living.count == allowed, "Only \(living.count) of \(allowed) buffers fit.")
                try trial.require(
                    failed == 10 - living.count, "Some allocations neither failed nor succeeded.")
                for (index, buffer) in living.enumerated() {
                    try trial.rig.fill(stream, .buffer(buffer, size: size), with: UInt8(index + 1), size)
                        .done()
                }
                for (index, buffer) in living.enumerated() {
                    try trial.require(
                        trial.read(512, from: buffer, of: size, stream),
                        is: [UInt8](repeating: UInt8(index + 1), count: 512),
                        "Buffer \(index) of \(living.count), after others failed")
                }
            }
            let info = unsafe trial.rig.memoryInfo(context)
            unsafe try info.answer.done()
            try unsafe trial.require(
                info.info.in_use == 0, "\(info.info.in_use) bytes are in use when all is freed.")
        },
        .other(
            .robustness, "memory/retry", "a smaller request succeeds where a larger one failed", 36,
            needs: [.countMemory, .limitMemory]
        ) {
            trial in
            let context = try trial.context()
            try trial.rig.limitMemory(context, 1 << 20).done()
            for _ in 0..<50 {
                let large = trial.rig.allocate(context, 8 << 20)
                if large.answer.code == 0 { _ = trial.rig.free(large.handle) }
                try large.gives(.outOfDeviceMemory, when: "of 8 MiB under a limit of 1 MiB")
                let small = try trial.rig.allocate(context, 512 << 10).made(
                    "of 512 KiB under a limit of 1 MiB")
                try trial.rig.free(small).done()
            }
        },
        .other(
            .robustness, "memory/stream", "memory of a stream runs out as a value too", 36,
            needs: [.allocateInStreams, .limitMemory]
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try trial.rig.limitMemory(context, 1 << 20).done()
            let made = trial.rig.allocate(in: stream, 8 << 20)
            guard made.answer.code == 0 else {
                try made.gives(.outOfDeviceMemory, when: "of 8 MiB under a limit of 1 MiB")
                try trial.rig.synchronize(stream).done("after a refused allocation")
                return
            }
            trial.atEnd { [rig = trial.rig] in rig.free(made.handle) }
            try trial.rig.synchronize(stream).gives(
                .outOfDeviceMemory, when: "of a stream whose memory does not fit")
        },
        .other(.robustness, "errors/storm", "ten thousand refused calls change nothing") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            let before = ProcessTraces.residentBytes()
            for _ in 0..<10_000 {
                _ = trial.rig.deviceGet(UInt32.max)
                _ = trial.rig.fill(stream, .buffer(buffer, size: 8), with: 1, 64)
            }
            let grown = ProcessTraces.residentBytes() - before
            try trial.require(grown < 16 << 20, "Refused calls made the process grow by \(grown) bytes.")
            try trial.write(pattern(64), to: buffer, of: 64, stream)
            try trial.require(
                trial.read(64, from: buffer, of: 64, stream), is: pattern(64), "After refused calls")
        },
    ]

    static let soaking: [DeviceCase] = [
        .other(.robustness, "soak/leaks", "hours of work leave no memory, thread or file behind", needs: []) {
            trial in
            let rig = trial.rig
            func round(_ index: Int) throws {
                let context = try rig.contextCreate().made()
                let streams = try (0..<2).map { _ in try rig.streamCreate(context).made() }
                let event = try rig.eventCreate(context).made()
                let size = 4096 + index % 7 * 10_000
                let buffers = try (0..<3).map { _ in try rig.allocate(context, UInt64(size)).made() }
                for buffer in buffers {
                    try rig.fill(streams[0], .buffer(buffer, size: size), with: 1, size).done()
                }
                try rig.record(event, in: streams[0]).done()
                try rig.wait(streams[1], for: event).done()
                try rig.copy(
                    streams[1], to: .buffer(buffers[1], size: size), from: .buffer(buffers[0], size: size),
                    size
                ).done()
                _ = rig.deviceGet(UInt32.max)
                try rig.synchronize(streams[1]).done()
                try rig.eventDestroy(event).done()
                for buffer in buffers { try rig.free(buffer).done() }
                for stream in streams { try rig.streamDestroy(stream).done() }
                try rig.contextDestroy(context).done()
            }
            for index in 0..<30 { try round(index) }
            let before = (ProcessTraces.residentBytes(), ProcessTraces.threads(), ProcessTraces.files())
            let end = TimePoint.monotonicNow() + trial.settings.soak
            var rounds = 0
            while TimePoint.monotonicNow() < end {
                try round(rounds)
                rounds += 1
            }
            let grown = ProcessTraces.residentBytes() - before.0
            let threads = ProcessTraces.settled { ProcessTraces.threads() - before.1 }
            let files = ProcessTraces.files() - before.2
            trial.measure("rounds of the soak", Double(rounds), "rounds")
            trial.measure("memory grown in the soak", Double(max(0, grown)), "B")
            try trial.require(threads <= 0, "\(threads) more threads after \(rounds) rounds.")
            try trial.require(files <= 0, "\(files) more open files after \(rounds) rounds.")
            try trial.require(
                grown < max(8 << 20, rounds * 64), "\(grown) more bytes after \(rounds) rounds.")
            guard trial.facts.capabilities.contains(.reportStatus) else { return }
            let (answer, status) = unsafe rig.status()
            try answer.done()
            for (name, count) in unsafe [
                ("contexts", status.contexts), ("streams", status.streams), ("events", status.events),
                ("buffers", status.buffers),
            ] where count > 0 {
                try trial.fail("The status says that \(count) \(name) live when all are destroyed.")
            }
        }
    ]
}

extension Trial {
    /// Rebuilds a context that nothing broke, where the maker does such a thing.
    fileprivate func rebuildWhole(_ context: Handle) throws {
        let answer = rig.rebuild(context)
        if answer.code == DeviceError.Code.misuse.rawValue {
            throw CaseEnd.outside("Only a context that is broken is rebuilt here.")
        }
        try answer.done()
    }
}
