internal import AcceleratorAPI
internal import Essentials

// How errors spread, and what they leave usable. The monitor is held.

extension SimulatedDevice {
    /// Counts a call in the fault script; throws what the script lets the call itself do wrong.
    ///
    /// Returns what goes wrong with the work that the call submits, or with the freeing that it does.
    func strike(
        _ operation: String, on stream: SimulatedStream? = nil, in context: SimulatedContext? = nil,
        correlation: UInt64 = 0, operatorName: String? = nil, node: String? = nil
    ) throws(DeviceError) -> [Fault.Action] {
        guard !machine.script.isEmpty else { return [] }
        let actions = machine.script.strike(operation, correlation: correlation, operatorName: operatorName)
        for case .fail(let code, let scope) in actions {
            let error = DeviceError(
                code, scope: scope, operation: operation,
                text: "\(operation) of \(name) fails as its fault script says.",
                requested: code == .outOfDeviceMemory ? ByteCount(bytes: 1) : nil,
                available: code == .outOfDeviceMemory ? .zero : nil,
                isRetriable: scope == .call, correlation: correlation, node: node, operatorName: operatorName)
            spread(error, stream, context ?? stream?.context)
            throw error
        }
        if actions.contains(.loseDevice), !CallNames.work.contains(operation) {
            throw lose(operation, correlation: correlation, operatorName: operatorName, at: machine.now)
        }
        return actions
    }

    /// Lets an error of a call reach as far as its scope says.
    private func spread(_ error: DeviceError, _ stream: SimulatedStream?, _ context: SimulatedContext?) {
        let time = machine.now
        switch error.scope {
        case .call: break
        case .stream: stream?.fail(error, at: time)
        case .context:
            stream?.fail(error, at: time)
            context?.breakDown(error, at: time)
        case .device: setLost(error, at: time)
        }
        see()
    }

    /// Loses the device at that time, and says so.
    @discardableResult func lose(
        _ operation: String, correlation: UInt64, operatorName: String?, at time: Int64
    ) -> DeviceError {
        let error = DeviceError(
            .deviceLost, scope: .device, operation: operation,
            text: "The device \(name) answers no more.", correlation: correlation, operatorName: operatorName)
        setLost(error, at: time)
        return error
    }

    /// All streams end with it, of all parts too.
    func setLost(_ error: DeviceError, at time: Int64) {
        guard machine.lost == nil else { return }
        machine.lost = Sticky(error: error, time: time, isSeen: !isVirtual || time <= machine.now)
        machine.health.lastError = error.code
        for stream in machine.streams { stream.fail(lostError(error, "stream_synchronize"), at: time) }
        monitor.wakeAll()
    }

    func lostError(_ cause: DeviceError, _ operation: String) -> DeviceError {
        var error = cause
        error.code = .deviceLost
        error.scope = .device
        error.operation = operation
        if cause.operation != operation {
            error.text = "The device \(name) is lost since \(cause.operation): \(cause.text)"
        }
        return error
    }

    /// Refuses where the device cannot do anything any more.
    func check(_ operation: String) throws(DeviceError) {
        guard !isReleased else {
            throw DeviceError(
                .invalidDevice, operation: operation, text: "This part of \(name) was released.")
        }
        if let lost = machine.lost, lost.isSeen { throw lostError(lost.error, operation) }
    }

    /// Refuses where the context cannot be used.
    func check(_ context: SimulatedContext, _ operation: String) throws(DeviceError) {
        guard !context.isDead else {
            throw DeviceError(
                .context, scope: .context, operation: operation,
                text: "A context of \(name) is unusable: the device was reset.")
        }
        try check(operation)
        if let broken = context.broken, broken.isSeen { throw context.needsRebuild(broken.error, operation) }
    }

    /// Refuses where the object is dead, or its context cannot be used.
    func check(_ object: any OwnedObject, _ operation: String) throws(DeviceError) {
        let context = object.context
        guard context.isDead || object.epoch == context.epoch else {
            throw DeviceError(
                .context, scope: .context, operation: operation,
                text: "\(Swift.type(of: object).kindName) of \(name) is dead: its context was rebuilt since."
                    .capitalizedFirst)
        }
        if let stream = object as? SimulatedStream, !context.isDead, machine.lost?.isSeen != true,
            let failure = stream.seenFailure
        {
            throw failure
        }
        try check(context, operation)
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

// Reset.
extension SimulatedDevice {
    /// Ends all work, of parts too, and leaves every context dead.
    func reset() {
        let error = DeviceError(
            .context, scope: .context, operation: "device_reset", text: "The device \(name) was reset.")
        for stream in machine.streams { stream.stop(error) }
        while machine.streams.contains(where: \.isRunning) { monitor.wait() }
        for context in Set(machine.streams.map(\.context)).union(contexts) { context.die() }
        machine.lost = nil
        machine.health.lastError = nil
        machine.health.isDegraded = false
        machine.lanesInUse = 0
        monitor.wakeAll()
    }
}
