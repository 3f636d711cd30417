package import Essentials

/// A machine, or a part of one, that may be unhealthy by itself.
package struct MachinePart: Hashable, Codable, Sendable {
    package var machine: String
    /// A NUMA node or an attached device; nil is the whole machine.
    package var device: DeviceID?

    package init(machine: String, device: DeviceID? = nil) {
        self.machine = machine
        self.device = device
    }
}

/// What a fault means for the work on a part, after GB/T 45401.1 in our reading (R4011-23).
package enum HealthLevel: String, Hashable, Codable, Sendable, CaseIterable {
    case healthy
    /// Known, and of no consequence.
    case ignored
    /// A service should send the request again; jobs go on.
    case retryRequest = "retry-request"
    /// Jobs there are started again.
    case restartService = "restart-service"
    /// No new work; reset once nothing runs there.
    case resetWhenIdle = "reset-when-idle"
    /// Jobs there are started again elsewhere, and the part is reset.
    case resetNow = "reset-now"
    /// Jobs there are started again elsewhere, and the part gets no more.
    case isolated
    /// No new work; what runs goes on.
    case preIsolated = "pre-isolated"
    /// Still usable, but the last to be chosen.
    case subHealthy = "sub-healthy"

    package var takesNewWork: Bool {
        switch self {
        case .healthy, .ignored, .retryRequest, .restartService, .subHealthy: true
        case .resetWhenIdle, .resetNow, .isolated, .preIsolated: false
        }
    }

    /// Whether jobs that run there are stopped and queued again.
    package var movesJobs: Bool {
        switch self {
        case .restartService, .resetNow, .isolated: true
        case .healthy, .ignored, .retryRequest, .resetWhenIdle, .preIsolated, .subHealthy: false
        }
    }
}

extension MachinePart: CustomStringConvertible {
    package var description: String { device.map { "\($0) of machine \(machine)" } ?? "machine \(machine)" }
}
