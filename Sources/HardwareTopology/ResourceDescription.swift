package import Essentials

/// The computing resources of machines as GB/T 42018-2022 divides them, in our reading: physical and virtual ones.
///
/// It knows nothing of jobs and queues (R018-03). What nobody knows is left out and named under `unknown`, and is
/// never zero.
package struct ResourceDescription: Hashable, Codable, Sendable {
    /// Which of our requirements each part answers.
    package static let clauses = [
        Clause("R018-01", "physical and virtual resources; of the physical ones servers, cards and modules"),
        Clause("R018-02", "physical figures can be tested: `heng bench` measures compute and bandwidth"),
        Clause("R018-03", "no queues and no jobs beside the owner of a virtual device"),
        Clause(
            "R018-04", "processors, memory, caches, interconnect and software of each server and accelerator"),
        Clause("R018-05", "parent, share, memory, isolation and owner of each virtual device"),
    ]

    package struct Clause: Hashable, Codable, Sendable {
        package var id: String
        package var answer: String

        init(_ id: String, _ answer: String) {
            self.id = id
            self.answer = answer
        }
    }

    package var standard = "GB/T 42018-2022, our reading; the text of the standard was not read"
    package var requirements = ResourceDescription.clauses
    package var physical: Physical
    package var virtual: [VirtualResource]

    package struct Physical: Hashable, Codable, Sendable {
        package var servers: [Server]
        package var cards: [Accelerator]
        /// Accelerators that are soldered or plugged beside the processors; none of our sources tells them from cards.
        package var modules: [Accelerator]
    }

    package init(servers: [Server], cards: [Accelerator], virtual: [VirtualResource]) {
        physical = Physical(servers: servers, cards: cards, modules: [])
        self.virtual = virtual
    }
}

extension ResourceDescription {
    /// One machine without its accelerators.
    package struct Server: Hashable, Codable, Sendable {
        package struct Processor: Hashable, Codable, Sendable {
            package var model: String
            package var cores: Int
            package var threads: Int

            package init(model: String, cores: Int, threads: Int) {
                self.model = model
                self.cores = cores
                self.threads = threads
            }
        }

        package struct Node: Hashable, Codable, Sendable {
            package var node: Int
            package var memory: ByteCount
            package var cores: Int
            package var distances: [Int]
        }

        package struct Cache: Hashable, Codable, Sendable {
            package var level: Int
            package var size: ByteCount
            package var count: Int

            package init(level: Int, size: ByteCount, count: Int) {
                self.level = level
                self.size = size
                self.count = count
            }
        }

        package var name: String
        package var processors: [Processor]
        package var memory: ByteCount
        package var nodes: [Node]
        package var caches: [Cache]
        package var networks: [String]
        package var operatingSystem: String?
        package var software: String
        package var unknown: [String]

        package init(_ topology: Topology, operatingSystem: String?, software: String) {
            name = topology.machineName
            processors = topology.packages.indices.map { index in
                let cores = topology.cores.filter { $0.package == index }
                return Processor(
                    model: topology.packages[index].model, cores: cores.count,
                    threads: cores.reduce(0) { $0 + $1.cpus.count })
            }
            memory = topology.memory
            nodes = topology.numaNodes.indices.map { node in
                Node(
                    node: node, memory: topology.numaNodes[node].memory,
                    cores: topology.cores(onNode: node).count,
                    distances: topology.numaNodes.indices.map { topology.distance(from: node, to: $0) })
            }
            caches = Server.caches(of: topology)
            networks = topology.devices.filter { $0.kind == .network || $0.kind == .infiniband }.map {
                $0.model.isEmpty ? $0.name : $0.model
            }
            self.operatingSystem = operatingSystem
            self.software = software
            unknown = ["power", "form factor", "memory kind", "memory bandwidth until it is measured"]
        }

        private static func caches(of topology: Topology) -> [Cache] {
            var counts: [Cache: Int] = [:]
            for cache in topology.caches where cache.kind != .instruction {
                counts[Cache(level: cache.level, size: cache.size, count: 0), default: 0] += 1
            }
            return counts.map { Cache(level: $0.key.level, size: $0.key.size, count: $0.value) }
                .sorted { ($0.level, $0.size) < ($1.level, $1.size) }
        }
    }

    /// One accelerator card or module.
    package struct Accelerator: Hashable, Codable, Sendable {
        package var id: DeviceID
        package var server: String
        package var kind: String
        package var model: String
        package var vendor: String?
        package var computeUnits: Int?
        package var memory: ByteCount?
        /// The place on the PCI bus.
        package var hostInterface: String?
        package var numaNode: Int?
        package var isSimulated: Bool
        /// What its driver tells beyond that, by its own names: versions, clocks, power.
        package var attributes: [String: String]
        package var unknown: [String]

        package init(
            id: DeviceID, server: String, kind: String, model: String, vendor: String? = nil,
            computeUnits: Int? = nil, memory: ByteCount? = nil, hostInterface: String? = nil,
            numaNode: Int? = nil, isSimulated: Bool = false, attributes: [String: String] = [:]
        ) {
            self.id = id
            self.server = server
            self.kind = kind
            self.model = model
            self.vendor = vendor
            self.computeUnits = computeUnits
            self.memory = memory
            self.hostInterface = hostInterface
            self.numaNode = numaNode
            self.isSimulated = isSimulated
            self.attributes = attributes
            let fields: [(name: String, isKnown: Bool)] = [
                ("vendor", vendor != nil), ("compute units", computeUnits != nil), ("memory", memory != nil),
                ("host interface", hostInterface != nil), ("peak compute per element type", false),
                ("memory bandwidth", false), ("interconnect between cards", false), ("media units", false),
                ("power", attributes.keys.contains { $0.lowercased().contains("power") }),
            ]
            unknown = fields.filter { !$0.isKnown }.map(\.name)
        }
    }

    /// A part of an accelerator or of a NUMA node that is lent as a device.
    package struct VirtualResource: Hashable, Codable, Sendable {
        package var name: String
        package var server: String
        package var parent: DeviceID
        /// Of the parent's compute, over 0 and up to 1.
        package var computeShare: Double
        package var cores: Double
        package var memory: ByteCount
        package var deviceMemory: ByteCount
        package var quality: String
        /// What holds it to each limit, measured when it was made; empty until then.
        package var isolation: [String: String]
        /// The job that uses it; nil when it is free.
        package var owner: JobID?
        package var template: String?
        package var unknown: [String]

        package init(
            name: String, server: String, parent: DeviceID, computeShare: Double, cores: Double,
            memory: ByteCount,
            deviceMemory: ByteCount, quality: String, isolation: [String: String], owner: JobID?,
            template: String?
        ) {
            self.name = name
            self.server = server
            self.parent = parent
            self.computeShare = computeShare
            self.cores = cores
            self.memory = memory
            self.deviceMemory = deviceMemory
            self.quality = quality
            self.isolation = isolation
            self.owner = owner
            self.template = template
            unknown = isolation.isEmpty ? ["media units", "isolation, not tried out yet"] : ["media units"]
        }
    }
}
