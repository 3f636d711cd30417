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
    /// Free core units of each node.
    package private(set) var units: [Int]
    /// Cores of each node of which nothing is lent.
    package private(set) var wholeCores: [Int]
    private let nodeOfCore: [Int]

    /// Everything that the machine has.
    package init(all inventory: Inventory) {
        cores = inventory.coreCPUs.map { $0.isEmpty ? 0 : CoreAmount.unitsPerCore }
        memory = inventory.nodes.map(\.memory)
        devices = inventory.devices.map { _ in DeviceShare.unitsPerDevice }
        units = inventory.nodes.map { $0.coreCount * CoreAmount.unitsPerCore }
        wholeCores = inventory.nodes.map(\.coreCount)
        nodeOfCore = inventory.machine.topology.cores.map(\.numaNode)
    }

    /// Takes what a placement holds; it must have been free.
    package mutating func take(_ placement: Placement, of inventory: Inventory) {
        for rank in placement.ranks { take(rank, of: inventory) }
    }

    package mutating func give(back placement: Placement, of inventory: Inventory) {
        for rank in placement.ranks {
            for piece in rank.pieces {
                for slice in piece.cores { change(core: slice.core, by: slice.amount.units) }
                memory[piece.numaNode] += piece.memory
            }
            change(device: rank.device, by: rank.share.units, of: inventory)
        }
    }

    mutating func take(_ device: VirtualDevice, of inventory: Inventory) {
        for piece in device.pieces {
            for slice in piece.cores { change(core: slice.core, by: -slice.amount.units) }
            memory[piece.numaNode] -= piece.memory
            precondition(memory[piece.numaNode] >= .zero, "memory of a node was given twice")
        }
        change(device: device.device, by: -device.share.units, of: inventory)
    }

    /// What is free in both of two moments of the same machine.
    func common(with other: FreeResources) -> FreeResources {
        var result = self
        for node in units.indices {
            result.memory[node] = min(memory[node], other.memory[node])
        }
        for device in devices.indices { result.devices[device] = min(devices[device], other.devices[device]) }
        for core in cores.indices where other.cores[core] < cores[core] {
            result.change(core: core, by: other.cores[core] - cores[core])
        }
        return result
    }

    private mutating func change(core: Int, by amount: Int) {
        let node = nodeOfCore[core]
        if cores[core] == CoreAmount.unitsPerCore { wholeCores[node] -= 1 }
        cores[core] += amount
        units[node] += amount
        if cores[core] == CoreAmount.unitsPerCore { wholeCores[node] += 1 }
        precondition(
            (0...CoreAmount.unitsPerCore).contains(cores[core]), "a core was given twice or given back twice")
    }

    private mutating func change(device id: DeviceID, by amount: Int, of inventory: Inventory) {
        // A cpu device is its cores, which are counted one by one.
        guard let device = inventory.devices.firstIndex(where: { $0.id == id }) else { return }
        devices[device] += amount
        precondition(
            (0...DeviceShare.unitsPerDevice).contains(devices[device]),
            "a device was given twice or given back twice")
    }
}
