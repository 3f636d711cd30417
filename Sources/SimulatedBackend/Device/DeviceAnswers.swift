internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

// What a device says about itself, and its parts. The monitor is held.

extension SimulatedDevice {
    func describe() -> heng_device_description {
        var full = unsafe heng_device_description()
        unsafe full.kind = UnsafePointer(texts.kind)
        unsafe full.name = UnsafePointer(texts.name)
        unsafe full.vendor = UnsafePointer(texts.vendor)
        unsafe full.memory_bytes = UInt64(settings.memory.bytes)
        unsafe full.numa_node = -1
        unsafe full.compute_units = UInt32(settings.computeUnits)
        unsafe full.buffer_alignment = UInt32(settings.alignment)
        unsafe full.copy_alignment = UInt32(settings.copyAlignment)
        unsafe full.host_addressable = settings.isHostAddressable ? 1 : 0
        unsafe full.simulated = 1
        unsafe full.capabilities = settings.capabilities.rawValue
        unsafe withUnsafeMutableBytes(of: &full.uuid) { unsafe $0.copyBytes(from: texts.uuid) }
        unsafe full.stream_limit = UInt32(settings.streamLimit)
        unsafe full.event_limit = UInt32(settings.eventLimit)
        unsafe full.context_limit = UInt32(settings.contextLimit)
        unsafe full.determinism = UInt32(HENG_DETERMINISM_DEVICES)
        return unsafe full
    }

    /// Waits for all streams; throws the first failed one's error.
    func synchronize() throws(DeviceError) {
        let operation = "device_synchronize"
        try refuseFromHostFunction(operation)
        _ = try strike(operation)
        try check(operation)
        let targets = streams.filter { !$0.context.isDead && $0.epoch == $0.context.epoch }.map {
            (stream: $0, target: $0.submitted)
        }
        var first: DeviceError?
        for (stream, target) in targets {
            do throws(DeviceError) {
                try wait(-1, operation, "The work of a stream") { () throws(DeviceError) in
                    stream.outcome(of: target)
                }
            } catch {
                stream.tell(error)
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    func refuseFromHostFunction(_ operation: String) throws(DeviceError) {
        guard !machine.streams.contains(where: \.isCurrent) else {
            throw DeviceError(
                .misuse, operation: operation,
                text: "\(operation) of \(name) was called by a host function, which it would wait for.")
        }
    }

    func status() -> heng_device_status {
        var full = unsafe heng_device_status()
        let health = machine.health
        let isBroken = machine.lost?.isSeen == true || contexts.contains { $0.broken?.isSeen == true }
        let number =
            isBroken ? HENG_HEALTH_BROKEN : health.isDegraded ? HENG_HEALTH_DEGRADED : HENG_HEALTH_GOOD
        unsafe full.health = Int32(number)
        unsafe full.last_error = isBroken ? health.lastError?.rawValue ?? 0 : 0
        unsafe full.temperature_celsius = settings.temperature ?? .nan
        unsafe full.power_watts = settings.watts ?? .nan
        unsafe full.energy_joules = settings.watts.map { $0 * Double(health.busy) / 1e9 } ?? .nan
        unsafe full.utilization = utilization()
        unsafe full.memory_free = Int64(free)
        unsafe full.memory_total = Int64(settings.memory.bytes)
        unsafe full.corrected_errors = Int64(health.corrected)
        unsafe full.uncorrected_errors = Int64(health.uncorrected)
        unsafe full.contexts = Int64(contexts.count)
        unsafe full.streams = Int64(streams.count + leakedStreams)
        unsafe full.events = Int64(livingEvents)
        unsafe full.buffers = Int64(livingBuffers)
        return unsafe full
    }

    var livingEvents: Int { contexts.reduce(leakedEvents) { $0 + $1.living.events } }
    var livingBuffers: Int { contexts.reduce(0) { $0 + $1.living.buffers } }

    /// The part of the time since the last look at the status in which work ran.
    private func utilization() -> Double {
        let (now, busy) = (machine.now, machine.health.busy)
        let (time, worked) = (now - machine.health.reportedAt, busy - machine.health.reportedBusy)
        machine.health.reportedAt = now
        machine.health.reportedBusy = busy
        return time > 0 ? min(1, Double(worked) / Double(time)) : 0
    }
}

// Parts.
extension SimulatedDevice {
    /// A part of the device: some of its units, and a limit of memory.
    func part(units: Int, memory: UInt64) throws(DeviceError) -> SimulatedDevice {
        let operation = "device_partition"
        guard units >= 1, units <= settings.computeUnits else {
            throw invalid(
                operation, "A part of \(name) has 1 to \(settings.computeUnits) units, not \(units).")
        }
        guard units <= settings.computeUnits - lentUnits else {
            throw DeviceError(
                .outOfResources, operation: operation,
                text:
                    "\(units) compute units are wanted, and of the \(settings.computeUnits) of \(name) other "
                    + "parts hold \(lentUnits).", isRetriable: true)
        }
        guard memory <= UInt64(settings.memory.bytes) else {
            throw invalid(operation, "A part of \(name) cannot have more memory than \(settings.memory).")
        }
        var own = settings
        own.name = "\(name), part of \(units) units"
        own.computeUnits = units
        own.operationsPerSecond = max(1, settings.operationsPerSecond / settings.computeUnits * units)
        if memory > 0 { own.memory = ByteCount(bytes: Int(memory)) }
        lentUnits += units
        return SimulatedDevice(partOf: self, own)
    }

    func release() throws(DeviceError) {
        guard let parent else {
            throw DeviceError(
                .misuse, operation: "device_release", text: "\(name) is no part that could be released.")
        }
        guard contexts.isEmpty, lentUnits == 0 else {
            throw DeviceError(
                .notReleased, operation: "device_release",
                text: "\(contexts.count) contexts and parts with \(lentUnits) units of \(name) still live.")
        }
        parent.lentUnits -= settings.computeUnits
        isReleased = true
    }
}
