internal import AcceleratorAPI
internal import ArgumentParser
internal import Backends
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import Scheduling
internal import TopologyDiscovery

struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Describes this machine's computing resources after GB/T 42018, in our reading.",
        discussion: """
            Example: heng describe --json

            Physical resources are asked of the machine and its drivers, virtual ones of hengd where it runs. What nobody
            knows is left out and named as unknown.
            """)

    @OptionGroup var display: ListingOptions

    func run() throws {
        let topology = try Topology.discover()
        let devices = try DeviceCatalog(file: nil, key: []).list(DeviceCatalog.compiledIn).devices
        let virtual = try DaemonAccess.find()?.devices() ?? []
        let description = ResourceDescription(
            servers: [
                .init(
                    topology, operatingSystem: ProcessInfo.processInfo.operatingSystemVersionString,
                    software: "heng \(hengVersion)")
            ],
            cards: cards(topology, devices), virtual: virtual.map(resource))
        try display.show(description, names: description.names) { text(description) }
    }

    /// Accelerators that a driver shows, and those on the bus that none does.
    private func cards(_ topology: Topology, _ devices: [ListedDevice]) -> [ResourceDescription.Accelerator] {
        // A driver that shows the processors themselves once more is no card.
        let known = devices.filter {
            $0.id.kind != ResourceRequest.cpu && $0.description.attributes["opencl.type"] != "cpu"
        }
        let driven = known.map { device in
            ResourceDescription.Accelerator(
                id: device.id, server: topology.machineName, kind: device.id.kind,
                model: device.description.name,
                vendor: device.description.vendor, computeUnits: device.description.computeUnits,
                memory: device.description.memory,
                hostInterface: device.description.pciAddress.map { "PCI \($0)" },
                numaNode: device.description.numaNode, isSimulated: device.description.isSimulated,
                attributes: device.description.attributes)
        }
        let addresses = Set(known.compactMap(\.description.pciAddress))
        let attached = topology.devices.filter { $0.kind == .gpu || $0.kind == .coprocessor }
        let bare = attached.enumerated().filter { !addresses.contains($0.element.pciAddress ?? "") }.map {
            ResourceDescription.Accelerator(
                id: DeviceID(kind: $0.element.kind.rawValue, index: $0.offset), server: topology.machineName,
                kind: $0.element.kind.rawValue, model: $0.element.model,
                hostInterface: $0.element.pciAddress.map { "PCI \($0)" }, numaNode: $0.element.numaNode)
        }
        return driven + bare
    }

    private func resource(_ device: NamedDevice) -> ResourceDescription.VirtualResource {
        ResourceDescription.VirtualResource(
            name: device.name, server: device.machine, parent: device.device.device,
            computeShare: device.device.share.fraction, cores: device.device.cores.inCores,
            memory: device.device.memory, deviceMemory: device.device.deviceMemory,
            quality: device.request.quality.rawValue,
            isolation: Dictionary(
                (device.test?.limits ?? []).map { ($0.name, "\($0.strength.rawValue): \($0.means)") },
                uniquingKeysWith: { first, _ in first }),
            owner: device.holder, template: device.request.template)
    }

    private func text(_ whole: ResourceDescription) -> String {
        let servers = whole.physical.servers.map { server in
            let processors = server.processors.map { "\($0.model), \($0.cores) cores, \($0.threads) threads" }
            return "Server \(server.name): \(processors.joined(separator: "; ")); \(server.memory) on "
                + "\(server.nodes.count == 1 ? "1 NUMA node" : "\(server.nodes.count) NUMA nodes"). "
                + "Unknown: \(server.unknown.joined(separator: ", "))."
        }
        let cards = whole.physical.cards.map { card in
            "Card \(card.id)\(card.isSimulated ? " (simulated)" : ""): \(card.model), \(card.memory?.description ?? "memory unknown"). "
                + "Unknown: \(card.unknown.joined(separator: ", "))."
        }
        let virtual = whole.virtual.map { device in
            "Virtual \(device.name): \(device.computeShare.formatted(significant: 4)) of \(device.parent), \(device.memory), "
                + (device.owner.map { "used by job \($0)." } ?? "free.")
        }
        let clauses = whole.requirements.map { "\($0.id): \($0.answer)" }
        return (["\(whole.standard)."] + servers + cards + virtual + clauses).joined(separator: "\n")
    }
}

extension ResourceDescription {
    fileprivate var names: [String] {
        physical.servers.map(\.name) + physical.cards.map(\.id.description) + virtual.map(\.name)
    }
}
