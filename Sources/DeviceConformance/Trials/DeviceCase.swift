internal import AcceleratorAPI

/// One check of a device through the bare table of C functions.
package struct DeviceCase: Sendable {
    /// Unique, and stable over releases: `runtime/copy/unaligned`.
    package let id: String
    package let level: Level
    /// What is true of a device that passes, in one line.
    package let title: String
    /// The requirements that it speaks to: 33 for R280-33.
    package let clauses: [Int]
    /// A device that does not claim all of these is not asked.
    let needs: DeviceCapabilities
    /// A device whose maker does not offer this group is not asked.
    let group: Int?
    /// Whether the functions it calls may be missing without any claim that says so.
    let isOptional: Bool
    let body: Body

    enum Body: Sendable {
        /// Needs a process in which nobody has called the library yet.
        case load(@Sendable (LoadTrial) throws -> Void)
        case device(@Sendable (Trial) throws -> Void)
    }

    /// Whether the case must have a process to itself.
    package var needsFreshProcess: Bool {
        if case .load = body { true } else { false }
    }

    static func load(
        _ name: String, _ title: String, _ clauses: Int...,
        body: @escaping @Sendable (LoadTrial) throws -> Void
    ) -> DeviceCase {
        DeviceCase(
            id: "load/\(name)", level: .load, title: title, clauses: clauses, needs: [], group: nil,
            isOptional: false, body: .load(body))
    }

    static func runtime(
        _ name: String, _ title: String, _ clauses: Int..., needs: DeviceCapabilities = [],
        group: Int? = nil, optional: Bool = false, body: @escaping @Sendable (Trial) throws -> Void
    ) -> DeviceCase {
        DeviceCase(
            id: "runtime/\(name)", level: .runtime, title: title, clauses: clauses, needs: needs,
            group: group, isOptional: optional, body: .device(body))
    }

    static func other(
        _ level: Level, _ name: String, _ title: String, _ clauses: Int...,
        needs: DeviceCapabilities = [], group: Int? = nil, optional: Bool = false,
        body: @escaping @Sendable (Trial) throws -> Void
    ) -> DeviceCase {
        DeviceCase(
            id: "\(level.prefix)/\(name)", level: level, title: title, clauses: clauses, needs: needs,
            group: group, isOptional: optional, body: .device(body))
    }
}

/// All cases of the kit that work on the bare table.
package enum DeviceCases {
    package static let all: [DeviceCase] =
        getter + starting + traces + devices + contexts + streams + hostFunctions + events + copies + blocks
        + fills + buffers + memoryAccounts + otherMemory + errorObjects + wrongCalls + checkedCalls
        + concurrency
        + modelLoading + modelDescribing + modelRuns + modelDamage + graphBuilding + graphLimits
        + recordings + kernels + profiling + selections + callbacks + interchange + operatorTables
        + operatorDemands
        + faults + scripted + exhaustion + soaking + costs

    package static func named(_ id: String) -> DeviceCase? { byName[id] }

    private static let byName = Dictionary(all.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
}
