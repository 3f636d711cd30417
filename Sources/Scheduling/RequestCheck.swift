internal import Essentials

/// Decides at submission whether a request can ever be met, so that nothing waits for what will never come.
package struct RequestCheck: Sendable {
    let inventories: [Inventory]

    package init(inventories: [Inventory]) { self.inventories = inventories }

    /// The first thing wrong with a request, or nil when an empty machine could run it.
    package func firstError(_ request: JobRequest, fitsForSure: Bool = false) -> RequestError? {
        if request.label.command.allSatisfy(\.isEmpty) { return .emptyCommand }
        if let limit = request.timeLimit, limit <= .zero { return .limitNotPositive }
        if let array = request.array, let error = arrayError(array) { return error }
        if fitsForSure { return nil }
        // The amounts are those of the device, which may not be there yet.
        return request.resources.virtualDevice == nil ? firstError(request.resources) : nil
    }

    package func firstError(_ request: ResourceRequest) -> RequestError? {
        amountError(request) ?? kindError(request) ?? fitError(request)
    }

    /// Tasks that one array may have.
    package static let largestArray = 1_000_000

    private func arrayError(_ array: ArrayRequest) -> RequestError? {
        guard array.step > 0, !array.indices.isEmpty,
            array.indices.allSatisfy({ $0.lowerBound >= 0 && $0.upperBound < 1 << 31 }),
            zip(array.indices, array.indices.dropFirst()).allSatisfy({ $0.upperBound < $1.lowerBound })
        else { return .arrayMalformed }
        if let limit = array.limit, limit < 1 { return .arrayMalformed }
        return array.count > RequestCheck.largestArray
            ? .arrayTooLarge(array.count, most: RequestCheck.largestArray) : nil
    }

    private func amountError(_ request: ResourceRequest) -> RequestError? {
        if let share = request.share, share <= .zero || share > .whole { return .shareOutOfRange(share) }
        if let cores = request.cores, cores <= .zero { return .coresNotPositive }
        if request.memory < .zero { return .memoryNegative(request.memory) }
        if request.isExclusive, request.quality == .bestEffort { return .exclusiveBestEffort }
        if request.ranks < 1 { return .ranksNotPositive(request.ranks) }
        if let memory = request.deviceMemory, memory < .zero { return .memoryNegative(memory) }
        return nil
    }

    private func kindError(_ request: ResourceRequest) -> RequestError? {
        guard !inventories.isEmpty else { return .noMachine }
        var known: [String] = []
        for kind in inventories.flatMap(\.deviceKinds) where !known.contains(kind) { known.append(kind) }
        return known.contains(request.deviceKind)
            ? nil : .unknownDeviceKind(request.deviceKind, known: known)
    }

    /// Nil when some empty machine has room; else what is wrong on the machine with most cores.
    private func fitError(_ request: ResourceRequest) -> RequestError? {
        var firstProblem: RequestError?
        if request.spread == .acrossMachines, request.ranks > 1 { return fitErrorAcrossMachines(request) }
        let largestFirst = inventories.sorted { $0.coreCPUs.count > $1.coreCPUs.count }
        for inventory in largestFirst {
            guard let problem = MachineCheck(inventory, request).error else { return nil }
            firstProblem = firstProblem ?? problem
        }
        return firstProblem
    }
}

extension RequestCheck {
    private func fitErrorAcrossMachines(_ request: ResourceRequest) -> RequestError? {
        var one = request
        one.ranks = 1
        if let error = fitError(one) { return error }
        let most = inventories.filter { $0.machine.refusal(of: request) == nil }.reduce(0) { sum, inventory in
            sum
                + GangPlacer(Placer.Wish(resources: request), inventory)
                .countFitting(on: FreeResources(all: inventory))
        }
        return most < request.ranks ? .tooManyRanks(request.ranks, most: most) : nil
    }
}

/// The check of one request against one empty machine.
private struct MachineCheck {
    let inventory: Inventory
    let request: ResourceRequest

    init(_ inventory: Inventory, _ request: ResourceRequest) {
        self.inventory = inventory.restricted(to: request.within)
        self.request = request
    }

    var error: RequestError? {
        if let node = namedNode, !inventory.computeNodes.contains(node) {
            return .unknownNode(node, machineNodes: inventory.computeNodes)
        }
        let kind = request.deviceKind
        if !inventory.deviceKinds.contains(kind) {
            return .unknownDeviceKind(kind, known: inventory.deviceKinds)
        }
        if let why = inventory.refusal(of: request) { return .notForAnyMachine(why) }
        let gang = GangPlacer(Placer.Wish(resources: request), inventory)
        if gang.place(on: FreeResources(all: inventory)) != nil { return nil }
        return amountError(gang.nodes) ?? ranksError(gang)
    }

    private var namedNode: Int? {
        switch request.numa {
        case .any: nil
        case .preferred(let node), .required(let node): node
        }
    }

    private func amountError(_ nodes: [Int]) -> RequestError? {
        let place: RequestError.SearchPlace =
            if case .required(let node) = request.numa {
                .node(node)
            } else if request.maySpan {
                .wholeMachine
            } else {
                .anyNode
            }
        let sums = place == .wholeMachine
        let cores = nodes.map { inventory.nodes[$0].coreCount }
        let memory = nodes.map { inventory.nodes[$0].memory }
        let mostCores = CoreAmount.cores((sums ? cores.reduce(0, +) : cores.max()) ?? 0)
        let mostMemory = (sums ? memory.reduce(.zero, +) : memory.max()) ?? .zero
        let asked = askedCores
        if asked > mostCores { return .tooManyCores(asked, most: mostCores, place: place) }
        if request.memory > mostMemory {
            return .tooMuchMemory(request.memory, most: mostMemory, place: place)
        }
        return nil
    }

    private var askedCores: CoreAmount {
        CoreAmount(units: request.coreDemand(onNodeWith: 0).total)
    }

    private func ranksError(_ gang: GangPlacer) -> RequestError {
        let fitting = gang.countFitting(on: FreeResources(all: inventory))
        return fitting == 0 && !request.maySpan
            ? .nodeTooSmall(cores: askedCores, memory: request.memory)
            : .tooManyRanks(request.ranks, most: fitting)
    }
}
