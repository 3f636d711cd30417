internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

// One piece of work: its time, its effect, and what the fault script does to it. The monitor is held.

extension SimulatedStream {
    func runWork(_ command: Command, from time: Int64) {
        let lane = machine.earliestLane()
        let begin = device.isVirtual ? max(time, lane.map { machine.lanes[$0] } ?? 0) : time
        running = Running(command: command, begin: begin, hostBegin: monotonicNanoseconds())
        if let lane { machine.lanes[lane] = .max }
        let outcome = outcome(of: command, begin)
        let wasStopped = running?.isStopped ?? true
        running = nil
        phase = .ready
        if let lane { machine.lanes[lane] = outcome.end }
        hasLane = false
        machine.releaseLane()
        machine.health.busy += outcome.end - begin
        note(command, from: begin, to: outcome.end)
        if !wasStopped, let error = outcome.error { fail(command, error, at: outcome.end) }
        complete(command, at: outcome.end, failure: nil)
    }

    private struct Outcome {
        var end: Int64
        var error: DeviceError?
    }

    private func outcome(of command: Command, _ begin: Int64) -> Outcome {
        let duration = duration(of: command)
        if command.faults.contains(.hang) { return hang(command, begin) }
        if command.faults.contains(.loseDevice) {
            let middle = sleep(until: begin + duration / 2)
            return Outcome(
                end: middle,
                error: DeviceError(
                    .deviceLost, scope: .device, operation: command.function,
                    text: "The device \(device.name) answers no more."))
        }
        if let workLimit, duration > workLimit {
            return Outcome(end: sleep(until: begin + workLimit), error: overdue(command))
        }
        let error = perform(command)
        return Outcome(end: sleep(until: begin + duration), error: error ?? scriptedError(command))
    }

    /// How long the work takes, with what slows it down.
    private func duration(of command: Command) -> Int64 {
        var time = Double(device.settings.nanoseconds(bytes: command.bytes, operations: command.operations))
        for case .slow(let factor) in command.faults {
            time *= factor
            machine.health.isDegraded = true
        }
        return Int64(min(time, Double(SimulatedSettings.longest)))
    }

    /// Work that never ends: until the limit of the stream, or until someone stops it.
    private func hang(_ command: Command, _ begin: Int64) -> Outcome {
        if let workLimit, device.isVirtual { return Outcome(end: begin + workLimit, error: overdue(command)) }
        phase = .hung
        device.monitor.wakeAll()
        let limit = workLimit.map { machine.base + begin + $0 }
        while running?.isStopped == false, limit.map({ monotonicNanoseconds() < $0 }) ?? true {
            device.monitor.wait(until: limit ?? .max)
        }
        let isOver = running?.isStopped == false
        return Outcome(end: max(begin, machine.now), error: isOver ? overdue(command) : nil)
    }

    /// Lets real time pass up to a time of the device, unless the work is stopped; virtual time takes none.
    private func sleep(until time: Int64) -> Int64 {
        guard !device.isVirtual else { return time }
        let limit = machine.hostTime(time)
        while running?.isStopped == false, monotonicNanoseconds() < limit {
            device.monitor.wait(until: limit)
        }
        return machine.now
    }

    /// The effect of the work, without the lock.
    private func perform(_ command: Command) -> DeviceError? {
        phase = command.isHostFunction ? .inHostFunction : .working
        device.monitor.wakeAll()
        let name = device.name
        let error = device.monitor.unlocked { () -> DeviceError? in
            let error = WorkEffect.perform(command, on: name)
            for case .wrongResult(let damage) in command.faults { WorkEffect.damage(command, damage) }
            if command.faults.contains(.corruptMemory) { WorkEffect.corrupt(command) }
            return error
        }
        return error
    }

    /// What the script lets go wrong with work that has run.
    private func scriptedError(_ command: Command) -> DeviceError? {
        if command.faults.contains(.repairMemory) {
            machine.health.corrected += 1
            machine.health.isDegraded = true
        }
        if command.faults.contains(.corruptMemory) {
            machine.health.uncorrected += 1
            return DeviceError(
                .dataCorrupted, scope: .context, operation: command.function,
                text: "The work \(command.name) of \(device.name) met memory that could not be repaired.")
        }
        for case .lateError(let code, let scope) in command.faults {
            return DeviceError(
                code, scope: scope, operation: command.function,
                text: "The work \(command.name) of \(device.name) fails as its fault script says.")
        }
        for case .fail(let code, let scope) in command.faults {
            return DeviceError(
                code, scope: scope == .call ? .stream : scope, operation: command.function,
                text: "The recorded work \(command.name) of \(device.name) fails as its fault script says.")
        }
        return nil
    }

    /// Lets a failure of the work reach as far as it does, with the names of the work.
    private func fail(_ command: Command, _ given: DeviceError, at time: Int64) {
        var error = given
        error.correlation = command.correlation
        error.operatorName = command.operatorName
        error.node = command.node
        switch error.scope {
        case .device: device.setLost(error, at: time)
        case .context:
            fail(error, at: time)
            context.breakDown(error, at: time)
        case .call, .stream: fail(error, at: time)
        }
    }

    /// Keeps a record of what ran from when to when.
    func note(_ command: Command, from begin: Int64, to end: Int64) {
        guard context.epoch == epoch else { return }
        context.profile.add(
            heng_profile_record(
                command.recordKind, command.name, stream: number, correlation: command.correlation,
                begin: begin, end: end, bytes: UInt64(command.bytes)), isDeviceTime: true)
    }
}

extension Machine {
    /// The lane that is free first; nil where there is no limit.
    fileprivate func earliestLane() -> Int? { lanes.indices.min { lanes[$0] < lanes[$1] } }
}
