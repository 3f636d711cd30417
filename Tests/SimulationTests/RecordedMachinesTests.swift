import Essentials
import HardwareTopology
import Scheduling
import TestSupport
import Testing
import TopologyDiscovery

@Suite("Simulated nights on recorded machines")
struct RecordedMachinesTests {
    static let names = [
        "recorded-vm-1node", "constructed-2socket-64core-2gpu", "constructed-zen3-64core-nps4",
        "constructed-arm-2socket-4node",
    ]

    static func machine(_ name: String) throws -> Machine {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return Machine(topology: try Topology(xmlFile: "/\(tests)/Fixtures/topologies/\(name).xml"))
    }

    @Test(arguments: names, 0..<5) func `after every event nothing is given twice and everyone ends`(
        name: String, seed: UInt64
    ) throws {
        let machine = try Self.machine(name)
        var random = SeededGenerator(seed: seed, purpose: name)
        let mischief = Mischief(interferes: seed % 2 == 0, mixesPriorities: seed % 2 == 0)
        let jobs = randomJobs(60, for: machine, mischief, using: &random)
        var simulation = Simulation([machine], jobs, mischief, seed: seed)

        while simulation.step() {
            let violations = Invariants(state: simulation.state).violations
            guard violations.isEmpty else {
                Issue.record("\(simulation.actionLog.last ?? "") broke: \(violations)")
                return
            }
        }

        #expect(simulation.state.jobs.count > 20)
        #expect(simulation.state.jobs.all.allSatisfy { $0.phase.isEnded })
    }

    @Test func `eight cores on a processor with four nodes share one cache`() throws {
        let machine = try Self.machine("constructed-zen3-64core-nps4")
        var state = ClusterState()
        _ = state.on(.machineJoined(machine), at: .zero)
        let request = JobRequest(
            resources: ResourceRequest(cores: .cores(8)), label: JobLabel(user: "u", command: ["c"]))

        for _ in 0..<8 { _ = state.on(.submitted(request), at: .zero) }

        let caches = machine.topology.caches.filter { $0.level == 3 }
        for job in state.jobs.all {
            let placement = try #require(job.placement)
            #expect(placement.numaNodes.count == 1)
            #expect(caches.count { !$0.cpus.isDisjoint(with: placement.cpus) } == 1)
            #expect(placement.cpus.count == 16)
        }
    }

    @Test func `each gpu job lies on the socket of its gpu`() throws {
        let machine = try Self.machine("constructed-2socket-64core-2gpu")
        var state = ClusterState()
        _ = state.on(.machineJoined(machine), at: .zero)
        let request = JobRequest(
            resources: ResourceRequest(deviceKind: "gpu", cores: .cores(8)),
            label: JobLabel(user: "u", command: ["c"]))

        for _ in 0..<2 { _ = state.on(.submitted(request), at: .zero) }

        let ranks = state.jobs.all.compactMap { $0.placement?.ranks.first }
        let gpus = machine.topology.devices.filter { $0.kind == .gpu }
        #expect(ranks.map(\.numaNode) == ranks.map { gpus[$0.device.index].numaNode })
        #expect(Set(ranks.map(\.device)).count == 2)
    }
}
