internal import Essentials

/// The control groups of a virtual device with a name.
///
/// Whatever runs in it has groups of its own below these, so its limits hold for the sum of everything inside. A device
/// that is made for one job needs none: the groups of the job are the device.
struct DeviceGroups: Hashable, Codable, Sendable {
    private(set) var groups: [StepLimits.Group] = []
    private(set) var report = EnforcementReport()
    /// What the groups hold now.
    private(set) var slot: RankSlot

    /// Makes the groups, or finds them again by their name; where there are none, what runs inside is held by itself.
    init(named name: String, holding slot: RankSlot, isolation: Isolation) {
        self.slot = slot
        shape(slot, named: name, isolation: isolation)
        // Groups that were there may have had other limits.
        liftWhatIsNoLimit(any: slot)
        shape(slot, named: name, isolation: isolation)
        passControllersOn()
    }

    /// Whether the kernel holds everything inside to a limit together.
    func holds(_ limit: EnforcementReport.Limit) -> Bool { report[limit]?.strength == .hard }

    /// Whether all groups are still there.
    var areThere: Bool { groups.allSatisfy { SmallFile.exists($0.path) } }

    /// Where the steps inside make their groups.
    func isolation(inside outer: Isolation) -> Isolation {
        var inner = outer
        inner.isInsideDevice = true
        for controller in Controller.allCases {
            switch outer.home(of: controller) {
            case .missing: continue
            case .unified:
                if let path = path(of: "unified") { inner.homes[controller] = .unified(folder: path) }
            case .legacy:
                if let path = path(of: controller.rawValue) {
                    inner.homes[controller] = .legacy(folder: path)
                }
            }
        }
        return inner
    }

    private func path(of kind: String) -> String? { groups.first { $0.kind == kind }?.path }

    // MARK: Size

    /// Gives the groups another size, and everything inside in `between`.
    ///
    /// In version 1 no cpuset may have what the one above it lacks, so the device has the old and the new meanwhile.
    /// Returns sentences about what could not be done.
    mutating func resize(
        to new: RankSlot, named name: String, isolation: Isolation, between body: () -> Void
    ) -> [String] {
        widen(by: new)
        body()
        liftWhatIsNoLimit(any: new)
        shape(new, named: name, isolation: isolation)
        slot = new
        return shrinkMemory()
    }

    private mutating func shape(_ slot: RankSlot, named name: String, isolation: Isolation) {
        let specification = StepSpecification(
            name: name, command: [name], cpus: slot.cpus, numa: slot.numa, memory: slot.memory,
            cpuShare: slot.cpuShare, cpuWeight: slot.cpuWeight)
        let limits = StepLimits(specification, isolation: isolation, name: name)
        groups = limits.groups
        report = limits.report
    }

    private func widen(by new: RankSlot) {
        guard let path = path(of: "cpuset") else { return }
        _ = SmallFile.write("1", to: "\(path)/cpuset.memory_migrate")
        _ = SmallFile.write("\(slot.cpus.union(new.cpus))", to: "\(path)/cpuset.cpus")
        let nodes = (slot.numa?.nodes ?? CPUSet()).union(new.numa?.nodes ?? CPUSet())
        if !nodes.isEmpty { _ = SmallFile.write("\(nodes)", to: "\(path)/cpuset.mems") }
    }

    /// A limit that the new size does not have would stay otherwise.
    private func liftWhatIsNoLimit(any new: RankSlot) {
        for group in groups {
            switch group.kind {
            case "cpu":
                // Also before a new one, because a quota is refused that does not suit the old period.
                _ = SmallFile.write("-1", to: "\(group.path)/cpu.cfs_quota_us")
                if new.cpuWeight == nil { _ = SmallFile.write("1024", to: "\(group.path)/cpu.shares") }
            case "unified":
                if new.cpuShare == nil { _ = SmallFile.write("max", to: "\(group.path)/cpu.max") }
                if new.memory == nil { _ = SmallFile.write("max", to: "\(group.path)/memory.max") }
                if new.cpuWeight == nil { _ = SmallFile.write("100", to: "\(group.path)/cpu.weight") }
            case "memory":
                if new.memory == nil { _ = SmallFile.write("-1", to: "\(group.path)/memory.limit_in_bytes") }
            default: continue
            }
        }
    }

    /// Version 1 refuses a limit below what is in use and cannot be taken away; then it must at least not grow.
    private mutating func shrinkMemory() -> [String] {
        guard let wanted = slot.memory, !holds(.memory), let path = path(of: "memory") else { return [] }
        for _ in 0..<5 {
            guard let used = SmallFile.value("\(path)/memory.usage_in_bytes").flatMap({ Int($0) }) else {
                break
            }
            let limit = max(wanted.bytes, used)
            guard SmallFile.write("\(limit)", to: "\(path)/memory.limit_in_bytes") == 0 else { continue }
            if limit == wanted.bytes { report.harden(.memory, "memory control group (version 1)") }
            return limit == wanted.bytes
                ? []
                : [
                    "The virtual device should have \(wanted) and holds \(ByteCount(bytes: limit)); it gets no more than that."
                ]
        }
        return ["The virtual device could not be given \(wanted) of memory: \(path) refuses it."]
    }

    /// Another limit on memory alone, for a trial; false when the kernel does not take it.
    func limitMemory(to amount: ByteCount?) -> Bool {
        for (kind, file) in [("unified", "memory.max"), ("memory", "memory.limit_in_bytes")] {
            guard let path = path(of: kind), SmallFile.exists("\(path)/\(file)") else { continue }
            let none = kind == "unified" ? "max" : "-1"
            return SmallFile.write(amount.map { "\($0.bytes)" } ?? none, to: "\(path)/\(file)") == 0
        }
        return false
    }

    /// The most memory that was in use at once, since it was last forgotten where the kernel can forget.
    var memoryPeak: ByteCount? {
        for (kind, file) in [("unified", "memory.peak"), ("memory", "memory.max_usage_in_bytes")] {
            guard let path = path(of: kind), let text = SmallFile.value("\(path)/\(file)") else { continue }
            return Int(text).map { ByteCount(bytes: $0) }
        }
        return nil
    }

    func forgetMemoryPeak() {
        if let path = path(of: "memory") { _ = SmallFile.write("0", to: "\(path)/memory.max_usage_in_bytes") }
    }

    // MARK: Life

    /// In version 2 the groups below have the controllers that this one passes on.
    private func passControllersOn() {
        guard let path = path(of: "unified") else { return }
        let known = SmallFile.read("\(path)/cgroup.controllers")?.split(whereSeparator: \.isWhitespace) ?? []
        for controller in Controller.allCases where known.contains(Substring(controller.rawValue)) {
            _ = SmallFile.write("+\(controller.rawValue)", to: "\(path)/cgroup.subtree_control")
        }
    }

    /// Removes the groups; false while something is in them.
    func remove() -> Bool {
        // Files that jobs have read are in nobody's way, but they keep the group's memory alive.
        if let path = path(of: "memory") { _ = SmallFile.write("0", to: "\(path)/memory.force_empty") }
        return groups.filter { !SmallFile.isGone(afterRemoving: $0.path) }.isEmpty
    }
}

extension EnforcementReport {
    fileprivate mutating func harden(_ limit: Limit, _ means: String) {
        for index in entries.indices where entries[index].limit == limit {
            entries[index].strength = .hard
            entries[index].means = means
        }
    }

    /// What holds a step inside a virtual device: the device where it does, else the step's own groups.
    func inside(_ device: EnforcementReport, named name: String) -> EnforcementReport {
        let outer = device.entries.filter { $0.strength == .hard && $0.limit != .numa }.map { entry in
            Entry(
                entry.limit, entry.requested, entry.strength, "\(entry.means) of the virtual device \(name)")
        }
        return EnforcementReport(
            entries: outer + entries.filter { own in !outer.contains { $0.limit == own.limit } })
    }
}
