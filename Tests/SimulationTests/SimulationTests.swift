import Essentials
import Foundation
import HardwareTopology
import Scheduling
import TestSupport
import Testing

@Suite("Simulated nights")
struct SimulationTests {
    /// A seed's machine, jobs and troubles; every third seed is undisturbed, so that promises can be checked.
    static func simulation(seed: UInt64, jobs: Int = 60) -> (Simulation, undisturbed: Bool) {
        var random = SeededGenerator(seed: seed, purpose: "night")
        let machine = randomMachine(using: &random)
        let undisturbed = seed % 3 == 0
        let mischief = Mischief(interferes: !undisturbed, mixesPriorities: !undisturbed && seed % 2 == 0)
        let jobs = randomJobs(jobs, for: machine, mischief, using: &random)
        let queue: QueuePolicyName = seed % 10 == 9 ? .strictOrder : .easyBackfill
        let placement: PlacementPolicyName = seed % 4 == 3 ? .spread : .bestFit
        let policy = SchedulingPolicy(queue: queue, placement: placement, endedJobsKept: .max)
        return (Simulation([machine], jobs, mischief, seed: seed, policy: policy), undisturbed)
    }

    @Test(arguments: propertySeeds) func `after every event nothing is given twice and nobody is forgotten`(
        seed: UInt64
    ) {
        var (simulation, _) = Self.simulation(seed: seed)

        while simulation.step() {
            let violations = Invariants(state: simulation.state).violations
            guard violations.isEmpty else {
                Issue.record("\(simulation.actionLog.last ?? "") broke (seed \(seed)): \(violations)")
                return
            }
        }
    }

    @Test(arguments: propertySeeds) func `every job that was accepted ends, and it ran unless it was stopped`(
        seed: UInt64
    ) {
        var (simulation, undisturbed) = Self.simulation(seed: seed)
        while simulation.step() {}

        for job in simulation.state.jobs.all {
            #expect(job.phase.isEnded, "job \(job.id) is \(job.phase.stateName) for ever")
            if undisturbed { #expect(job.attempt == 1) }
            if job.attempt == 0 { #expect([.ended(.cancelled), .ended(.lost)].contains(job.phase)) }
        }
        #expect(simulation.state.free == simulation.state.inventories.map { FreeResources(all: $0) })
    }

    @Test(arguments: propertySeeds.filter { $0 % 3 == 0 })
    func `a promised start is kept and never moves to later`(seed: UInt64) {
        var (simulation, _) = Self.simulation(seed: seed)
        while simulation.step() {}

        for (job, promises) in simulation.promises {
            #expect(zip(promises, promises.dropFirst()).allSatisfy { $1 <= $0 }, "job \(job)")
            let placed = simulation.state.jobs[job]?.placedAt
            #expect(placed.map { $0 <= promises[promises.count - 1] } ?? false, "job \(job)")
        }
    }

    @Test func `the seeds do make promises, refusals, waiting and backfill`() {
        var promises = 0
        var refusals = 0
        var overtakes = 0
        for seed in propertySeeds {
            var (simulation, _) = Self.simulation(seed: seed)
            while simulation.step() {}
            promises += simulation.promises.count
            refusals += simulation.refused.count
            let started = simulation.state.jobs.all.filter { $0.placedAt != nil && $0.attempt == 1 }
            overtakes += zip(started, started.dropFirst()).count {
                $0.request.priority == $1.request.priority
                    && ($1.placedAt ?? .zero) < ($0.placedAt ?? .zero)
            }
        }

        #expect(promises > 300)
        #expect(refusals > 300)
        #expect(overtakes > 100)
    }

    @Test(arguments: propertySeeds.prefix(30)) func `the same seed gives the same actions to the byte`(
        seed: UInt64
    ) {
        var (first, _) = Self.simulation(seed: seed)
        var (second, _) = Self.simulation(seed: seed)

        while first.step() {}
        while second.step() {}

        #expect(first.actionLog == second.actionLog)
        #expect(!first.actionLog.isEmpty)
    }

    @Test(arguments: propertySeeds.prefix(30)) func `replaying the record of events gives an equal state`(
        seed: UInt64
    ) throws {
        var (simulation, _) = Self.simulation(seed: seed)
        while simulation.step() {}

        var replayed = ClusterState(policy: simulation.state.policy)
        for (time, event) in simulation.log {
            // Through the written form, as a recovery would read it.
            let event = try JSONDecoder().decode(Event.self, from: JSONEncoder().encode(event))
            _ = replayed.on(event, at: time)
        }

        #expect(replayed == simulation.state)
    }

    @Test(arguments: propertySeeds.prefix(10)) func `a state that was written and read goes on the same`(
        seed: UInt64
    ) throws {
        var (simulation, _) = Self.simulation(seed: seed)
        for _ in 0..<60 where simulation.step() {}
        let written = try JSONEncoder().encode(simulation.state)

        var read = try JSONDecoder().decode(ClusterState.self, from: written)
        var kept = simulation.state

        #expect(read == kept)
        let request = JobRequest(label: JobLabel(user: "u", command: ["c"]))
        // Reasons for waiting are not written; the next round finds them again.
        let again = read.on(.submitted(request), at: kept.time).filter { !$0.isReason }
        #expect(again == kept.on(.submitted(request), at: kept.time).filter { !$0.isReason })
        #expect(read == kept)
    }

    @Test(arguments: propertySeeds.prefix(20)) func `jobs on several machines stay on one each`(seed: UInt64)
    {
        var random = SeededGenerator(seed: seed, purpose: "cluster")
        var machines = (0..<3).map { _ in randomMachine(using: &random) }
        for index in machines.indices { machines[index].topology.machineName = "m\(index)" }
        let mischief = Mischief(interferes: true, mixesPriorities: true)
        let jobs = randomJobs(50, for: machines[0], mischief, using: &random)
        var simulation = Simulation(machines, jobs, mischief, seed: seed)

        while simulation.step() {
            let violations = Invariants(state: simulation.state).violations
            guard violations.isEmpty else {
                Issue.record("\(simulation.actionLog.last ?? "") broke (seed \(seed)): \(violations)")
                return
            }
        }

        #expect(simulation.state.jobs.all.allSatisfy { $0.phase.isEnded })
    }
}

extension Action {
    fileprivate var isReason: Bool { if case .waits = self { true } else { false } }
}
