import Essentials
import HardwareTopology
import Scheduling

/// Counts who has what from the jobs' placements alone, and compares with capacities, quotas and the state's own sums.
struct Books {
    let state: ClusterState

    var problems: [String] { resourceProblems + quotaProblems + exclusiveProblems }

    private var holding: [Job] { state.jobs.all.filter(\.phase.holdsResources) }

    private var resourceProblems: [String] {
        var found: [String] = []
        for (index, inventory) in state.inventories.enumerated() {
            let times = max(1, inventory.machine.oversubscription)
            for (isSpare, sums) in [(false, state.free[index]), (true, state.spare[index])] {
                let name = "\(inventory.machine.name)\(isSpare ? " lent over" : "")"
                var count = FullCount(inventory, times: isSpare ? times : 1)
                for (device, hasCores) in devices(on: inventory.machine.name, bestEffort: isSpare) {
                    count.take(device, hasCores: hasCores)
                }
                found += count.problems(sums).map { "\(name): \($0)" }
            }
        }
        return found
    }

    /// Everything on a machine that counts in one of its two sums.
    private func devices(on machine: String, bestEffort: Bool) -> [(VirtualDevice, hasCores: Bool)] {
        var found: [(VirtualDevice, hasCores: Bool)] = []
        for device in state.devices
        where device.machine == machine && (device.request.quality == .bestEffort) == bestEffort {
            found.append((device.device, true))
        }
        for job in holding where (job.request.resources.quality == .bestEffort) == bestEffort {
            for part in job.placement?.parts ?? [] where part.machine == machine && part.namedDevices.isEmpty
            {
                let hasCores = job.run?.suspendedAt == nil
                found += part.ranks.map { ($0, hasCores) }
            }
        }
        return found
    }

    private var quotaProblems: [String] {
        var found: [String] = []
        for queue in state.queues {
            let jobs = holding.filter { ($0.request.queue ?? Queue.first) == queue.name }
            found += broken(queue.limits.total, by: jobs).map { "queue \(queue.name) \($0)" }
            for (user, own) in Dictionary(grouping: jobs, by: \.request.label.user) {
                found += broken(queue.limits.perUser, by: own).map { "\(user) in queue \(queue.name) \($0)" }
            }
        }
        for (account, settings) in state.accounts.settings {
            let jobs = holding.filter { ($0.request.label.account ?? $0.request.label.user) == account }
            found += broken(settings.quota, by: jobs).map { "account \(account) \($0)" }
        }
        return found
    }

    private func broken(_ quota: Quota, by jobs: [Job]) -> [String] {
        var found: [String] = []
        let placements = jobs.compactMap(\.placement)
        // A virtual device that grew under its job may be over; it was not started so.
        if placements.contains(where: { $0.parts.contains { !$0.namedDevices.isEmpty } }) { return [] }
        if let limit = quota.runningJobs, jobs.count > limit { found.append("has too many jobs") }
        if let limit = quota.cores, placements.reduce(0, { $0 + $1.cores.units }) > limit.units {
            found.append("has too many cores")
        }
        if let limit = quota.memory, placements.reduce(.zero, { $0 + $1.memory }) > limit {
            found.append("has too much memory")
        }
        return found
    }

    private var exclusiveProblems: [String] {
        var found: [String] = []
        for job in holding where job.placement?.isExclusive == true {
            for machine in job.placement?.machines ?? [] {
                let others = holding.filter {
                    $0.id != job.id && $0.request.resources.quality != .bestEffort
                        && $0.placement?.machines.contains(machine) == true
                        && $0.placement?.parts.allSatisfy { $0.namedDevices.isEmpty } == true
                }
                if let other = others.first {
                    found.append("jobs \(job.id) and \(other.id) share \(machine)")
                }
            }
        }
        for device in state.devices {
            guard let holder = device.holder else { continue }
            let job = state.jobs[holder]
            if job?.placement?.parts.contains(where: { $0.namedDevices.contains(device.name) }) != true {
                found.append("job \(holder) holds \(device.name) and does not know")
            }
        }
        return found
    }
}

/// What is left of a machine, counted down.
private struct FullCount {
    private let inventory: Inventory
    private var cores: [Int]
    private var memory: [Int]
    private var shares: [DeviceID: Int] = [:]
    private var deviceMemory: [DeviceID: Int] = [:]
    private var found: [String] = []

    init(_ inventory: Inventory, times: Int) {
        self.inventory = inventory
        cores = inventory.coreCPUs.map { $0.isEmpty ? 0 : CoreAmount.unitsPerCore * times }
        memory = inventory.nodes.map { $0.memory.bytes * times }
        for device in inventory.devices {
            shares[device.id] = DeviceShare.unitsPerDevice * times
            deviceMemory[device.id] = device.memory.bytes * times
        }
    }

    mutating func take(_ device: VirtualDevice, hasCores: Bool) {
        for piece in device.pieces {
            memory[piece.numaNode] -= piece.memory.bytes
            if memory[piece.numaNode] < 0 { found.append("node \(piece.numaNode) lacks memory") }
            for slice in piece.cores where hasCores {
                cores[slice.core] -= slice.amount.units
                if cores[slice.core] < 0 { found.append("core \(slice.core) is given twice") }
            }
            for slice in piece.cores {
                if slice.amount > .cores(1) { found.append("a slice is more than a core") }
                if inventory.machine.topology.cores[slice.core].numaNode != piece.numaNode {
                    found.append("a core of another node is in a piece")
                }
            }
        }
        guard let share = shares[device.device] else { return }
        shares[device.device] = share - device.share.units
        deviceMemory[device.device, default: 0] -= device.deviceMemory.bytes
        if share < device.share.units { found.append("\(device.device) is given twice") }
        if deviceMemory[device.device] ?? 0 < 0 { found.append("\(device.device) lacks memory") }
    }

    func problems(_ sums: FreeResources) -> [String] {
        var found = found
        if sums.cores != cores { found.append("cores are miscounted") }
        if sums.memory.map(\.bytes) != memory { found.append("memory is miscounted") }
        if sums.devices != inventory.devices.map({ shares[$0.id] ?? 0 }) {
            found.append("devices are miscounted")
        }
        return found
    }
}
