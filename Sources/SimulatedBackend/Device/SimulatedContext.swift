internal import AcceleratorAPI
internal import Essentials

/// A context of a simulated device: the owner of its objects, and the account of their memory.
@safe final class SimulatedContext: SimulatedObject, Hashable, @unchecked Sendable {
    // Unchecked: guarded by the device's monitor.
    static let kindName = "a context"

    let device: SimulatedDevice
    /// From 1, in the device's order.
    let number: Int
    var epoch: UInt64 = 0
    /// Whether the device was reset since.
    var isDead = false
    var broken: Sticky?
    var streams: [SimulatedStream] = []
    /// But for streams and host memory, which are counted where they are kept.
    var living = LivingCounts()
    var pool = MemoryPool()
    let profile = ProfileLog()

    init(on device: SimulatedDevice) {
        self.device = device
        device.madeContexts += 1
        number = device.madeContexts
    }

    static func == (left: SimulatedContext, right: SimulatedContext) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    /// What the context still owns, as "2 buffers, 1 stream"; nil for nothing.
    var owned: String? {
        var counts = living
        counts.streams = streams.count
        counts.hostBlocks = pool.hostBlocks.count
        return counts.text
    }

    /// Breaks the context: its streams run nothing any more.
    func breakDown(_ cause: DeviceError, at time: Int64) {
        guard broken == nil, !isDead else { return }
        broken = Sticky(error: cause, time: time, isSeen: !device.isVirtual || time <= device.machine.now)
        device.machine.health.lastError = cause.code
        for stream in streams where stream.epoch == epoch {
            stream.fail(needsRebuild(cause, "stream_synchronize"), at: time)
        }
        device.monitor.wakeAll()
    }

    func see(_ now: Int64) { if let broken, broken.time <= now { self.broken?.isSeen = true } }

    func needsRebuild(_ cause: DeviceError, _ operation: String) -> DeviceError {
        let work = cause.correlation == 0 ? "" : ", in the work with correlation \(cause.correlation)"
        let name = cause.operatorName.map { " (\($0))" } ?? ""
        return DeviceError(
            .needsRebuild, scope: .context, operation: operation,
            text:
                "A context of \(device.name) is broken since \(cause.operation)\(name)\(work): \(cause.text)",
            nativeCode: Int(cause.code.rawValue), correlation: cause.correlation, node: cause.node,
            operatorName: cause.operatorName)
    }

    /// Makes a broken context work again; what was in it is dead, and its memory is given back.
    func rebuild() {
        let error = DeviceError(
            .context, scope: .context, operation: "context_rebuild",
            text: "A context of \(device.name) was rebuilt.")
        for stream in streams { stream.stop(error) }
        while streams.contains(where: \.isRunning) { device.monitor.wait() }
        device.reserve(-pool.empty())
        profile.drop()
        broken = nil
        epoch += 1
        if device.machine.lost == nil { device.machine.health.lastError = nil }
    }

    /// The end by a reset: only destroying is left.
    func die() {
        device.reserve(-pool.empty())
        profile.drop()
        broken = nil
        isDead = true
    }
}
