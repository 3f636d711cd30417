extension DecisionForest {
    /// The attributes of `TreeEnsemble`; nil where a tree is only a leaf, or a leaf has not exactly one vote.
    func attributesByBranches(as element: ElementType) -> [String: Attribute]? {
        var roots: [Int] = []
        for root in self.roots {
            guard case .branch(let place) = root else { return nil }
            roots.append(place)
        }
        let votes = leaves.compactMap { $0.count == 1 ? $0[0] : nil }
        guard votes.count == leaves.count else { return nil }
        func list(_ values: [Double]) -> Attribute {
            .tensor(HostTensor(TensorType(element, [values.count]), doubles: values))
        }
        let modes = branches.map { Int128($0.comparison.rawValue) }
        var attributes: [String: Attribute] = [
            "tree_roots": .ints(roots),
            "nodes_modes": .tensor(HostTensor(TensorType(.uint8, [modes.count]), wrapping: modes)),
            "nodes_featureids": .ints(branches.map(\.feature)),
            "nodes_splits": list(branches.map(\.threshold)),
            "nodes_truenodeids": .ints(branches.map(\.ifTrue.place)),
            "nodes_falsenodeids": .ints(branches.map(\.ifFalse.place)),
            "nodes_trueleafs": .ints(branches.map { $0.ifTrue.isLeaf ? 1 : 0 }),
            "nodes_falseleafs": .ints(branches.map { $0.ifFalse.isLeaf ? 1 : 0 }),
            "nodes_missing_value_tracks_true": .ints(branches.map { $0.missingIsTrue ? 1 : 0 }),
            "leaf_targetids": .ints(votes.map(\.target)), "leaf_weights": list(votes.map(\.weight)),
        ]
        // Each list of members ends with a NaN.
        let members = branches.filter { $0.comparison == .member }.flatMap { $0.members.sorted() + [.nan] }
        if !members.isEmpty { attributes["membership_values"] = list(members) }
        return attributes
    }

    /// The attributes of `TreeEnsembleRegressor` or `TreeEnsembleClassifier`.
    ///
    /// Nil where trees share a node, or a branch asks for a member.
    func attributesByNodes(votes prefix: String, base: [Double]) -> [String: Attribute]? {
        var nodes = NodeTable()
        for (tree, root) in roots.enumerated() {
            guard nodes.add(root, tree: tree, of: self) else { return nil }
        }
        var attributes: [String: Attribute] = [
            "nodes_treeids": .ints(nodes.trees), "nodes_nodeids": .ints(nodes.ids),
            "nodes_featureids": .ints(nodes.branches.map { $0?.feature ?? 0 }),
            "nodes_modes": .strings(
                nodes.branches.map { $0.flatMap { Self.modes[$0.comparison] } ?? "LEAF" }),
            "nodes_truenodeids": .ints(nodes.ifTrue), "nodes_falsenodeids": .ints(nodes.ifFalse),
            "nodes_missing_value_tracks_true": .ints(
                nodes.branches.map { $0?.missingIsTrue == true ? 1 : 0 }),
            "\(prefix)_treeids": .ints(nodes.votes.map(\.tree)),
            "\(prefix)_nodeids": .ints(nodes.votes.map(\.node)),
            "\(prefix)_ids": .ints(nodes.votes.map(\.vote.target)),
        ]
        let numbers = [
            "nodes_values": nodes.branches.map { $0?.threshold ?? 0 },
            "\(prefix)_weights": nodes.votes.map(\.vote.weight), "base_values": base,
        ]
        // All lists in float32, or all in float64.
        let isNarrow = numbers.values.joined().allSatisfy { Double(Float($0)) == $0 || $0.isNaN }
        for (name, values) in numbers where !values.isEmpty {
            if isNarrow {
                attributes[name] = .floats(values)
            } else {
                let type = TensorType(.float64, [values.count])
                attributes["\(name)_as_tensor"] = .tensor(HostTensor(type, doubles: values))
            }
        }
        return attributes
    }

    private static let modes: [Comparison: String] = [
        .atMost: "BRANCH_LEQ", .below: "BRANCH_LT", .atLeast: "BRANCH_GTE", .above: "BRANCH_GT",
        .equal: "BRANCH_EQ", .notEqual: "BRANCH_NEQ",
    ]
}

extension DecisionForest.Target {
    fileprivate var place: Int {
        switch self {
        case .branch(let place), .leaf(let place): place
        }
    }

    fileprivate var isLeaf: Bool { if case .leaf = self { true } else { false } }
}

/// Trees as lists of nodes, branches and leaves, each tree from its root on.
private struct NodeTable {
    var trees: [Int] = []
    var ids: [Int] = []
    /// nil for a leaf.
    var branches: [DecisionForest.Branch?] = []
    var ifTrue: [Int] = []
    var ifFalse: [Int] = []
    var votes: [(tree: Int, node: Int, vote: DecisionForest.Vote)] = []
    private var seen: Set<DecisionForest.Target> = []

    /// Whether the tree shares no node and asks for no member.
    mutating func add(_ root: DecisionForest.Target, tree: Int, of forest: DecisionForest) -> Bool {
        var waiting = [(target: root, parent: -1, holds: false)]
        var count = 0
        while let next = waiting.popLast() {
            guard seen.insert(next.target).inserted else { return false }
            let place = ids.count
            if next.parent >= 0 {
                if next.holds { ifTrue[next.parent] = count } else { ifFalse[next.parent] = count }
            }
            trees.append(tree)
            ids.append(count)
            ifTrue.append(0)
            ifFalse.append(0)
            switch next.target {
            case .leaf(let leaf):
                branches.append(nil)
                votes += forest.leaves[leaf].map { (tree, count, $0) }
            case .branch(let index):
                let branch = forest.branches[index]
                if branch.comparison == .member { return false }
                branches.append(branch)
                waiting.append((branch.ifFalse, place, false))
                waiting.append((branch.ifTrue, place, true))
            }
            count += 1
        }
        return true
    }
}
