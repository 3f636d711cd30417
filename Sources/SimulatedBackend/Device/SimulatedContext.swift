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
    var events = 0
    var buffers = 0
    var operators = 0
    var recordings = 0
    var pool = MemoryPool()
    var profile: Profile?

    init(on device: SimulatedDevice) {
        self.device = device
        device.madeContexts += 1
        number = device.madeContexts
    }

    static func == (left: SimulatedContext, right: SimulatedContext) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    /// What the context still owns, as "2 buffers, 1 stream"; nil for nothing.
    var owned: String? {
        let counts = [
            (buffers, "buffer"), (events, "event"), (streams.count, "stream"), (operators, "operator"),
            (recordings, "recording"), (pool.hostBlocks.count, "block of host memory"),
        ]
        let parts = counts.filter { $0.0 > 0 }.map { count, name in
            count == 1 ? "1 \(name)" : "\(count) \(name.replacing("block", with: "blocks"))".pluralised
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Breaks the context: its streams run nothing any more.
    func breakDown(_ cause: DeviceError, at time: Int64) {
        guard broken == nil, !isDead else { return }
        broken = Sticky(error: cause, time: time, isSeen: !device.isVirtual || time <= device.machine.now)
        device.machine.health.lastError = cause.code
        for stream in streams where stream.epoch == epoch {
            stream.fail(needsRebuild(cause, "stream_synchronize"), at: time)
        }
        device.monitor.changed()
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
        profile = nil
        broken = nil
        epoch += 1
        if device.machine.lost == nil { device.machine.health.lastError = nil }
    }

    /// The end by a reset: only destroying is left.
    func die() {
        device.reserve(-pool.empty())
        profile = nil
        broken = nil
        isDead = true
    }
}

extension String {
    /// `buffer` as `buffers`, with `block of host memory` changed already.
    fileprivate var pluralised: String { hasSuffix("memory") ? self : self + "s" }
}
