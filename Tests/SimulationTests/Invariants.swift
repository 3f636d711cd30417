import Essentials
import HardwareTopology
import Scheduling
import Testing

/// What must hold between any two events, counted from the jobs' placements alone and not from the state's own sums.
struct Invariants {
    let state: ClusterState

    /// Sentences about what is broken; empty when nothing is.
    var violations: [String] {
        resourceViolations + jobViolations + shapeViolations + progressViolations
    }

    private var holding: [Job] { state.jobs.all.filter(\.phase.holdsResources) }

    private func ranks(on machine: String) -> [(job: Job, device: VirtualDevice)] {
        holding.filter { $0.placement?.machine == machine }
            .flatMap { job in (job.placement?.ranks ?? []).map { (job, $0) } }
    }

    private var resourceViolations: [String] {
        state.inventories.indices.flatMap { index -> [String] in
            let inventory = state.inventories[index]
            var found: [String] = []
            var cores = [Int](repeating: 0, count: inventory.coreCPUs.count)
            var memory = inventory.nodes.map { _ in ByteCount.zero }
            var shares: [DeviceID: Int] = [:]
            for (job, device) in ranks(on: inventory.machine.name) {
                for piece in device.pieces {
                    memory[piece.numaNode] += piece.memory
                    for slice in piece.cores {
                        cores[slice.core] += slice.amount.units
                        if slice.amount <= .zero { found.append("job \(job.id) has an empty slice") }
                        if inventory.machine.topology.cores[slice.core].numaNode != piece.numaNode {
                            found.append("job \(job.id) has a core of another node")
                        }
                    }
                }
                shares[device.device, default: 0] += device.pieces.count > 1 ? 0 : device.share.units
                if !device.cpus.isSubset(of: inventory.machine.lendable) {
                    found.append("job \(job.id) has processing units that are not lendable")
                }
                if device.cpus.isEmpty { found.append("job \(job.id) has nowhere to run") }
            }
            for core in cores.indices {
                let capacity = inventory.coreCPUs[core].isEmpty ? 0 : CoreAmount.unitsPerCore
                if cores[core] > capacity { found.append("core \(core) is given twice") }
                if state.free[index].cores[core] != capacity - cores[core] {
                    found.append("core \(core) is miscounted")
                }
            }
            for node in memory.indices {
                if memory[node] > inventory.nodes[node].memory { found.append("node \(node) lacks memory") }
                if state.free[index].memory[node] != inventory.nodes[node].memory - memory[node] {
                    found.append("memory of node \(node) is miscounted")
                }
            }
            for (device, share) in shares where share > DeviceShare.unitsPerDevice {
                found.append("\(device) is given more than once")
            }
            return found
        }
    }

    private var jobViolations: [String] {
        let jobs = state.jobs.all
        var found: [String] = []
        if jobs.count != state.nextJob.number - 1 { found.append("a job is lost") }
        if holding.map(\.id) != state.activeJobs { found.append("the list of active jobs is wrong") }
        let waiting = jobs.filter { $0.phase == .pending }.map(\.id)
        if waiting != state.waitingJobs { found.append("the queue differs from the pending jobs") }
        for job in jobs where job.phase.holdsResources && job.placement == nil {
            found.append("job \(job.id) runs nowhere")
        }
        for id in waiting where state.waitReason(of: id) == nil {
            found.append("job \(id) waits for no reason")
        }
        return found
    }

    /// Each rank has what it asked for, on one node unless it may and must span.
    private var shapeViolations: [String] {
        holding.flatMap { job -> [String] in
            guard let placement = job.placement,
                let inventory = state.inventories.first(where: { $0.machine.name == placement.machine })
            else { return ["job \(job.id) runs on no known machine"] }
            var found: [String] = []
            let asked = job.request.resources
            if placement.ranks.count != asked.ranks { found.append("job \(job.id) lacks ranks") }
            for rank in placement.ranks {
                if rank.memory != asked.memory { found.append("job \(job.id) lacks memory") }
                if let cores = asked.cores {
                    if rank.cores < cores { found.append("job \(job.id) lacks cores") }
                    let whole = rank.pieces.flatMap(\.cores).count { $0.amount == .cores(1) }
                    if whole < cores.wholeCores { found.append("job \(job.id) lacks whole cores") }
                }
                if let within = asked.within, !rank.cpus.isSubset(of: within) {
                    found.append("job \(job.id) is outside of what it may use")
                }
                if rank.device.kind != asked.deviceKind { found.append("job \(job.id) has another device") }
                if let share = asked.share, rank.pieces.count == 1, asked.within == nil,
                    asked.deviceKind == "cpu"
                {
                    let node = inventory.nodes[rank.numaNode]
                    if rank.cores.units < share.units * node.coreCount {
                        found.append("job \(job.id) lacks time")
                    }
                }
                if rank.pieces.count > 1, asked.within == nil, !mustSpan(asked, inventory) {
                    found.append("job \(job.id) spans nodes without need")
                }
                if case .required(let node) = asked.numa, rank.numaNodes != [node] {
                    found.append("job \(job.id) is not on its node")
                }
            }
            if asked.spread == .packed, placement.ranks.allSatisfy({ $0.pieces.count == 1 }),
                !mustSpan(asked, inventory), placement.numaNodes.count > 1
            {
                found.append("job \(job.id) is not packed")
            }
            return found
        }
    }

    private func mustSpan(_ asked: ResourceRequest, _ inventory: Inventory) -> Bool {
        asked.maySpan
            && !inventory.nodes.contains { node in
                let own = asked.cores?.units ?? (asked.share == nil || asked.deviceKind != "cpu" ? 10_000 : 0)
                let shared = asked.deviceKind == "cpu" ? (asked.share?.units ?? 0) * node.coreCount : 0
                return node.coreCount > 0 && node.coreCount * 10_000 >= max(own, shared)
                    && node.memory >= asked.memory
            }
    }

    /// Nothing that could start now is left waiting, and whoever waits knows who is next.
    private var progressViolations: [String] {
        var copy = state
        let starts = copy.on(.timePassed, at: state.time).filter {
            if case .start = $0 { true } else { false }
        }
        var found = starts.map { "a job was left waiting: \($0)" }
        if !state.waitingJobs.isEmpty, state.promise == nil { found.append("jobs wait and none is next") }
        return found
    }
}
