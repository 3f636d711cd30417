package import Essentials

/// What is known about a machine beside its description: whether it takes work, and how its parts are.
package struct MachineStatus: Hashable, Codable, Sendable {
    package struct Fault: Hashable, Codable, Sendable {
        package var part: MachinePart
        package var level: HealthLevel
        package var why: String
        /// Since when it is being reset, which is why it takes no work; nil when it is not.
        package var resetSince: TimePoint?
    }

    /// Why an operator keeps new work away; nil when nobody does.
    package var drainedBecause: String?
    package var isSilent = false
    /// Parts that are not healthy, each once.
    package var faults: [Fault] = []

    package init() {}

    /// Why the whole machine takes no new work, or nil when it does.
    package var closedBecause: String? {
        if let drainedBecause { return "drained: \(drainedBecause)" }
        if isSilent { return "it does not answer" }
        return faults.first { $0.part.device == nil && !$0.level.takesNewWork }
            .map { "\($0.level.rawValue): \($0.why)" }
    }

    /// The state's name in tables.
    package var stateName: String {
        if drainedBecause != nil { return "DRAINED" }
        if isSilent { return "DOWN" }
        if faults.contains(where: { $0.part.device == nil && !$0.level.takesNewWork }) { return "FAIL" }
        return faults.isEmpty ? "UP" : "DEGRADED"
    }

    /// The devices that take no new work, NUMA nodes among them.
    var closedDevices: Set<DeviceID> {
        Set(faults.filter { !$0.level.takesNewWork }.compactMap(\.part.device))
    }

    /// The devices that are the last to be chosen.
    func isSubHealthy(_ device: DeviceID) -> Bool {
        faults.contains { $0.level == .subHealthy && ($0.part.device == nil || $0.part.device == device) }
    }

    mutating func set(
        _ level: HealthLevel, of part: MachinePart, why: String, resetSince: TimePoint? = nil
    ) {
        faults.removeAll { $0.part == part }
        if level != .healthy {
            faults.append(Fault(part: part, level: level, why: why, resetSince: resetSince))
            faults.sort { ($0.part.device?.description ?? "") < ($1.part.device?.description ?? "") }
        }
    }
}
