internal import Essentials

/// Chooses cores of one node for a demand.
///
/// 1. Whole cores: from the group of cores sharing a cache that just holds them, else from as few groups as possible,
///    so that large free groups stay large.
/// 2. The fraction: from the core where it leaves least over, so that whole cores stay whole.
/// 3. What is left of the demand (only a share asks for more than 1 and 2): whole cores while they last, then one
///    core, and only if no single core has enough, as few cores as possible.
struct CoreFinder {
    let groups: [[Int]]
    /// Free units of every core of the machine.
    var free: [Int]
    private var slices: [Int: Int] = [:]

    init(groups: [[Int]], free: [Int]) {
        self.groups = groups
        self.free = free
    }

    /// Whether `slices` would find something, without choosing.
    static func hasRoom(
        for demand: CoreDemand, onNode node: Int, of inventory: Inventory, free: FreeResources
    ) -> Bool {
        guard free.units[node] >= demand.total, free.wholeCores[node] >= demand.whole else { return false }
        guard demand.fraction > 0 else { return true }
        var missing = demand.whole + 1
        for group in inventory.nodes[node].cacheGroups {
            for core in group where free.cores[core] >= demand.fraction {
                missing -= 1
                if missing == 0 { return true }
            }
        }
        return false
    }

    /// The chosen cores in rising order, or nil when the node has no room.
    static func slices(
        for demand: CoreDemand, onNode node: Int, of inventory: Inventory, free: FreeResources
    ) -> [VirtualDevice.CoreSlice]? {
        guard hasRoom(for: demand, onNode: node, of: inventory, free: free) else { return nil }
        var finder = CoreFinder(groups: inventory.nodes[node].cacheGroups, free: free.cores)
        return finder.find(demand) ? finder.chosen : nil
    }

    /// The same over the cores of several nodes, for a rank that spans them; earlier groups are nearer.
    static func slices(
        for demand: CoreDemand, inOrder groups: [[Int]], free: FreeResources
    ) -> [VirtualDevice.CoreSlice]? {
        // One group, so that the order of nearness is kept instead of the tightest group being sought.
        var finder = CoreFinder(groups: [groups.flatMap(\.self)], free: free.cores)
        return finder.find(demand) ? finder.chosen : nil
    }

    private var chosen: [VirtualDevice.CoreSlice] {
        slices.sorted { $0.key < $1.key }.map { .init(core: $0.key, amount: CoreAmount(units: $0.value)) }
    }

    private mutating func find(_ demand: CoreDemand) -> Bool {
        let one = CoreAmount.unitsPerCore
        guard takeWholeCores(demand.whole) else { return false }
        if demand.fraction > 0 {
            guard let core = tightestCore(holding: demand.fraction) else { return false }
            take(demand.fraction, from: core)
        }
        var rest = demand.total - demand.whole * one - demand.fraction
        // A share alone is best served by cores to oneself. Beside whole cores that were asked for it must not eat
        // the whole cores that the next rank of the same job needs.
        if demand.whole == 0, rest >= one {
            let whole = min(rest / one, wholeCoresFree)
            rest -= takeWholeCores(whole) ? whole * one : 0
        }
        return takeRest(rest)
    }

    private var wholeCoresFree: Int {
        groups.reduce(0) { $0 + $1.count { free[$0] == CoreAmount.unitsPerCore } }
    }

    private mutating func takeWholeCores(_ count: Int) -> Bool {
        guard count > 0 else { return true }
        var missing = count
        var candidates = groups.map { $0.filter { free[$0] == CoreAmount.unitsPerCore } }
        if let tightest = candidates.filter({ $0.count >= count }).min(by: { $0.count < $1.count }) {
            candidates = [tightest]
        } else {
            candidates.sort { ($1.count, $0.first ?? 0) < ($0.count, $1.first ?? 0) }
        }
        for core in candidates.joined().prefix(missing) {
            take(CoreAmount.unitsPerCore, from: core)
            missing -= 1
        }
        return missing == 0
    }

    private mutating func takeRest(_ rest: Int) -> Bool {
        guard rest > 0 else { return true }
        if let core = tightestCore(holding: rest) {
            take(rest, from: core)
            return true
        }
        var missing = rest
        // Cores in use first, the emptiest of them first; whole ones last.
        let order = groups.joined().filter { free[$0] > 0 }.sorted { left, right in
            let leftWhole = free[left] == CoreAmount.unitsPerCore
            let rightWhole = free[right] == CoreAmount.unitsPerCore
            if leftWhole != rightWhole { return rightWhole }
            return (free[right], left) < (free[left], right)
        }
        for core in order where missing > 0 {
            let part = min(missing, free[core])
            take(part, from: core)
            missing -= part
        }
        return missing == 0
    }

    private func tightestCore(holding amount: Int) -> Int? {
        groups.joined().filter { free[$0] >= amount }.min { (free[$0], $0) < (free[$1], $1) }
    }

    private mutating func take(_ amount: Int, from core: Int) {
        free[core] -= amount
        slices[core, default: 0] += amount
    }
}
