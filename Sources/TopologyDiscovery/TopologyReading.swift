internal import Essentials
internal import HardwareTopology

/// From hwloc's XML (version 2) to our value.
///
/// Every topology goes through here: files as they are, the live machine and synthetic ones after hwloc has
/// written them as XML. So a recorded machine exercises the code the live one does.
///
/// The format: nested `<object type=... cpuset=...>`; memory, I/O and miscellaneous objects are children like the
/// others; `<info name=... value=...>` adds facts; `<distances2>` holds matrices.
/// Reference: https://hwloc.readthedocs.io/en/stable/xml.html
struct TopologyReading {
    /// No more units than Linux can be built for on the largest architecture; sizes everything below.
    static let mostUnits = 8192
    /// As many nodes as Linux can be built for.
    static let mostNodes = 1024
    /// No machine has more memory on one node than this; sums of it stay far from overflow.
    static let mostMemoryPerNode = ByteCount(bytes: 1 << 50)

    private(set) var hostName: String?
    private var units = CPUSet()
    private var packages: [Topology.Package] = []
    private var nodes: [Node] = []
    private var cores: [CPUSet] = []
    private var caches: [Topology.Cache] = []
    private var devices: [(device: Topology.AttachedDevice, nodeset: CPUSet)] = []
    private var matrix: Matrix?

    private struct Node {
        var osIndex: Int
        var globalIndex: Int?
        var memory: ByteCount
        /// The units this memory is near to; several nodes may name the same ones.
        var locality: CPUSet
    }

    private struct Matrix {
        var nodes: [Int]
        var isByOSIndex: Bool
        var values: [Int]
    }

    /// Reads a document's outermost element.
    init(root: XMLElement) throws(ReadingProblem) {
        guard root.name == "topology" else { throw ReadingProblem("it is XML, but not a topology") }
        guard let version = root.attributes["version"], version.hasPrefix("2.") else {
            throw ReadingProblem("it is in the format of another hwloc version, not 2.x")
        }
        let machines = root.children(named: "object")
        guard machines.count == 1, machines[0].attributes["type"] == "Machine" else {
            throw ReadingProblem("it does not hold exactly one machine")
        }
        hostName = machines[0].fact("HostName")
        try visit(machines[0], inside: CPUSet())
        for distances in root.children(named: "distances2") { readDistances(distances) }
    }

    /// `nodeset` holds the nodes near the closest surrounding object that has units; devices are local to those.
    private mutating func visit(_ object: XMLElement, inside nodeset: CPUSet) throws(ReadingProblem) {
        var nodeset = nodeset
        switch object.attributes["type"] {
        case "PU": try addUnit(object)
        case "Core": cores.append(try object.cpuset())
        case "Package":
            packages.append(.init(model: object.fact("CPUModel") ?? "", cpus: try object.cpuset()))
        case "NUMANode": try addNode(object)
        case "L1Cache", "L2Cache", "L3Cache", "L4Cache", "L5Cache", "L1iCache", "L2iCache", "L3iCache":
            try addCache(object)
        case "PCIDev": addDevices(ofPCI: object, nodeset: nodeset)
        case "OSDev": addDevice(withoutBus: object, nodeset: nodeset)
        default: break
        }
        if let near = object.attributes["nodeset"] {
            guard let set = CPUSet(hwlocBitmap: near, limit: Self.mostNodes) else {
                throw ReadingProblem("\"\(near.prefix(40))\" is not a set of memory nodes")
            }
            nodeset = set
        }
        // A PCI device's operating-system devices were read with it.
        guard object.attributes["type"] != "PCIDev" else { return }
        for child in object.children(named: "object") { try visit(child, inside: nodeset) }
    }

    private mutating func addUnit(_ object: XMLElement) throws(ReadingProblem) {
        let unit = try object.number("os_index", below: Self.mostUnits)
        guard !units.contains(unit) else { throw ReadingProblem("processing unit \(unit) appears twice") }
        units.insert(unit)
    }

    private mutating func addNode(_ object: XMLElement) throws(ReadingProblem) {
        let osIndex = try object.number("os_index", below: Self.mostNodes)
        guard !nodes.contains(where: { $0.osIndex == osIndex }) else {
            throw ReadingProblem("memory node \(osIndex) appears twice")
        }
        let bytes = try object.number("local_memory", below: Self.mostMemoryPerNode.bytes, missing: 0)
        nodes.append(
            Node(
                osIndex: osIndex, globalIndex: object.attributes["gp_index"].flatMap { Int($0) },
                memory: ByteCount(bytes: bytes), locality: try object.cpuset()))
    }

    private mutating func addCache(_ object: XMLElement) throws(ReadingProblem) {
        let kind: Topology.Cache.Kind =
            switch object.attributes["cache_type"] {
            case "1": .data
            case "2": .instruction
            default: .unified
            }
        let size = try object.number("cache_size", below: 1 << 40, missing: 0)
        caches.append(
            .init(
                level: try object.number("depth", below: 6), kind: kind, size: ByteCount(bytes: size),
                cpus: try object.cpuset()))
    }

    private mutating func readDistances(_ element: XMLElement) {
        guard matrix == nil, element.attributes["type"] == "NUMANode",
            element.attributes["name"] == "NUMALatency"
        else { return }
        func numbers(_ name: String) -> [Int] {
            element.children(named: name).flatMap { $0.text.split(whereSeparator: \.isWhitespace) }
                // Numbers beyond any distance become one that the check of the matrix refuses.
                .map { Int($0) ?? -1 }
        }
        matrix = Matrix(
            nodes: numbers("indexes"), isByOSIndex: element.attributes["indexing"] == "os",
            values: numbers("u64values"))
    }
}

/// What keeps well-formed XML from describing a machine.
struct ReadingProblem: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

extension TopologyReading {
    private mutating func addDevices(ofPCI object: XMLElement, nodeset: CPUSet) {
        let identity = PCIIdentity(object.attributes["pci_type"] ?? "")
        guard !identity.isManagementScreen else { return }
        let address = object.attributes["pci_busid"]
        let model = object.model ?? identity.numbers
        var named: [Topology.AttachedDevice.Kind: String] = [:]
        var order: [Topology.AttachedDevice.Kind] = []
        for child in object.descendants(ofType: "OSDev") {
            guard let kind = child.deviceKind(onBusOfKind: identity.kind), named[kind] == nil else {
                continue
            }
            named[kind] = child.attributes["name"] ?? ""
            order.append(kind)
        }
        if order.isEmpty, identity.kind != .other, let address {
            named[identity.kind] = address
            order.append(identity.kind)
        }
        for kind in order {
            let device = Topology.AttachedDevice(
                kind: kind, name: named[kind] ?? "", model: model, pciAddress: address, numaNode: nil)
            devices.append((device, nodeset))
        }
    }

    private mutating func addDevice(withoutBus object: XMLElement, nodeset: CPUSet) {
        guard let kind = object.deviceKind(onBusOfKind: .other) else { return }
        let device = Topology.AttachedDevice(
            kind: kind, name: object.attributes["name"] ?? "", model: object.model ?? "", pciAddress: nil,
            numaNode: nil)
        devices.append((device, nodeset))
    }
}

extension TopologyReading {
    /// The value, after everything has been put where it belongs.
    func topology(name: String, source: Topology.Source) throws(ReadingProblem) -> Topology {
        guard !units.isEmpty else { throw ReadingProblem("it has no processing units") }
        guard !nodes.isEmpty else { throw ReadingProblem("it has no memory nodes") }
        let packages = packages.map { Topology.Package(model: $0.model, cpus: $0.cpus.intersection(units)) }
            .filter { !$0.cpus.isEmpty }
        let cores = placedCores(in: packages)
        return Topology(
            machineName: name, source: source, packages: packages,
            numaNodes: placedNodes(holding: cores, in: packages), cores: cores,
            caches: caches.map { cache in
                var cache = cache
                cache.cpus = cache.cpus.intersection(units)
                return cache
            }.filter { !$0.cpus.isEmpty },
            devices: placedDevices(holding: cores), distances: distances())
    }

    /// Every unit in exactly one core: those the file names, then a core for each unit it names none for (some
    /// virtual machines and boards do not say which threads share a core).
    private func placedCores(in packages: [Topology.Package]) -> [Topology.Core] {
        var rest = units
        var sets: [CPUSet] = []
        for core in cores {
            let own = core.intersection(rest)
            guard !own.isEmpty else { continue }
            sets.append(own)
            rest = rest.subtracting(own)
        }
        sets += rest.units.map { CPUSet([$0]) }
        let locality = LocalNodes(nodes.map(\.locality))
        let packageOfUnit = Dictionary(
            packages.indices.flatMap { package in packages[package].cpus.units.map { ($0, package) } },
            uniquingKeysWith: { first, _ in first })
        return sets.map { set in
            let unit = set.first ?? 0
            let package = packageOfUnit[unit]
            // A package without memory of its own is a real thing (empty slots); its neighbours' must do.
            let node = locality.node(of: unit) ?? 0
            return Topology.Core(cpus: set, numaNode: node, package: package)
        }
    }

    /// A node's units are those of the cores that have it as their own; a node of memory alone has none.
    private func placedNodes(
        holding cores: [Topology.Core], in packages: [Topology.Package]
    ) -> [Topology.NUMANode] {
        var cpus = [CPUSet](repeating: CPUSet(), count: nodes.count)
        for core in cores {
            for unit in core.cpus.units { cpus[core.numaNode].insert(unit) }
        }
        return nodes.indices.map { index in
            let near = nodes[index].locality.intersection(units)
            return Topology.NUMANode(
                osIndex: nodes[index].osIndex, memory: nodes[index].memory, cpus: cpus[index],
                package: near.isEmpty ? nil : packages.firstIndex { near.isSubset(of: $0.cpus) })
        }
    }

    /// A device is local to a node when the place it hangs from is near to just one that has units.
    private func placedDevices(holding cores: [Topology.Core]) -> [Topology.AttachedDevice] {
        let inhabited = Set(cores.map(\.numaNode))
        return devices.map { device, nodeset in
            let near = nodes.indices.filter {
                inhabited.contains($0) && nodeset.contains(nodes[$0].osIndex)
            }
            var device = device
            device.numaNode = near.count == 1 ? near[0] : nil
            return device
        }
    }

    /// The matrix in the order of our nodes, or none when it does not cover them all with sensible numbers.
    private func distances() -> [[Int]] {
        guard let matrix, matrix.nodes.count == nodes.count,
            matrix.values.count == nodes.count * nodes.count,
            matrix.values.allSatisfy({ (1...65_535).contains($0) })
        else { return [] }
        let places = nodes.map { node in
            matrix.nodes.firstIndex { $0 == (matrix.isByOSIndex ? node.osIndex : node.globalIndex) }
        }
        let known = places.compactMap { $0 }
        guard known.count == nodes.count, Set(known).count == nodes.count else { return [] }
        return known.map { from in known.map { to in matrix.values[from * nodes.count + to] } }
    }
}

/// Which node each unit calls its own: of those near to it the one near to the fewest units, then the first.
///
/// So with memory beside the cores and more memory for the whole machine, cores belong to the former.
private struct LocalNodes {
    private var owner: [Int?] = []

    init(_ localities: [CPUSet]) {
        let fromWidest = localities.indices.sorted {
            (localities[$0].count, $0) > (localities[$1].count, $1)
        }
        for node in fromWidest {
            for unit in localities[node].units {
                if unit >= owner.count {
                    owner += [Int?](repeating: nil, count: unit + 1 - owner.count)
                }
                owner[unit] = node
            }
        }
    }

    func node(of unit: Int) -> Int? { unit < owner.count ? owner[unit] : nil }
}

extension XMLElement {
    /// The value of an `<info>` child.
    fileprivate func fact(_ name: String) -> String? {
        children.first { $0.name == "info" && $0.attributes["name"] == name }?.attributes["value"]
    }

    fileprivate func cpuset() throws(ReadingProblem) -> CPUSet {
        let text = attributes["cpuset"] ?? ""
        guard let set = CPUSet(hwlocBitmap: text, limit: TopologyReading.mostUnits) else {
            throw ReadingProblem("\"\(text.prefix(40))\" is not a set of processing units")
        }
        return set
    }

    fileprivate func number(
        _ name: String, below limit: Int, missing: Int? = nil
    ) throws(ReadingProblem) -> Int {
        if attributes[name] == nil, let missing { return missing }
        guard let number = attributes[name].flatMap({ Int($0) }), (0..<limit).contains(number) else {
            throw ReadingProblem(
                "\(attributes["type"] ?? name) has no sensible \(name) (from 0, below \(limit))")
        }
        return number
    }

    fileprivate func descendants(ofType type: String) -> [XMLElement] {
        children(named: "object").flatMap { child in
            (child.attributes["type"] == type ? [child] : []) + child.descendants(ofType: type)
        }
    }

    /// The most telling of the names that hwloc may have found for a device.
    fileprivate var model: String? {
        let vendor = fact("PCIVendor") ?? fact("Vendor")
        guard let product = fact("PCIDevice") ?? fact("GPUModel") ?? fact("Model") else { return vendor }
        return vendor.map { "\($0) \(product)" } ?? product
    }

    /// What an operating-system device is, by hwloc's numbers (`hwloc_obj_osdev_type_e`); nil for what does not
    /// matter to placement.
    fileprivate func deviceKind(
        onBusOfKind bus: Topology.AttachedDevice.Kind
    ) -> Topology.AttachedDevice.Kind? {
        switch attributes["osdev_type"] {
        case "0": .storage
        case "1": .gpu
        case "2": .network
        case "3": .infiniband
        case "5": bus == .gpu ? .gpu : .coprocessor
        default: nil
        }
    }
}

/// What a PCI function says it is: class, vendor and product, written `0302 [10de:20b5] [10de:1533] a1`.
private struct PCIIdentity {
    var kind: Topology.AttachedDevice.Kind
    /// `10de:20b5`, empty when the text holds none.
    var numbers: String

    init(_ text: String) {
        numbers =
            text.split(separator: "[").dropFirst().first.map { String($0.prefix { $0 != "]" }) } ?? ""
        kind = Self.kind(ofClass: text.prefix(4))
    }

    /// True for the graphics of management controllers, by ASPEED or Matrox: they compute nothing.
    var isManagementScreen: Bool { kind == .gpu && ["1a03", "102b"].contains(numbers.prefix(4)) }

    /// Classes of https://pci-ids.ucw.cz/read/PD.
    private static func kind(ofClass code: Substring) -> Topology.AttachedDevice.Kind {
        if code.hasPrefix("03") { return .gpu }
        if code.hasPrefix("12") || code == "0b40" { return .coprocessor }
        if code == "0207" || code == "0c06" { return .infiniband }
        if code.hasPrefix("02") { return .network }
        return code.hasPrefix("01") ? .storage : .other
    }
}
