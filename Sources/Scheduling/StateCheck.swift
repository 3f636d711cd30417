internal import Essentials

extension ClusterFrame {
    /// What contradicts itself between a frame and its jobs, or nil when nothing does.
    ///
    /// Both may have been edited or torn in a file, and are checked with this before a state is made of them.
    package func firstContradiction(with jobs: [Job]) -> String? {
        guard machines.count == status.count else { return "the states do not cover every machine" }
        guard Set(machines.map(\.name)).count == machines.count else { return "a machine is there twice" }
        guard !queues.isEmpty, Set(queues.map(\.name)).count == queues.count else {
            return "the queues are wrong"
        }
        for (left, right) in zip(jobs, jobs.dropFirst()) where left.id >= right.id {
            return "jobs \(left.id) and \(right.id) are out of order"
        }
        if let first = jobs.first, first.id.number < 1 { return "job \(first.id) has no proper number" }
        if let last = jobs.last, last.id >= nextJob { return "job \(last.id) is numbered ahead of its time" }
        let ends = Set(jobs.filter(\.phase.isEnded).map(\.id))
        guard ends == Set(ended), ended.count == ends.count else { return "the list of ended jobs is wrong" }
        return recount(jobs)
    }

    /// Takes every placement out of full machines.
    private func recount(_ jobs: [Job]) -> String? {
        let inventories = machines.map { Inventory($0) }
        var counts = inventories.map { CapacityCount($0, times: 1) }
        var spare = inventories.map { CapacityCount($0, times: max(1, $0.machine.oversubscription)) }
        func take(_ part: Placement.Part, _ quality: QualityOfService, _ hasCores: Bool) -> Bool {
            guard let index = inventories.firstIndex(where: { $0.name == part.machine }) else {
                return false
            }
            return quality == .bestEffort
                ? spare[index].take(part, hasCores) : counts[index].take(part, hasCores)
        }
        for device in devices {
            let part = Placement.Part(machine: device.machine, ranks: [device.device])
            guard take(part, device.request.quality, true) else {
                return "virtual device \(device.name) has what is not there"
            }
        }
        for job in jobs where job.phase.holdsResources {
            guard let placement = job.placement else { return "job \(job.id) runs nowhere" }
            if placement.usesNamedDevices { continue }
            for part in placement.parts
            where !take(part, job.request.resources.quality, job.hasCores) {
                return "job \(job.id) has what is not there"
            }
        }
        return nil
    }
}

extension ClusterState {
    /// What contradicts itself in this state, or nil when nothing does.
    ///
    /// A state that was only changed by `on` is always sound.
    package func inconsistency() -> String? {
        let jobs = jobs.all
        if let problem = frame.firstContradiction(with: jobs) { return problem }
        guard jobs.filter(\.phase.holdsResources).map(\.id) == activeJobs else {
            return "the list of active jobs does not match the jobs"
        }
        let ready = jobs.filter { $0.phase == .pending && delay(of: $0) == nil }
        // A job whose time comes at this very moment may be taken in by the event that follows.
        let late = ready.filter { $0.notBefore.map { $0 < time } ?? true }
        for job in late {
            let number = waiting.value.number(of: key(of: job))
            guard number.flatMap({ waiting.value.classes[$0] })?.members.contains(job.id) == true else {
                return "job \(job.id) is not in its queue"
            }
        }
        guard (late.count...ready.count).contains(waiting.value.count) else {
            return "the queue has jobs that do not wait"
        }
        return sumsContradiction()
    }

    /// Makes the sums anew from the jobs, and compares.
    private func sumsContradiction() -> String? {
        let again = ClusterState(frame: frame, jobs: jobs.all)
        guard again.free == free, again.spare == spare else { return "the sums of free resources are wrong" }
        return nil
    }
}

/// A plain count of what is left of one machine, which refuses impossible amounts instead of trapping.
private struct CapacityCount {
    private var cores: [Int]
    private var memory: [Int]
    private var devices: [DeviceID: (share: Int, memory: Int)]

    init(_ inventory: Inventory, times: Int) {
        let all = FreeResources(all: inventory, times: times)
        cores = all.cores
        memory = all.memory.map(\.bytes)
        devices = Dictionary(
            zip(inventory.devices, zip(all.devices, all.deviceMemory)).map { ($0.id, ($1.0, $1.1.bytes)) },
            uniquingKeysWith: { first, _ in first })
    }

    mutating func take(_ part: Placement.Part, _ hasCores: Bool) -> Bool {
        !part.ranks.isEmpty && part.ranks.allSatisfy { take($0, hasCores) }
    }

    private mutating func take(_ device: VirtualDevice, _ hasCores: Bool) -> Bool {
        guard !device.pieces.isEmpty else { return false }
        for piece in device.pieces {
            guard memory.indices.contains(piece.numaNode), piece.memory >= .zero else { return false }
            memory[piece.numaNode] -= piece.memory.bytes
            for slice in piece.cores {
                guard cores.indices.contains(slice.core), slice.amount > .zero else { return false }
                if hasCores { cores[slice.core] -= slice.amount.units }
                if cores[slice.core] < 0 { return false }
            }
            if memory[piece.numaNode] < 0 { return false }
        }
        guard let left = devices[device.device] else { return true }
        guard (0...left.share).contains(device.share.units),
            (0...left.memory).contains(device.deviceMemory.bytes)
        else { return false }
        devices[device.device] = (left.share - device.share.units, left.memory - device.deviceMemory.bytes)
        return true
    }
}
