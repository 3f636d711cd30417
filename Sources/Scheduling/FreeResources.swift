package import Essentials
internal import HardwareTopology

/// What of one machine is not lent at some moment.
///
/// Sums per node are kept beside the cores so that a node without room is passed over without looking at its cores.
package struct FreeResources: Hashable, Codable, Sendable {
    /// Free units of each core, by logical number; 0 for cores that are not lendable.
    package private(set) var cores: [Int]
    package private(set) var memory: [ByteCount]
    /// Free units of each attached device, in the inventory's order.
    package private(set) var devices: [Int]
    package private(set) var deviceMemory: [ByteCount]
    /// Free core units of each node.
    package private(set) var units: [Int]
    /// Cores of each node of which nothing is lent.
    package private(set) var wholeCores: [Int]
    /// Placements that hold something here.
    package private(set) var holders = 0
    /// Whether one job has the machine to itself, so that what it leaves is nobody's.
    package private(set) var isHeldWhole = false
    private let nodeOfCore: [Int]
    /// What one core and one device can lend: more than the whole when the machine is lent several times over.
    private let coreCapacity: Int
    private let deviceCapacity: Int

    /// Everything that the machine has, `times` over.
    package init(all inventory: Inventory, times: Int = 1) {
        let core = CoreAmount.unitsPerCore * times
        coreCapacity = core
        deviceCapacity = DeviceShare.unitsPerDevice * times
        cores = inventory.coreCPUs.map { $0.isEmpty ? 0 : core }
        memory = inventory.nodes.map { ByteCount(bytes: $0.memory.bytes * times) }
        devices = inventory.devices.map { _ in DeviceShare.unitsPerDevice * times }
        deviceMemory = inventory.devices.map { ByteCount(bytes: $0.memory.bytes * times) }
        units = inventory.nodes.map { $0.coreCount * core }
        wholeCores = inventory.nodes.map(\.coreCount)
        nodeOfCore = inventory.topology.cores.map(\.numaNode)
    }

    var totalUnits: Int { units.reduce(0, +) }
    var totalMemory: ByteCount { memory.reduce(.zero, +) }

    /// What a holder keeps: all of it, or everything but its time on cores while it stands still.
    enum Extent { case everything, allButCores, coresOnly }

    /// Takes what a part of a placement holds; it must have been free.
    mutating func take(
        _ part: Placement.Part, of inventory: Inventory, _ extent: Extent = .everything, whole: Bool = false
    ) {
        for rank in part.ranks { take(rank, of: inventory, extent) }
        if extent != .coresOnly { holders += 1 }
        if whole, extent != .coresOnly { isHeldWhole = true }
    }

    mutating func give(
        back part: Placement.Part, of inventory: Inventory, _ extent: Extent = .everything,
        whole: Bool = false
    ) {
        for rank in part.ranks { give(back: rank, of: inventory, extent) }
        if extent != .coresOnly { holders -= 1 }
        if whole, extent != .coresOnly { isHeldWhole = false }
    }

    mutating func take(_ device: VirtualDevice, of inventory: Inventory, _ extent: Extent = .everything) {
        change(by: device, sign: -1, of: inventory, extent)
    }

    mutating func give(
        back device: VirtualDevice, of inventory: Inventory, _ extent: Extent = .everything
    ) {
        change(by: device, sign: 1, of: inventory, extent)
    }

    /// Whether the cores of a part that stands still are free again.
    func hasCores(of part: Placement.Part) -> Bool {
        var needs: [Int: Int] = [:]
        for slice in part.ranks.flatMap(\.pieces).flatMap(\.cores) {
            needs[slice.core, default: 0] += slice.amount.units
        }
        return needs.allSatisfy { cores[$0.key] >= $0.value }
    }

    /// What is free in both of two moments of the same machine.
    func common(with other: FreeResources) -> FreeResources {
        var result = self
        for node in units.indices { result.memory[node] = min(memory[node], other.memory[node]) }
        for device in devices.indices {
            result.devices[device] = min(devices[device], other.devices[device])
            result.deviceMemory[device] = min(deviceMemory[device], other.deviceMemory[device])
        }
        for core in cores.indices where other.cores[core] < cores[core] {
            result.change(core: core, by: other.cores[core] - cores[core])
        }
        result.holders = max(holders, other.holders)
        result.isHeldWhole = isHeldWhole || other.isHeldWhole
        return result
    }

    private mutating func change(
        by device: VirtualDevice, sign: Int, of inventory: Inventory, _ extent: Extent
    ) {
        for piece in device.pieces {
            if extent != .allButCores {
                for slice in piece.cores { change(core: slice.core, by: sign * slice.amount.units) }
            }
            if extent != .coresOnly { change(memoryOf: piece.numaNode, by: sign * piece.memory.bytes) }
        }
        if extent != .coresOnly { change(device: device, sign: sign, of: inventory) }
    }

    private mutating func change(memoryOf node: Int, by bytes: Int) {
        memory[node].bytes += bytes
        precondition(memory[node] >= .zero, "memory of a node was given twice")
    }

    private mutating func change(core: Int, by amount: Int) {
        let node = nodeOfCore[core]
        if cores[core] == coreCapacity { wholeCores[node] -= 1 }
        cores[core] += amount
        units[node] += amount
        if cores[core] == coreCapacity { wholeCores[node] += 1 }
        precondition((0...coreCapacity).contains(cores[core]), "a core was given twice or given back twice")
    }

    private mutating func change(device: VirtualDevice, sign: Int, of inventory: Inventory) {
        // A cpu device is its cores, which are counted one by one.
        guard let index = inventory.devices.firstIndex(where: { $0.id == device.device }) else { return }
        devices[index] += sign * device.share.units
        deviceMemory[index].bytes += sign * device.deviceMemory.bytes
        precondition(
            (0...deviceCapacity).contains(devices[index]) && deviceMemory[index] >= .zero,
            "a device was given twice or given back twice")
    }
}

extension [FreeResources] {
    /// Takes a placement out of the machines of its parts.
    mutating func take(
        _ placement: Placement, on machines: [Int], of inventories: [Inventory],
        _ extent: FreeResources.Extent = .everything
    ) {
        for (part, machine) in zip(placement.parts, machines) {
            self[machine].take(part, of: inventories[machine], extent, whole: placement.isExclusive)
        }
    }

    mutating func give(
        back placement: Placement, on machines: [Int], of inventories: [Inventory],
        _ extent: FreeResources.Extent = .everything
    ) {
        for (part, machine) in zip(placement.parts, machines) {
            self[machine].give(back: part, of: inventories[machine], extent, whole: placement.isExclusive)
        }
    }
}
