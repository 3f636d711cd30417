extension OperatorCall {
    /// The trees of `TreeEnsembleClassifier` and `TreeEnsembleRegressor`.
    ///
    /// One entry for each node, leaves included; votes are listed apart in attributes that begin with `votes`.
    func treesByNodes(votes: String, targets: Int) throws(GraphError) -> DecisionForest {
        let nodes = try NodeLists(self)
        let places = try nodes.places(self)
        var leafNumbers: [Int: Int] = [:]
        var branchNumbers: [Int: Int] = [:]
        for (place, mode) in nodes.modes.enumerated() {
            if mode == nil {
                leafNumbers[place] = leafNumbers.count
            } else {
                branchNumbers[place] = branchNumbers.count
            }
        }
        func target(_ tree: Int, _ node: Int) throws(GraphError) -> DecisionForest.Target {
            guard let place = places[NodeKey(tree: tree, node: node)] else {
                throw error("tree \(tree) has no node \(node), and a branch points to it")
            }
            if let leaf = leafNumbers[place] { return .leaf(leaf) }
            return .branch(branchNumbers[place] ?? 0)
        }
        var branches: [DecisionForest.Branch] = []
        for (place, mode) in nodes.modes.enumerated() {
            guard let mode else { continue }
            let tree = nodes.trees[place]
            branches.append(
                DecisionForest.Branch(
                    mode, feature: nodes.features[place], threshold: nodes.thresholds[place],
                    missingIsTrue: nodes.missing[place] != 0, ifTrue: try target(tree, nodes.ifTrue[place]),
                    ifFalse: try target(tree, nodes.ifFalse[place])))
        }
        var roots: [DecisionForest.Target] = []
        var seen: Set<Int> = []
        for place in nodes.trees.indices where seen.insert(nodes.trees[place]).inserted {
            roots.append(try target(nodes.trees[place], nodes.ids[place]))
        }
        let leaves = try self.votes(votes, leafCount: leafNumbers.count) {
            places[$0].map { leafNumbers[$0] }
        }
        return try DecisionForest(roots: roots, branches: branches, leaves: leaves, targets: targets)
    }

    /// The votes of each leaf; `leaf` finds a node's leaf, nil for a branch, and nothing where there is no node.
    private func votes(
        _ prefix: String, leafCount: Int, leaf: (NodeKey) -> Int??
    ) throws(GraphError) -> [[DecisionForest.Vote]] {
        let trees = try ints("\(prefix)_treeids")
        let nodes = try requireCount("\(prefix)_nodeids", try ints("\(prefix)_nodeids"), trees.count)
        let targets = try requireCount("\(prefix)_ids", try ints("\(prefix)_ids"), trees.count)
        let weights = try requireCount("\(prefix)_weights", try numbers("\(prefix)_weights"), trees.count)
        var votes = [[DecisionForest.Vote]](repeating: [], count: leafCount)
        for place in trees.indices {
            guard let found = leaf(NodeKey(tree: trees[place], node: nodes[place])) else {
                throw error(
                    "tree \(trees[place]) has no node \(nodes[place]), and \(prefix)_nodeids names it")
            }
            guard let found else { continue }
            votes[found].append(DecisionForest.Vote(target: targets[place], weight: weights[place]))
        }
        return votes
    }

    /// A list of floats, or the tensor `NAME_as_tensor` of float64 in its place.
    func numbers(_ name: String) throws(GraphError) -> [Double] {
        if let numbers = try optionalNumbers(name) { return numbers }
        return try floats(name)
    }

    func optionalNumbers(_ name: String) throws(GraphError) -> [Double]? {
        guard schema.attributes.contains(where: { $0.name == "\(name)_as_tensor" }),
            has("\(name)_as_tensor"), let tensor = try optionalTensor("\(name)_as_tensor"),
            tensor.type.shape.count > 0
        else { return try optionalFloats(name) }
        return try floatList(tensor, "\(name)_as_tensor")
    }

    /// The elements of a tensor of floats that stands for a list.
    func floatList(_ tensor: HostTensor, _ name: String) throws(GraphError) -> [Double] {
        try require(
            tensor.type.element.isFloating && tensor.type.shape.rank <= 1,
            "\(name) is a list of floats, not \(tensor.type)")
        return tensor.doubles
    }

    @discardableResult
    func requireCount<Element>(
        _ name: String, _ list: [Element], _ count: Int
    ) throws(GraphError) -> [Element] {
        try require(list.count == count, "\(name) has \(list.count) entries, and \(count) belong there")
        return list
    }
}

private struct NodeKey: Hashable {
    var tree: Int
    var node: Int
}

/// The attributes `nodes_*`, of one length each.
private struct NodeLists {
    var trees: [Int]
    var ids: [Int]
    var features: [Int]
    var thresholds: [Double]
    /// nil for a leaf.
    var modes: [DecisionForest.Comparison?] = []
    var ifTrue: [Int]
    var ifFalse: [Int]
    var missing: [Int]

    init(_ call: OperatorCall) throws(GraphError) {
        let names = try call.strings("nodes_modes")
        let count = names.count
        trees = try call.requireCount("nodes_treeids", try call.ints("nodes_treeids"), count)
        ids = try call.requireCount("nodes_nodeids", try call.ints("nodes_nodeids"), count)
        features = try call.requireCount("nodes_featureids", try call.ints("nodes_featureids"), count)
        thresholds = try call.requireCount("nodes_values", try call.numbers("nodes_values"), count)
        ifTrue = try call.requireCount("nodes_truenodeids", try call.ints("nodes_truenodeids"), count)
        ifFalse = try call.requireCount("nodes_falsenodeids", try call.ints("nodes_falsenodeids"), count)
        let tracks = try call.optionalInts("nodes_missing_value_tracks_true") ?? []
        missing =
            tracks.isEmpty
            ? [Int](repeating: 0, count: count)
            : try call.requireCount("nodes_missing_value_tracks_true", tracks, count)
        for name in names {
            let mode = NodeLists.modes[name]
            try call.require(mode != nil || name == "LEAF", "a node has the unknown mode \(name)")
            modes.append(mode)
        }
    }

    private static let modes: [String: DecisionForest.Comparison] = [
        "BRANCH_LEQ": .atMost, "BRANCH_LT": .below, "BRANCH_GTE": .atLeast, "BRANCH_GT": .above,
        "BRANCH_EQ": .equal, "BRANCH_NEQ": .notEqual,
    ]

    /// Where each node lies in the lists.
    func places(_ call: OperatorCall) throws(GraphError) -> [NodeKey: Int] {
        var places: [NodeKey: Int] = [:]
        for place in trees.indices {
            let key = NodeKey(tree: trees[place], node: ids[place])
            try call.require(
                places.updateValue(place, forKey: key) == nil,
                "tree \(key.tree) has two nodes \(key.node)")
        }
        return places
    }
}

extension OperatorSchema.AttributeParameter {
    /// The attributes of trees by nodes; `votes` is the beginning of the names of what leaves vote for.
    static func treesByNodes(votes: String, of what: String) -> [Self] {
        [
            .ints("nodes_treeids", nil, "the tree of each node; a tree's first node is its root"),
            .ints("nodes_nodeids", nil, "the number of each node in its tree"),
            .ints("nodes_featureids", nil, "the feature that each node looks at, below F"),
            .floats("nodes_values", nil, "the threshold of each node"),
            .tensor("nodes_values_as_tensor", "the thresholds in float64, in place of nodes_values"),
            .strings(
                "nodes_modes", nil,
                "each LEAF or a comparison that is true or false: BRANCH_LEQ, _LT, _GTE, _GT, _EQ, _NEQ"),
            .ints("nodes_truenodeids", nil, "the node where each comparison goes on when it is true"),
            .ints("nodes_falsenodeids", nil, "the node where each comparison goes on when it is false"),
            .ints(
                "nodes_missing_value_tracks_true", nil, "for each node whether NaN counts as true; else false"
            ),
            .floats("nodes_hitrates", nil, "ignored"),
            .tensor("nodes_hitrates_as_tensor", "ignored"),
            .ints("\(votes)_treeids", nil, "the tree of each vote"),
            .ints("\(votes)_nodeids", nil, "the leaf of each vote"),
            .ints("\(votes)_ids", nil, "the place of the \(what) that each vote is for"),
            .floats("\(votes)_weights", nil, "the weight of each vote"),
            .tensor("\(votes)_weights_as_tensor", "the weights in float64, in place of \(votes)_weights"),
            .floats("base_values", nil, "added to the scores: one for each \(what), or none"),
            .tensor("base_values_as_tensor", "the same in float64"),
        ]
    }
}

extension OperatorCall {
    /// The trees of `TreeEnsemble`: branches and leaves in lists of their own.
    func treesByBranches(targets: Int) throws(GraphError) -> DecisionForest {
        let weights = try floatList(try presentTensor("leaf_weights"), "leaf_weights")
        let votes = try requireCount("leaf_targetids", try ints("leaf_targetids"), weights.count)
        let leaves = zip(votes, weights).map { [DecisionForest.Vote(target: $0.0, weight: $0.1)] }
        let branches = try branches()
        var roots: [DecisionForest.Target] = []
        for root in try ints("tree_roots") {
            try require(branches.indices.contains(root), "tree_roots names the branch \(root)")
            roots.append(.branch(root))
        }
        return try DecisionForest(roots: roots, branches: branches, leaves: leaves, targets: targets)
    }

    private func branches() throws(GraphError) -> [DecisionForest.Branch] {
        let modes = try comparisons()
        let count = modes.count
        let features = try requireCount("nodes_featureids", try ints("nodes_featureids"), count)
        let splits = try requireCount(
            "nodes_splits", try floatList(try presentTensor("nodes_splits"), "nodes_splits"), count)
        let ifTrue = try targets("nodes_truenodeids", "nodes_trueleafs", count)
        let ifFalse = try targets("nodes_falsenodeids", "nodes_falseleafs", count)
        let missing = try optionalInts("nodes_missing_value_tracks_true") ?? []
        if !missing.isEmpty { try requireCount("nodes_missing_value_tracks_true", missing, count) }
        var sets = try memberSets(modes.count { $0 == .member })[...]
        return modes.indices.map { place in
            DecisionForest.Branch(
                modes[place], feature: features[place], threshold: splits[place],
                members: modes[place] == .member ? sets.popFirst() ?? [] : [],
                missingIsTrue: missing.isEmpty ? false : missing[place] != 0, ifTrue: ifTrue[place],
                ifFalse: ifFalse[place])
        }
    }

    private func comparisons() throws(GraphError) -> [DecisionForest.Comparison] {
        let tensor = try presentTensor("nodes_modes")
        try require(
            tensor.type.element.isInteger && tensor.type.shape.rank == 1,
            "nodes_modes is a list of uint8, not \(tensor.type)")
        var modes: [DecisionForest.Comparison] = []
        for number in tensor.wholes {
            guard let mode = DecisionForest.Comparison(rawValue: Int(clamping: number)) else {
                throw error("a branch has the unknown mode \(number)")
            }
            modes.append(mode)
        }
        return modes
    }

    private func targets(
        _ ids: String, _ areLeaves: String, _ count: Int
    ) throws(GraphError) -> [DecisionForest.Target] {
        let places = try requireCount(ids, try ints(ids), count)
        let flags = try requireCount(areLeaves, try ints(areLeaves), count)
        return zip(places, flags).map { $0.1 == 0 ? .branch($0.0) : .leaf($0.0) }
    }

    /// The members of each branch that looks for them, in the order of the branches.
    private func memberSets(_ count: Int) throws(GraphError) -> [Set<Double>] {
        guard let tensor = try optionalTensor("membership_values") else {
            try require(count == 0, "membership_values are missing")
            return []
        }
        let values = try floatList(tensor, "membership_values")
        var sets: [Set<Double>] = []
        var own: Set<Double> = []
        for value in values {
            if value.isNaN {
                sets.append(own)
                own = []
            } else {
                own.insert(value)
            }
        }
        if !own.isEmpty { sets.append(own) }
        try require(
            sets.count == count, "there are \(count) MEMBER branches and \(sets.count) lists of members")
        return sets
    }

    private func presentTensor(_ name: String) throws(GraphError) -> HostTensor {
        guard let tensor = try optionalTensor(name) else { throw error("the attribute \(name) is missing") }
        return tensor
    }
}
