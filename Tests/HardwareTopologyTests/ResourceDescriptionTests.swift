import Essentials
import Foundation
import HardwareTopology
import Testing

@Suite("Resources after GB/T 42018")
struct ResourceDescriptionTests {
    private let machine = Topology(
        machineName: "m", source: .live,
        packages: [.init(model: "Processor", cpus: CPUSet(0..<8))],
        numaNodes: [
            .init(osIndex: 0, memory: .gibibytes(4), cpus: CPUSet(0..<4), package: 0),
            .init(osIndex: 1, memory: .gibibytes(4), cpus: CPUSet(4..<8), package: 0),
        ],
        cores: (0..<4).map { .init(cpus: CPUSet([2 * $0, 2 * $0 + 1]), numaNode: $0 / 2, package: 0) },
        caches: (0..<2).map {
            .init(level: 3, kind: .unified, size: .mebibytes(32), cpus: CPUSet(4 * $0..<4 * $0 + 4))
        },
        devices: [.init(kind: .network, name: "eth0", model: "Fast card", pciAddress: nil, numaNode: nil)],
        distances: [[10, 21], [21, 10]])

    @Test func `a server has its processors, nodes, caches and networks`() {
        let server = ResourceDescription.Server(machine, operatingSystem: "Linux", software: "heng 1")

        #expect(server.processors == [.init(model: "Processor", cores: 4, threads: 8)])
        #expect(server.memory == .gibibytes(8))
        #expect(server.nodes.map(\.distances) == [[10, 21], [21, 10]])
        #expect(server.nodes.map(\.cores) == [2, 2])
        #expect(server.caches == [.init(level: 3, size: .mebibytes(32), count: 2)])
        #expect(server.networks == ["Fast card"])
        #expect(server.unknown.contains("power"))
    }

    @Test func `what nobody knows of a card is named and left out`() throws {
        let card = ResourceDescription.Accelerator(
            id: DeviceID(kind: "gpu", index: 0), server: "m", kind: "gpu", model: "G", memory: .gibibytes(8),
            attributes: ["power_limit_w": "300"])

        #expect(card.unknown.contains("vendor"))
        #expect(!card.unknown.contains("memory"))
        #expect(!card.unknown.contains("power"))
        let json = String(decoding: try JSONEncoder().encode(card), as: UTF8.self)
        #expect(!json.contains("\"vendor\":"))
        #expect(json.contains("\"gpu:0\""))
    }

    @Test func `every requirement of ours has an answer, and the document reads back`() throws {
        let whole = ResourceDescription(
            servers: [.init(machine, operatingSystem: nil, software: "heng 1")], cards: [],
            virtual: [
                .init(
                    name: "half", server: "m", parent: DeviceID(kind: "cpu", index: 0), computeShare: 0.5,
                    cores: 2,
                    memory: .gibibytes(2), deviceMemory: .zero, quality: "guaranteed", isolation: [:],
                    owner: nil,
                    template: "cpu-half")
            ])

        #expect(whole.requirements.map(\.id) == (1...5).map { "R018-0\($0)" })
        #expect(whole.requirements.allSatisfy { !$0.answer.isEmpty })
        #expect(whole.virtual[0].unknown.contains { $0.hasPrefix("isolation") })
        let bytes = try JSONEncoder().encode(whole)
        #expect(try JSONDecoder().decode(ResourceDescription.self, from: bytes) == whole)
    }
}
