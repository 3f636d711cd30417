internal import Essentials

extension ClusterState {
    /// What contradicts itself in this state, or nil when nothing does.
    ///
    /// A state that was only changed by `on` is always sound. One that was read from a file may have been edited or
    /// torn, and is checked with this before it is used.
    package func inconsistency() -> String? {
        guard free.count == inventories.count else { return "the sums do not cover every machine" }
        let jobs = jobs.all
        for (left, right) in zip(jobs, jobs.dropFirst()) where left.id >= right.id {
            return "jobs \(left.id) and \(right.id) are out of order"
        }
        if let last = jobs.last, last.id >= nextJob { return "job \(last.id) is numbered ahead of its time" }
        guard jobs.filter(\.phase.holdsResources).map(\.id) == activeJobs else {
            return "the list of active jobs does not match the jobs"
        }
        guard jobs.filter({ $0.phase == .pending }).map(\.id) == waitingJobs else {
            return "the queue does not match the jobs"
        }
        guard queue.classes.allSatisfy({ matchesItsJobs($0) }) else {
            return "the queue groups jobs that differ"
        }
        return recount()
    }

    private func matchesItsJobs(_ jobClass: PendingQueue.JobClass) -> Bool {
        jobClass.members.allSatisfy { id in
            jobs[id].map { PendingQueue.Key($0.request) == jobClass.key } ?? false
        }
    }

    /// Takes every placement out of full machines, and compares what is left with the sums of the state.
    private func recount() -> String? {
        var counts = inventories.map { CapacityCount($0) }
        for id in activeJobs {
            guard let placement = jobs[id]?.placement,
                let index = inventories.firstIndex(where: { $0.machine.name == placement.machine })
            else { return "job \(id) runs on no known machine" }
            guard counts[index].take(placement) else { return "job \(id) has what is not there" }
        }
        for (count, free) in zip(counts, free) where !count.equals(free) {
            return "the sums of free resources are wrong"
        }
        return nil
    }
}

/// A plain count of what is left of one machine, which refuses impossible amounts instead of trapping.
private struct CapacityCount {
    private var cores: [Int]
    private var memory: [Int]
    private var devices: [DeviceID: Int]
    private let sums: FreeResources

    init(_ inventory: Inventory) {
        sums = FreeResources(all: inventory)
        cores = sums.cores
        memory = inventory.nodes.map(\.memory.bytes)
        devices = Dictionary(
            inventory.devices.map { ($0.id, DeviceShare.unitsPerDevice) },
            uniquingKeysWith: { first, _ in first })
    }

    mutating func take(_ placement: Placement) -> Bool {
        placement.ranks.allSatisfy { take($0) }
    }

    private mutating func take(_ device: VirtualDevice) -> Bool {
        guard !device.pieces.isEmpty else { return false }
        for piece in device.pieces {
            guard memory.indices.contains(piece.numaNode), piece.memory >= .zero else { return false }
            memory[piece.numaNode] -= piece.memory.bytes
            for slice in piece.cores {
                guard cores.indices.contains(slice.core), slice.amount > .zero else { return false }
                cores[slice.core] -= slice.amount.units
                if cores[slice.core] < 0 { return false }
            }
            if memory[piece.numaNode] < 0 { return false }
        }
        if let left = devices[device.device] {
            guard (0...left).contains(device.share.units) else { return false }
            devices[device.device] = left - device.share.units
        }
        return true
    }

    func equals(_ free: FreeResources) -> Bool {
        free.cores == cores && free.memory.map(\.bytes) == memory
            && free.units.count == sums.units.count && free.wholeCores.count == sums.wholeCores.count
            && free.devices.count == sums.devices.count
            && free.devices.sorted() == devices.values.sorted()
    }
}
