package import CHengAccelerator
internal import Essentials
internal import Synchronization

/// How many objects of each kind live.
package struct LivingCounts: Hashable, Sendable {
    package var contexts = 0
    package var streams = 0
    package var events = 0
    package var buffers = 0
    package var operators = 0
    package var modules = 0
    package var recordings = 0
    package var hostBlocks = 0

    package init() {}

    /// What lives, as `2 buffers, 1 stream`; nil for nothing.
    package var text: String? {
        countedList([
            (buffers, "buffer", "buffers"), (events, "event", "events"), (streams, "stream", "streams"),
            (operators, "operator", "operators"), (modules, "module", "modules"),
            (recordings, "recording", "recordings"),
            (hostBlocks, "block of host memory", "blocks of host memory"),
            (contexts, "context", "contexts"),
        ])
    }

    /// Puts those that a status names into it.
    package func report(to status: inout heng_device_status) {
        unsafe status.contexts = Int64(contexts)
        unsafe status.streams = Int64(streams)
        unsafe status.events = Int64(events)
        unsafe status.buffers = Int64(buffers)
    }
}

/// Counts of things in words, without those that are 0: `2 buffers, 1 stream`; nil for nothing.
package func countedList(_ counts: [(count: Int, one: String, many: String)]) -> String? {
    let words = counts.filter { $0.count > 0 }.map { "\($0.count) \($0.count == 1 ? $0.one : $0.many)" }
    return words.isEmpty ? nil : words.joined(separator: ", ")
}

/// Counts what lives in an owner, and in the owner of that.
package final class LivingObjects: Sendable {
    private let owner: LivingObjects?
    private let state = Mutex(LivingCounts())

    package init(in owner: LivingObjects? = nil) { self.owner = owner }

    package var counts: LivingCounts { state.withLock { $0 } }

    package func count(_ kind: WritableKeyPath<LivingCounts, Int>, _ change: Int) {
        state.withLock { $0[keyPath: kind] += change }
        owner?.count(kind, change)
    }

    /// Throws what is left, for a call that ends the owner.
    package func requireNone(in owner: String, _ operation: String) throws(DeviceError) {
        guard let left = counts.text else { return }
        throw DeviceError(.notReleased, operation: operation, text: "\(owner) still owns \(left).")
    }
}

extension heng_device_status {
    /// A status of which nothing is known yet.
    package static var unknown: heng_device_status {
        var status = unsafe heng_device_status()
        unsafe status.health = Int32(HENG_HEALTH_UNKNOWN)
        unsafe status.temperature_celsius = .nan
        unsafe status.power_watts = .nan
        unsafe status.energy_joules = .nan
        unsafe status.utilization = .nan
        unsafe status.memory_free = -1
        unsafe status.memory_total = -1
        unsafe status.corrected_errors = -1
        unsafe status.uncorrected_errors = -1
        unsafe status.contexts = -1
        unsafe status.streams = -1
        unsafe status.events = -1
        unsafe status.buffers = -1
        return unsafe status
    }
}
