internal import CLinux
internal import ControlAPI
internal import Essentials
internal import Scheduling

// New limits for what runs.

extension AttemptWorker {
    /// Writes the new limits into the groups of each rank, and binds its threads anew.
    ///
    /// Memory that has to come from other nodes moves with the cpuset; without one the old pages stay where they are.
    func resize(_ attempt: Attempt, to devices: [VirtualDevice]) {
        guard let record = attempt.record, devices.count == attempt.ranks.count else { return }
        var changed = record
        changed.start.ranks = devices
        for (rank, device) in devices.enumerated() {
            if let named = record.start.namedDevices, rank < named.count {
                changed.start.namedDevices?[rank].device = device
                attempt.ranks[rank].remarks += shelf.resize(named[rank].name, to: device) {
                    resize(attempt, rank, changed, isInside: shelf[named[rank].name] != nil)
                }
            } else {
                resize(attempt, rank, changed, isInside: false)
            }
        }
        // An agent that comes later must know the limits that were in force.
        try? attempt.folder.writeJSON(changed, to: AttemptFolder.recordName)
        attempt.record = changed
    }

    /// Of a rank in a virtual device only the place changes here: the device holds what it may use.
    private func resize(_ attempt: Attempt, _ rank: Int, _ record: AttemptRecord, isInside: Bool) {
        guard attempt.ranks[rank].fact == nil else { return }
        var slot = record.start.slot(ofRank: rank)
        if isInside {
            let held = record.limits(ofRank: rank)
            slot.memory = held.memory
            slot.cpuShare = nil
            slot.cpuWeight = nil
        }
        for group in attempt.ranks[rank].groups { group.write(slot) }
        bind(attempt, rank, to: slot.cpus)
        if !attempt.ranks[rank].groups.contains(where: \.limitsMemory), let memory = slot.memory {
            let mebibytes = UInt32(clamping: (memory.bytes + (1 << 20) - 1) >> 20)
            attempt.ranks[rank].link?.send(SupervisorBlock.command("M", mebibytes))
        }
    }

    private func bind(_ attempt: Attempt, _ rank: Int, to cpus: CPUSet) {
        guard let manifest = attempt.folder.manifest(ofRank: rank), !cpus.isEmpty else { return }
        let units = cpus.units.map { Int32($0) }
        _ = unsafe process_bind_below(manifest.supervisor, units, units.count)
    }
}

extension StepLimits.Group {
    fileprivate var limitsMemory: Bool {
        SmallFile.value("\(path)/memory.max").map { $0 != "max" } ?? (kind == "memory")
    }

    /// Writes what this kind of group limits; a file that is not there limits nothing.
    fileprivate func write(_ slot: RankSlot) {
        let strict = slot.numa.flatMap { $0.mode == .strict ? $0.nodes : nil }
        for (file, value) in StepLimits.values(slot, kind: kind, strictNodes: strict) {
            _ = SmallFile.write(value, to: "\(path)/\(file)")
        }
    }
}

extension StepLimits {
    /// What new limits write into a group of a kind, in an order in which no value is refused because of another.
    static func values(_ slot: RankSlot, kind: String, strictNodes: CPUSet?) -> [(
        file: String, value: String
    )] {
        var values: [(file: String, value: String)] = []
        let quota = slot.cpuShare.map { Quota(share: $0, units: slot.cpus.count) }
        if kind == "unified" || kind == "cpuset" {
            if kind == "cpuset" { values.append(("cpuset.memory_migrate", "1")) }
            values.append(("cpuset.cpus", "\(slot.cpus)"))
            if let strictNodes { values.append(("cpuset.mems", "\(strictNodes)")) }
        }
        if kind == "unified" {
            values.append(("cpu.max", quota.map { "\($0.time) \($0.period)" } ?? "max"))
            if let weight = slot.cpuWeight { values.append(("cpu.weight", "\(weight)")) }
            if let memory = slot.memory { values.append(("memory.max", "\(memory.bytes)")) }
        }
        if kind == "cpu" {
            // The quota is refused where the period makes it too small, so it goes first and comes back.
            values.append(("cpu.cfs_quota_us", "-1"))
            if let quota {
                values.append(("cpu.cfs_period_us", "\(quota.period)"))
                values.append(("cpu.cfs_quota_us", "\(quota.time)"))
            }
            if let weight = slot.cpuWeight { values.append(("cpu.shares", "\(max(2, weight * 1024 / 100))")) }
        }
        if kind == "memory", let memory = slot.memory {
            values.append(("memory.limit_in_bytes", "\(memory.bytes)"))
        }
        return values
    }
}
