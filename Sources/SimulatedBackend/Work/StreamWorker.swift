internal import AcceleratorAPI
internal import Essentials

// The thread of a stream: takes commands in order, runs them, and gives each its time.

extension SimulatedStream {
    /// The worker's life.
    func work() {
        device.monitor.lock()
        noteWorker()
        while true {
            dropUnusedLane()
            guard let command = queue.first else {
                phase = .idle
                if isClosing { break }
                device.monitor.wakeAll()
                while case .idle = phase, !isClosing { device.monitor.wait() }
                continue
            }
            if let obstacle = obstacle(to: command) {
                phase = obstacle
                device.monitor.wakeAll()
                while isWaiting { device.monitor.wait() }
                continue
            }
            _ = queue.popFirst()
            run(command)
        }
        hasWorker = false
        device.monitor.wakeAll()
        device.monitor.unlock()
    }

    /// Whether something else has to happen before the next command.
    private var isWaiting: Bool {
        switch phase {
        case .waiting, .waitingForLane: true
        case .idle, .ready, .working, .inHostFunction, .hung: false
        }
    }

    /// What keeps a command from running now.
    private func obstacle(to command: Command) -> Phase? {
        switch command.kind {
        case .wait(let record, _): return record.isDone ? nil : .waiting(record)
        case .record(let record):
            guard let previous = record.previous, !record.canHappen else { return nil }
            return .waiting(previous)
        case .launch, .copy, .fill, .block, .operate:
            return hasLane || machine.takeLane() ? markLane() : .waitingForLane
        case .free, .rangeBegin, .rangeEnd, .mark: return nil
        }
    }

    private func markLane() -> Phase? {
        hasLane = true
        return nil
    }

    /// A stream that failed while it waited for its turn lets the next one go.
    private func dropUnusedLane() {
        guard hasLane, queue.first?.isWork != true else { return }
        hasLane = false
        machine.releaseLane()
    }

    private func run(_ command: Command) {
        let start = max(end, device.isVirtual ? command.submitted : machine.now)
        switch command.kind {
        case .launch, .copy, .fill, .block, .operate: runWork(command, from: start)
        case .record(let record):
            complete(command, at: max(start, record.earliest), failure: untold.first?.error)
        case .wait(let record, _):
            let time = max(start, record.time)
            note(command, from: start, to: time)
            if let cause = record.failure { fail(cause.inStream, at: time) }
            complete(command, at: time, failure: nil)
        case .rangeBegin(let name):
            ranges.append(OpenRange(name: name, correlation: command.correlation, begin: start))
            complete(command, at: start, failure: nil)
        case .rangeEnd:
            if let range = ranges.popLast() {
                var named = command
                named.name = range.name
                named.correlation = range.correlation
                note(named, from: range.begin, to: start)
            }
            complete(command, at: start, failure: nil)
        case .mark:
            note(command, from: start, to: start)
            complete(command, at: start, failure: nil)
        case .free: complete(command, at: start, failure: nil)
        }
    }

    /// Counts a command as over at that time, and tells those who wait for it.
    func complete(_ command: Command, at time: Int64, failure: DeviceError?) {
        end = max(end, time)
        finished += 1
        history.append(end, now: machine.now)
        switch command.kind {
        case .record(let record):
            record.happen(at: end, failure: failure)
            for stream in machine.streams {
                if case .waiting(let wanted) = stream.phase, wanted === record { stream.wake() }
            }
        case .wait(_, let event):
            event.waits -= 1
            event.waitsEnd = max(event.waitsEnd, end)
        case .free(let buffer): buffer.free(isLeak: command.faults.contains(.leak))
        case .launch, .copy, .fill, .block, .operate, .rangeBegin, .rangeEnd, .mark: break
        }
        device.monitor.wakeAll()
    }
}

extension DeviceError {
    /// The failure of other work, as it reaches a stream that waited for it.
    fileprivate var inStream: DeviceError {
        var error = self
        if error.scope == .call { error.scope = .stream }
        return error
    }
}

// Lanes. Priorities decide who gets one that is free again.
extension Machine {
    func takeLane() -> Bool {
        guard !lanes.isEmpty else { return true }
        guard lanesInUse < lanes.count else { return false }
        lanesInUse += 1
        return true
    }

    /// Gives a lane to the stream of the highest priority that waits; the oldest of equals.
    func releaseLane() {
        guard !lanes.isEmpty else { return }
        var best: SimulatedStream?
        for stream in streams {
            guard case .waitingForLane = stream.phase else { continue }
            if let best, (best.priority, UInt64.max - best.number) > (stream.priority, .max - stream.number) {
                continue
            }
            best = stream
        }
        guard let best else {
            lanesInUse -= 1
            return
        }
        best.hasLane = true
        best.wake()
    }
}
