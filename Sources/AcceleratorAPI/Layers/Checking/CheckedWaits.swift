// What the caller knows to be done: by waiting for streams and events, and for what these waited for.

internal import Essentials
internal import Synchronization

extension CheckedObjects {
    /// Notes work that goes into a stream and what it uses, so that a buffer freed meanwhile counts as used.
    ///
    /// Work that is recorded runs only when the recording does.
    func noteWork(in stream: OpaquePointer?, using numbers: [UInt]) {
        let used = numbers.filter { $0 != 0 }
        let stream = unsafe checkedNumber(stream)
        state.withLock { state in
            if case .on(let uses) = state.living[stream]?.recording {
                state.living[stream]?.recording = .on(uses: uses + used)
                return
            }
            let step = state.step(in: stream)
            for number in used { state.living[number]?.uses[stream] = step }
        }
    }

    /// The number of a further step of a stream, taken before its maker is called.
    func step(in stream: UInt) -> UInt64 { state.withLock { $0.step(in: stream) } }

    /// Notes that a stream's step waits for an event's record.
    func noteWait(of stream: UInt, at step: UInt64, for event: CheckedObject) {
        state.withLock { state in
            guard var object = state.living.removeValue(forKey: stream) else { return }
            // The latest are enough for who waits for the whole stream.
            if object.dependencies.count >= 64 { object.dependencies.removeFirst() }
            object.dependencies.append(
                CheckedObject.Dependency(
                    step: step, stream: event.recordStream, otherStep: event.recordCount))
            state.living[stream] = object
        }
    }

    /// The caller now knows that a stream has come so far, and with it those that it waited for.
    func reach(_ stream: UInt, _ step: UInt64) { state.withLock { $0.reach(stream, step) } }

    /// The caller now knows that an event's record has happened.
    func reach(_ event: CheckedObject) { reach(event.recordStream, event.recordCount) }

    /// The same where waiting ends with a failure of the work, behind which a stream runs nothing any more.
    func reach(_ stream: CheckedObject, after error: DeviceError) {
        // What runs longer than it may is not stopped everywhere.
        guard error.scope != .call, error.code != .timeout, !stream.continues else { return }
        reach(stream.number, stream.submitted)
    }

    /// How far the streams of a device, or of a context, have been given work.
    func streams(of owner: CheckedObject) -> [(stream: UInt, step: UInt64)] {
        state.withLock { state in
            state.living.values.filter { object in
                guard case .stream = object.kind else { return false }
                return object.owner == owner.number || state.device(of: object)?.number == owner.number
            }.map { ($0.number, $0.submitted) }
        }
    }
}

extension CheckedObjects.State {
    fileprivate mutating func step(in stream: UInt) -> UInt64 {
        living[stream]?.submitted += 1
        return living[stream]?.submitted ?? 0
    }

    fileprivate mutating func reach(_ stream: UInt, _ step: UInt64) {
        var known = [(stream: stream, step: step)]
        while let next = known.popLast() {
            guard var object = living.removeValue(forKey: next.stream) else { continue }
            defer { living[next.stream] = object }
            guard next.step > object.waited else { continue }
            object.waited = next.step
            known += object.dependencies.filter { $0.step <= next.step }.map { ($0.stream, $0.otherStep) }
            object.dependencies.removeAll { $0.step <= next.step }
        }
    }
}
