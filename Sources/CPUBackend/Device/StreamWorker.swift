internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

// The worker's side of a stream: runs commands in order until `stop`.
extension CPUStream {
    /// The worker's life.
    func run() {
        let place = WorkerPlace(cpus: cpus, pool: .shared)
        place.becomeCurrent()
        defer { withExtendedLifetime(place) {} }
        var consumer = CommandConsumer(of: ring, cpus: cpus)
        var ranges: [OpenRange] = []
        var goesOn = true
        while goesOn {
            goesOn = execute(ring.next(&consumer), &ranges)
            ring.finish(&consumer)
        }
    }

    /// A named range that has begun and not ended.
    struct OpenRange {
        var name: String
        var correlation: UInt64
        var begin: Int64
    }

    private func execute(_ slot: CommandSlot, _ ranges: inout [OpenRange]) -> Bool {
        guard let kind = CommandKind(rawValue: slot.kind) else {
            preconditionFailure("a stream's ring holds a command that nobody put in")
        }
        guard failures.isWatched || context.profile.isOn else { return perform(kind, slot, &ranges) }
        let begin = TimePoint.monotonicNow().nanoseconds
        failures.workBegins(at: begin, slot.correlation)
        let goesOn = perform(kind, slot, &ranges)
        let end = TimePoint.monotonicNow().nanoseconds
        failures.workEnds(at: end)
        if context.profile.isOn { note(kind, slot, from: begin, to: end, &ranges) }
        return goesOn
    }

    @inline(__always)
    private func perform(_ kind: CommandKind, _ slot: CommandSlot, _ ranges: inout [OpenRange]) -> Bool {
        // After a failure, only what others wait for still happens.
        let skips = failures.isFailed
        switch kind {
        case .stop: return false
        case .record: record(slot)
        case .waitEvent: waitEvent(slot, skips: skips)
        case .free: free(slot)
        case .replay: replay(slot, skips: skips)
        case .rangeBegin, .rangeEnd, .mark: break
        case .launch, .launchFallible, .copy, .copyBlock, .fill: if !skips { work(kind, slot) }
        }
        return true
    }

    @inline(__always)
    private func work(_ kind: CommandKind, _ slot: CommandSlot) {
        switch kind {
        case .launch: unsafe unsafeBitCast(slot.word0, to: heng_host_function.self)(slot.arguments)
        case .launchFallible:
            let code = unsafe unsafeBitCast(slot.word0, to: heng_fallible_host_function.self)(slot.arguments)
            if code != 0 { fail(code, slot.correlation) }
        case .copy:
            guard let target = unsafe UnsafeMutableRawPointer(bitPattern: slot.word0),
                let source = unsafe UnsafeRawPointer(bitPattern: slot.word1)
            else { preconditionFailure("a copy without its two addresses") }
            unsafe memmove(target, source, Int(bitPattern: slot.word2))
        case .copyBlock: unsafe slot.arguments.load(as: BlockCopy.self).run()
        case .fill:
            guard let target = unsafe UnsafeMutableRawPointer(bitPattern: slot.word0) else {
                preconditionFailure("a fill without its address")
            }
            unsafe memset(target, Int32(slot.word1), Int(bitPattern: slot.word2))
        case .record, .waitEvent, .free, .replay, .rangeBegin, .rangeEnd, .mark, .stop: break
        }
    }

    private func record(_ slot: CommandSlot) {
        let event = takeEvent(slot)
        event.happen(
            UInt64(slot.word1), at: TimePoint.monotonicNow().nanoseconds, failure: failures.standing)
    }

    private func waitEvent(_ slot: CommandSlot, skips: Bool) {
        let event = takeEvent(slot)
        defer { event.endWait() }
        guard !skips else { return }
        // In pieces, so that an abort ends a wait for what never comes.
        while !event.wait(for: UInt64(slot.word1), concurrency: concurrency, nanoseconds: 20_000_000) {
            if failures.isFailed { return }
        }
        if let cause = event.recordedFailure { failures.fail(cause) }
    }

    private func takeEvent(_ slot: CommandSlot) -> CPUEvent {
        guard let raw = unsafe UnsafeRawPointer(bitPattern: slot.word0) else {
            preconditionFailure("an event command without an event")
        }
        return unsafe Unmanaged<CPUEvent>.fromOpaque(raw).takeRetainedValue()
    }

    private func free(_ slot: CommandSlot) {
        guard let raw = unsafe UnsafeRawPointer(bitPattern: slot.word0) else {
            preconditionFailure("a free without a buffer")
        }
        unsafe Unmanaged<CPUBuffer>.fromOpaque(raw).takeRetainedValue().giveBack()
    }

    private func replay(_ slot: CommandSlot, skips: Bool) {
        guard let raw = unsafe UnsafeRawPointer(bitPattern: slot.word0) else {
            preconditionFailure("a replay without a recording")
        }
        let recording = unsafe Unmanaged<CPURecording>.fromOpaque(raw).takeRetainedValue()
        guard !skips else { return }
        recording.visit { kind, slot in if !failures.isFailed { work(kind, slot) } }
    }

    private func fail(_ code: Int32, _ correlation: UInt64) {
        failures.fail(
            DeviceError(
                .execution, scope: .stream, operation: "stream_launch_fallible",
                text: "A host function in a stream of \(context.device.name) failed with code \(code).",
                nativeCode: Int(code), correlation: correlation))
    }

    private func note(
        _ kind: CommandKind, _ slot: CommandSlot, from begin: Int64, to end: Int64,
        _ ranges: inout [OpenRange]
    ) {
        func add(_ kind: Int, _ name: String, bytes: UInt64 = 0) {
            context.profile.add(
                heng_profile_record(
                    Int32(kind), name, stream: number, correlation: slot.correlation, begin: begin, end: end,
                    bytes: bytes))
        }
        switch kind {
        case .launch, .launchFallible: add(HENG_RECORD_LAUNCH, "launch")
        case .copy: add(HENG_RECORD_COPY, "copy", bytes: UInt64(slot.word2))
        case .copyBlock:
            let bytes = unsafe slot.arguments.load(as: BlockCopy.self).byteCount
            add(HENG_RECORD_COPY, "copy block", bytes: UInt64(bytes))
        case .fill: add(HENG_RECORD_FILL, "fill", bytes: UInt64(slot.word2))
        case .waitEvent: add(HENG_RECORD_WAIT, "wait")
        case .replay: add(HENG_RECORD_LAUNCH, "recording")
        case .rangeBegin:
            ranges.append(OpenRange(name: name(in: slot), correlation: slot.correlation, begin: begin))
        case .rangeEnd:
            guard let range = ranges.popLast() else { return }
            context.profile.add(
                heng_profile_record(
                    Int32(HENG_RECORD_RANGE), range.name, stream: number, correlation: range.correlation,
                    begin: range.begin, end: end))
        case .mark:
            context.profile.add(
                heng_profile_record(
                    Int32(HENG_RECORD_MARK), name(in: slot), stream: number, correlation: slot.correlation,
                    begin: begin, end: begin))
        case .record, .free, .stop: break
        }
    }

    /// The name that `annotate` put into a slot, ended by 0.
    private func name(in slot: CommandSlot) -> String {
        unsafe String(cString: slot.arguments.assumingMemoryBound(to: CChar.self))
    }
}
