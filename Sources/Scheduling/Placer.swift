internal import Essentials
internal import HardwareTopology

/// Finds virtual devices for all ranks of a job, on what is free at some moment.
///
/// Ranks are placed one after the other, each on the best node by the policy. That finds a placement whenever one
/// exists, because all ranks ask for the same and a node's room for ranks does not depend on the other nodes.
struct Placer {
    let inventories: [Inventory]
    let status: [MachineStatus]
    let policy: PlacementPolicyName
    let speeds: SpeedBook

    struct Found {
        var placement: Placement
        var decision: PlacementDecision
        /// The machine of each part, by its place in `inventories`.
        var machines: [Int]
    }

    /// What is to be placed.
    struct Wish {
        var resources: ResourceRequest
        var workload: String?
    }

    /// Machines with room that are compared with each other; the first ones are taken, in the order they joined.
    private static let machinesCompared = 16

    /// The best of the machines that hold all ranks, or several machines for ranks that may lie on several.
    func place(_ wish: Wish, on free: [FreeResources], among machines: [Int]? = nil) -> Found? {
        let usable = (machines ?? Array(inventories.indices)).filter { whyClosed($0, wish.resources) == nil }
        return placeOnOne(wish, usable, free) ?? placeOnSeveral(wish, usable, free)
    }

    private func placeOnOne(_ wish: Wish, _ machines: [Int], _ free: [FreeResources]) -> Found? {
        var best: Found?
        var compared = 0
        for index in machines where mayHaveRoom(wish.resources, index, free[index]) {
            guard let (ranks, decision) = gang(wish, index).place(on: free[index]) else { continue }
            compared += 1
            if best.map({ decision.chosen.beats($0.decision.chosen) }) ?? true {
                let part = Placement.Part(machine: inventories[index].name, ranks: ranks)
                let placement = Placement(parts: [part], isExclusive: wish.resources.isExclusive)
                var decision = decision
                decision.runnerUp = best?.decision.chosen ?? decision.runnerUp
                best = Found(placement: placement, decision: decision, machines: [index])
            } else if let chosen = best?.decision.runnerUp, decision.chosen.beats(chosen) {
                best?.decision.runnerUp = decision.chosen
            }
            if compared == Placer.machinesCompared { break }
        }
        return best
    }

    /// As many ranks as fit on each machine, the machine with most room first, so that there are few parts.
    private func placeOnSeveral(_ wish: Wish, _ machines: [Int], _ free: [FreeResources]) -> Found? {
        guard wish.resources.spread == .acrossMachines, wish.resources.ranks > 1 else { return nil }
        var room: [(count: Int, machine: Int)] = []
        for index in machines where mayHaveRoom(wish.resources, index, free[index]) {
            let count = gang(wish, index).countFitting(on: free[index])
            if count > 0 { room.append((count, index)) }
        }
        room.sort { ($1.count, $0.machine) < ($0.count, $1.machine) }
        var left = wish.resources.ranks
        var found: Found?
        for (count, index) in room where left > 0 {
            var part = wish
            part.resources.ranks = min(count, left)
            guard let (ranks, decision) = gang(part, index).place(on: free[index]) else { continue }
            left -= ranks.count
            let piece = Placement.Part(machine: inventories[index].name, ranks: ranks)
            if found == nil {
                found = Found(
                    placement: Placement(parts: [piece], isExclusive: wish.resources.isExclusive),
                    decision: decision, machines: [index])
            } else {
                found?.placement.parts.append(piece)
                found?.machines.append(index)
            }
        }
        return left == 0 ? found : nil
    }

    private func isEmptyEnough(_ request: ResourceRequest, _ free: FreeResources) -> Bool {
        request.isExclusive ? free.holders == 0 : !free.isHeldWhole
    }

    /// False when a machine surely has no room for a rank, which most busy machines show without a look at their cores.
    private func mayHaveRoom(_ request: ResourceRequest, _ index: Int, _ free: FreeResources) -> Bool {
        guard isEmptyEnough(request, free) else { return false }
        // Here what is free for the request is more, or less, than what is free.
        guard !request.maySpan, request.within == nil, request.quality != .bestEffort else { return true }
        let nodes = inventories[index].nodes
        return nodes.indices.contains { node in
            guard free.memory[node] >= request.memory else { return false }
            let demand = request.coreDemand(onNodeWith: nodes[node].coreCount)
            return free.units[node] >= demand.total && free.wholeCores[node] >= demand.whole
        }
    }

    private func gang(_ wish: Wish, _ index: Int) -> GangPlacer {
        GangPlacer(wish, inventories[index], status[index], policy, speeds)
    }

    /// Why `place` found nothing, told about the machine that comes closest.
    func whyNot(_ wish: Wish, on free: [FreeResources]) -> WaitReason {
        var closed: String?
        var reasons: [WaitReason] = []
        for index in inventories.indices {
            if let why = whyClosed(index, wish.resources) {
                if gang(wish, index).couldEverRun { closed = closed ?? why }
                continue
            }
            guard let reason = gang(wish, index).whyNot(on: free[index]) else { continue }
            reasons.append(isEmptyEnough(wish.resources, free[index]) ? reason : .machinesBusy)
        }
        if let reason = reasons.max(by: { $0.closeness < $1.closeness }) { return reason }
        if let closed = closed ?? faultInTheWay(wish.resources) { return .machinesClosed(closed) }
        if wish.resources.spread == .acrossMachines, wish.resources.ranks > 1 {
            let counts = inventories.indices.map { gang(wish, $0).countFitting(on: free[$0]) }
            let every = inventories.indices.map {
                gang(wish, $0).countFitting(on: FreeResources(all: inventories[$0]))
            }
            if every.reduce(0, +) >= wish.resources.ranks {
                return .ranksBusy(needed: wish.resources.ranks, fitting: counts.reduce(0, +))
            }
        }
        return .neverFits(RequestCheck(inventories: inventories).firstError(wish.resources) ?? .noMachine)
    }

    /// A part that takes no new work and that the request could have had; nil when there is none.
    private func faultInTheWay(_ request: ResourceRequest) -> String? {
        for index in inventories.indices where whyClosed(index, request) == nil {
            let healthy = GangPlacer(Wish(resources: request), inventories[index])
            guard healthy.couldEverRun else { continue }
            let fault = status[index].faults.first { $0.part.device != nil && !$0.level.takesNewWork }
            if let fault { return "\(fault.part) is \(fault.level.rawValue): \(fault.why)" }
        }
        return nil
    }

    /// Why a machine takes nothing of a request, whatever is free there; nil when it may.
    func whyClosed(_ index: Int, _ request: ResourceRequest) -> String? {
        if let why = inventories[index].refusal(of: request) { return why }
        return status[index].closedBecause.map { "\(inventories[index].name): \($0)" }
    }
}

extension Machine {
    /// Why a request is not for this machine at all; nil when it is.
    func refusal(of request: ResourceRequest) -> String? {
        if let machines = request.machines, !machines.contains(name) { return "\(name) was not asked for" }
        if let wanted = request.machineClass, wanted != machineClass {
            return "\(name) is of the class \(machineClass.rawValue)"
        }
        if request.quality == .bestEffort, oversubscription < 1 { return "\(name) takes no best-effort jobs" }
        guard request.isolation == .hard else { return nil }
        let kinds =
            request.deviceKind == ResourceRequest.cpu
            ? ["compute", "memory"] : ["\(request.deviceKind).compute", "\(request.deviceKind).memory"]
        let soft = kinds.first { enforcement[$0] != .hard }
        return soft.map { "\(name) holds the limit on \($0) only \(enforcement[$0]?.rawValue ?? "by trust")" }
    }
}

extension WaitReason {
    /// How many of the conditions hold already.
    fileprivate var closeness: Int {
        switch self {
        case .deviceBusy, .deviceMemoryBusy: 1
        case .coresBusy: 2
        case .memoryBusy: 3
        case .ranksBusy: 4
        case .machinesBusy: 5
        default: 0
        }
    }
}

/// Places the ranks of one request on one machine.
struct GangPlacer {
    let request: ResourceRequest
    /// What the request may use of the machine.
    let inventory: Inventory
    private let wholeMachine: Inventory
    let policyName: PlacementPolicyName
    private let policy: any PlacementPolicy
    /// The nodes that the request may use.
    let nodes: [Int]
    /// Whether a rank could never lie on one node, and may lie on several.
    let spans: Bool
    private let workload: String?
    private let speeds: SpeedBook
    private let status: MachineStatus
    private let closed: Set<DeviceID>

    init(
        _ wish: Placer.Wish, _ inventory: Inventory, _ status: MachineStatus = MachineStatus(),
        _ policyName: PlacementPolicyName = .bestFit, _ speeds: SpeedBook = SpeedBook()
    ) {
        let request = wish.resources
        self.request = request
        workload = wish.workload
        wholeMachine = inventory
        let inventory = inventory.restricted(to: request.within)
        self.inventory = inventory
        self.policyName = policyName
        self.speeds = speeds
        self.status = status
        let closed = status.faults.isEmpty ? [] : status.closedDevices
        self.closed = closed
        policy = policyName.policy
        if case .required(let node) = request.numa {
            nodes = inventory.computeNodes.filter { $0 == node && !closed.contains(.cpu($0)) }
        } else if closed.isEmpty {
            nodes = inventory.computeNodes
        } else {
            nodes = inventory.computeNodes.filter { !closed.contains(.cpu($0)) }
        }
        spans = request.maySpan && !GangPlacer.someNode(of: inventory, among: nodes, couldHold: request)
    }

    private static func someNode(
        of inventory: Inventory, among nodes: [Int], couldHold request: ResourceRequest
    ) -> Bool {
        nodes.contains { node in
            let demand = request.coreDemand(onNodeWith: inventory.nodes[node].coreCount)
            return inventory.nodes[node].coreCount * CoreAmount.unitsPerCore >= demand.total
                && inventory.nodes[node].memory >= request.memory
        }
    }

    /// Whether a node has the cores for one rank.
    private func hasCores(_ node: Int, free: FreeResources) -> Bool {
        let demand = request.coreDemand(onNodeWith: inventory.nodes[node].coreCount)
        return CoreFinder.hasRoom(for: demand, onNode: node, of: inventory, free: free)
    }

    func place(on free: FreeResources) -> ([VirtualDevice], PlacementDecision)? {
        let free = visible(free)
        return switch request.spread {
        case .perVirtualDevice, .acrossMachines:
            placeRanks(on: nodes, upTo: request.ranks, free: free)
        case .perNUMANode:
            placeRanks(on: nodes, upTo: ranksPerNode, free: free)
        case .packed:
            spans ? placeRanks(on: nodes, upTo: request.ranks, free: free) : placeTogether(free: free)
        }
    }

    /// What is free of the part of the machine that the request may use.
    private func visible(_ free: FreeResources) -> FreeResources {
        // A machine that is lent several times over still has each core only once for one job.
        request.within == nil && request.quality != .bestEffort
            ? free : FreeResources(all: inventory).common(with: free)
    }

    /// The ranks that a node takes when they are spread evenly.
    private var ranksPerNode: Int {
        nodes.isEmpty ? 0 : (request.ranks - 1) / nodes.count + 1
    }

    /// How many of the ranks could be placed now.
    func countFitting(on free: FreeResources) -> Int {
        let free = visible(free)
        return switch request.spread {
        case .perVirtualDevice, .acrossMachines: fill(nodes, upTo: request.ranks, free: free).ranks.count
        case .perNUMANode: fill(nodes, upTo: ranksPerNode, free: free).ranks.count
        case .packed:
            spans
                ? fill(nodes, upTo: request.ranks, free: free).ranks.count
                : nodes.map { fill([$0], upTo: request.ranks, free: free).ranks.count }.max() ?? 0
        }
    }

    private func placeRanks(
        on nodes: [Int], upTo limit: Int, free: FreeResources
    ) -> ([VirtualDevice], PlacementDecision)? {
        let (ranks, decision) = fill(nodes, upTo: limit, free: free)
        guard ranks.count == request.ranks, var decision else { return nil }
        decision.note = note(about: ranks)
        return (ranks, decision)
    }

    /// All ranks on one node: the best by its first rank among the nodes that hold them all.
    private func placeTogether(free: FreeResources) -> ([VirtualDevice], PlacementDecision)? {
        guard request.ranks > 1 else { return placeRanks(on: nodes, upTo: 1, free: free) }
        let holding = nodes.filter {
            fill([$0], upTo: request.ranks, free: free).ranks.count == request.ranks
        }
        guard let first = fill(holding, upTo: 1, free: free).decision else { return nil }
        guard var found = placeRanks(on: [first.chosen.candidate.node], upTo: request.ranks, free: free)
        else {
            return nil
        }
        found.1.runnerUp = first.runnerUp
        return found
    }

    /// Places ranks until all are or no more fit; the decision is that of the first.
    private func fill(
        _ nodes: [Int], upTo limit: Int, free: FreeResources
    ) -> (ranks: [VirtualDevice], decision: PlacementDecision?) {
        var free = free
        var ranks: [VirtualDevice] = []
        var decision: PlacementDecision?
        var counts: [Int: Int] = [:]
        while ranks.count < request.ranks {
            let open = limit >= request.ranks ? nodes : nodes.filter { counts[$0, default: 0] < limit }
            guard let (device, why) = placeOne(on: open, free: free, near: ranks.last) else { break }
            if request.ranks == 1 { return ([device], why) }
            free.take(device, of: inventory)
            counts[device.numaNode, default: 0] += 1
            ranks.append(device)
            decision = decision ?? why
        }
        return (ranks, decision)
    }

    private func note(about ranks: [VirtualDevice]) -> String? {
        if ranks.contains(where: { $0.pieces.count > 1 }) {
            return "A rank spans NUMA nodes, because no single node could hold it."
        }
        let used = Set(ranks.map(\.numaNode)).count
        guard request.spread == .perNUMANode, used < ranks.count else { return nil }
        return "\(ranks.count) ranks share \(used == 1 ? "1 NUMA node" : "\(used) NUMA nodes")"
            + ", because there are no more."
    }
}

// One rank.
extension GangPlacer {
    private func placeOne(
        on nodes: [Int], free: FreeResources, near last: VirtualDevice?
    ) -> (VirtualDevice, PlacementDecision)? {
        if spans { return placeSpanning(nodes, free: free) }
        var best: (scored: PlacementDecision.Scored, device: VirtualDevice)?
        var runnerUp: PlacementDecision.Scored?
        for node in nodes {
            for (scored, device) in candidates(on: node, free: free, near: last) {
                if let leader = best, !scored.beats(leader.scored) {
                    if runnerUp.map({ scored.beats($0) }) ?? true { runnerUp = scored }
                } else {
                    runnerUp = best?.scored ?? runnerUp
                    best = (scored, device)
                }
            }
        }
        return best.map {
            (
                $0.device,
                PlacementDecision(policy: policyName.rawValue, chosen: $0.scored, runnerUp: runnerUp)
            )
        }
    }

    /// The node with each device that has the share free; of a cpu device there is one per node.
    private func candidates(
        on node: Int, free: FreeResources, near last: VirtualDevice?
    ) -> [(PlacementDecision.Scored, VirtualDevice)] {
        let capacity = inventory.nodes[node]
        guard free.memory[node] >= request.memory, hasCores(node, free: free) else { return [] }
        let demand = request.coreDemand(onNodeWith: capacity.coreCount)
        guard let slices = CoreFinder.slices(for: demand, onNode: node, of: inventory, free: free) else {
            return []
        }
        let piece = VirtualDevice.Piece(
            numaNode: node, osIndex: capacity.osIndex, cores: slices, memory: request.memory)
        return devices(near: node, free: free).map { choice in
            let device = VirtualDevice(
                device: choice.id, share: choice.share ?? cpuShare(of: demand.total, node: node),
                deviceMemory: choice.memory, pieces: [piece], of: inventory)
            var candidate = candidate(for: device, distance: choice.distance, left: choice.left, free: free)
            if let last {
                candidate.rankDistance = inventory.topology.distance(from: last.numaNode, to: node)
            }
            return (.init(candidate: candidate, terms: policy.terms(of: candidate)), device)
        }
    }

    private struct DeviceChoice {
        var id: DeviceID
        /// Nil for cpu devices, whose share follows from the cores.
        var share: DeviceShare?
        var memory = ByteCount.zero
        var distance = 10
        var left = DeviceShare.zero
        var model = ""
    }

    private func devices(near node: Int, free: FreeResources) -> [DeviceChoice] {
        guard let share = request.attachedShare else {
            return [DeviceChoice(id: .cpu(node))]
        }
        return inventory.devices.indices.compactMap { index in
            let device = inventory.devices[index]
            guard device.id.kind == request.deviceKind, !closed.contains(device.id),
                free.devices[index] >= share.units
            else { return nil }
            let memory = request.memory(of: device)
            guard free.deviceMemory[index] >= memory else { return nil }
            return DeviceChoice(
                id: device.id, share: share, memory: memory,
                distance: inventory.distance(from: device, to: node),
                left: DeviceShare(units: free.devices[index] - share.units), model: device.model)
        }
    }

    private func candidate(
        for device: VirtualDevice, distance: Int, left: DeviceShare, free: FreeResources
    ) -> NodeCandidate {
        let node = device.numaNode
        let slices = device.pieces[0].cores
        return NodeCandidate(
            machine: inventory.name, node: node, device: device.device,
            isPreferred: request.numa != .preferred(node) ? request.numa.isIndifferent : true,
            deviceDistance: distance, deviceLeft: left,
            coresLeft: CoreAmount(units: free.units[node] - device.cores.units),
            wholeCoresBroken: slices.count {
                $0.amount < .cores(1) && free.cores[$0.core] == CoreAmount.unitsPerCore
            },
            memoryLeft: free.memory[node] - request.memory,
            machineCoresLeft: CoreAmount(units: free.totalUnits - device.cores.units),
            isSubHealthy: !status.faults.isEmpty
                && (status.isSubHealthy(device.device) || status.isSubHealthy(.cpu(node))),
            measuredMilliseconds: measuredMilliseconds(on: device))
    }

    private func measuredMilliseconds(on device: VirtualDevice) -> Int? {
        guard let workload else { return nil }
        let name = SpeedBook.deviceClass(of: device, model: wholeMachine.model(of: device.device))
        return speeds.seconds(of: workload, on: name).map { Int($0 * 1000) }
    }

    private func cpuShare(of units: Int, node: Int) -> DeviceShare {
        DeviceShare(units: units / max(1, wholeMachine.nodes[node].coreCount))
    }

    /// A rank over several nodes: the emptiest as its home, then the nearest to it.
    private func placeSpanning(
        _ nodes: [Int], free: FreeResources
    ) -> (VirtualDevice, PlacementDecision)? {
        let homes = nodes.sorted { (free.units[$1], $0) < (free.units[$0], $1) }
        for home in homes {
            for choice in devices(near: home, free: free) {
                guard let pieces = piecesSpanning(from: home, nodes, free: free) else { continue }
                let units = pieces.flatMap(\.cores).reduce(0) { $0 + $1.amount.units }
                let device = VirtualDevice(
                    device: choice.id, share: choice.share ?? min(.whole, cpuShare(of: units, node: home)),
                    pieces: pieces, of: inventory)
                let candidate = candidate(
                    for: device, distance: choice.distance, left: choice.left, free: free)
                let scored = PlacementDecision.Scored(
                    candidate: candidate, terms: policy.terms(of: candidate))
                return (device, PlacementDecision(policy: policyName.rawValue, chosen: scored))
            }
        }
        return nil
    }

    private func piecesSpanning(
        from home: Int, _ nodes: [Int], free: FreeResources
    ) -> [VirtualDevice.Piece]? {
        let demand = request.coreDemand(onNodeWith: inventory.nodes[home].coreCount)
        let topology = inventory.topology
        let order = nodes.sorted {
            (topology.distance(from: home, to: $0), $0) < (topology.distance(from: home, to: $1), $1)
        }
        let everything = order.flatMap { inventory.nodes[$0].cacheGroups }
        guard let cores = CoreFinder.slices(for: demand, inOrder: everything, free: free) else { return nil }
        let withCores = Dictionary(grouping: cores) { topology.cores[$0.core].numaNode }
        var memoryMissing = request.memory
        var pieces: [VirtualDevice.Piece] = []
        // Memory first beside the cores, then wherever it is nearest.
        for node in order.filter({ withCores[$0] != nil }) + order.filter({ withCores[$0] == nil }) {
            let memory = min(memoryMissing, free.memory[node])
            memoryMissing -= memory
            guard withCores[node] != nil || memory > .zero else { continue }
            pieces.append(
                .init(
                    numaNode: node, osIndex: inventory.nodes[node].osIndex, cores: withCores[node] ?? [],
                    memory: memory))
        }
        return memoryMissing == .zero ? pieces : nil
    }
}

extension NodePreference {
    /// Whether every node is as welcome as any other; a required node is the only candidate anyway.
    fileprivate var isIndifferent: Bool {
        if case .preferred = self { false } else { true }
    }
}

extension PlacementDecision.Scored {
    func beats(_ other: Self) -> Bool {
        for (mine, theirs) in zip(terms, other.terms) where mine.value != theirs.value {
            return mine.value < theirs.value
        }
        return false
    }
}

// Why nothing was found.
extension GangPlacer {
    /// Nil when the machine could not run the job even if it were empty.
    func whyNot(on free: FreeResources) -> WaitReason? {
        guard couldEverRun else { return nil }
        let free = visible(free)
        if let share = request.attachedShare {
            let kinds = inventory.devices.indices.filter {
                inventory.devices[$0].id.kind == request.deviceKind
            }
            let most = DeviceShare(units: kinds.map { free.devices[$0] }.max() ?? 0)
            if most < share { return .deviceBusy(kind: request.deviceKind, needed: share, free: most) }
            if let memory = request.deviceMemory,
                !kinds.contains(where: { free.devices[$0] >= share.units && free.deviceMemory[$0] >= memory })
            {
                let most = kinds.map { free.deviceMemory[$0] }.max() ?? .zero
                return .deviceMemoryBusy(kind: request.deviceKind, needed: memory, free: most)
            }
        }
        let fitting = request.ranks > 1 ? countFitting(on: free) : 0
        guard fitting == 0 else { return .ranksBusy(needed: request.ranks, fitting: fitting) }
        return spans ? spanReason(free: free) : nodeReason(free: free)
    }

    var couldEverRun: Bool {
        // One rank on one node, which most jobs are, needs no trial.
        guard request.ranks == 1, !spans else { return place(on: FreeResources(all: inventory)) != nil }
        return inventory.deviceKinds.contains(request.deviceKind)
            && GangPlacer.someNode(of: inventory, among: nodes, couldHold: request)
    }

    private func nodeReason(free: FreeResources) -> WaitReason {
        let withCores = nodes.filter { hasCores($0, free: free) }
        if let node = withCores.max(by: { free.memory[$0] < free.memory[$1] }) {
            return .memoryBusy(needed: request.memory, free: free.memory[node], node: node)
        }
        let emptiest = nodes.max { usable(on: $0, free) < usable(on: $1, free) } ?? 0
        let demand = request.coreDemand(onNodeWith: inventory.nodes[emptiest].coreCount)
        return .coresBusy(
            needed: CoreAmount(units: demand.total), free: usable(on: emptiest, free), node: emptiest)
    }

    private func spanReason(free: FreeResources) -> WaitReason {
        let home = nodes.first ?? 0
        let memory = nodes.reduce(ByteCount.zero) { $0 + free.memory[$1] }
        if memory < request.memory {
            return .memoryBusy(needed: request.memory, free: memory, node: home)
        }
        let demand = request.coreDemand(onNodeWith: inventory.nodes[home].coreCount)
        let units = nodes.reduce(CoreAmount.zero) { $0 + usable(on: $1, free) }
        return .coresBusy(needed: CoreAmount(units: demand.total), free: units, node: home)
    }

    /// What counts as free for this request: whole cores if it wants those, else all time.
    private func usable(on node: Int, _ free: FreeResources) -> CoreAmount {
        let demand = request.coreDemand(onNodeWith: inventory.nodes[node].coreCount)
        if demand.whole > 0 { return .cores(free.wholeCores[node]) }
        guard demand.fraction > 0 else { return CoreAmount(units: free.units[node]) }
        let best = inventory.nodes[node].cacheGroups.joined().map { free.cores[$0] }.max() ?? 0
        return CoreAmount(units: best)
    }
}
