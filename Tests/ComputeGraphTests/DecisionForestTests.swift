import ComputeGraph
import Essentials
import TestSupport
import Testing

/// A tree as a person draws it.
private indirect enum DrawnTree {
    case leaf(votes: [(target: Int, weight: Double)])
    case branch(
        mode: String, feature: Int, threshold: Double, missingIsTrue: Bool, ifTrue: DrawnTree,
        ifFalse: DrawnTree)

    static let modes = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]

    static func random(_ random: inout SeededGenerator, depth: Int, features: Int, targets: Int) -> Self {
        if depth == 0 || random.below(5) == 0 {
            let votes = (0..<random.below(3)).map { _ in
                (target: random.below(targets), weight: Double(random.below(17) - 8) / 4)
            }
            return .leaf(votes: votes)
        }
        return .branch(
            mode: modes[random.below(modes.count)], feature: random.below(features),
            threshold: Double(random.below(5) - 2) / 2, missingIsTrue: random.below(2) == 0,
            ifTrue: .random(&random, depth: depth - 1, features: features, targets: targets),
            ifFalse: .random(&random, depth: depth - 1, features: features, targets: targets))
    }

    /// The votes of the leaf that an example reaches, by plain recursion.
    func votes(for x: [Double]) -> [(target: Int, weight: Double)] {
        switch self {
        case .leaf(let votes): return votes
        case .branch(let mode, let feature, let threshold, let missingIsTrue, let ifTrue, let ifFalse):
            let value = x[feature]
            let holds: Bool
            switch mode {
            case _ where value.isNaN: holds = missingIsTrue
            case "BRANCH_LEQ": holds = value <= threshold
            case "BRANCH_LT": holds = value < threshold
            case "BRANCH_GTE": holds = value >= threshold
            case "BRANCH_GT": holds = value > threshold
            case "BRANCH_EQ": holds = value == threshold
            default: holds = value != threshold
            }
            return (holds ? ifTrue : ifFalse).votes(for: x)
        }
    }
}

/// The attributes of trees, written in a random order of nodes.
private struct WrittenTrees {
    var trees: [Int] = []
    var nodes: [Int] = []
    var features: [Int] = []
    var values: [Double] = []
    var modes: [String] = []
    var ifTrue: [Int] = []
    var ifFalse: [Int] = []
    var missing: [Int] = []
    var votes: [(tree: Int, node: Int, target: Int, weight: Double)] = []
    private var nextNode = 0

    init(_ drawn: [DrawnTree]) {
        for (tree, root) in drawn.enumerated() {
            nextNode = 0
            _ = write(root, tree)
        }
    }

    private mutating func write(_ drawn: DrawnTree, _ tree: Int) -> Int {
        let node = nextNode
        nextNode += 1
        let place = modes.count
        trees.append(tree)
        nodes.append(node)
        features.append(0)
        values.append(0)
        modes.append("LEAF")
        ifTrue.append(0)
        ifFalse.append(0)
        missing.append(0)
        switch drawn {
        case .leaf(let votes):
            for vote in votes { self.votes.append((tree, node, vote.target, vote.weight)) }
        case .branch(let mode, let feature, let threshold, let missingIsTrue, let yes, let no):
            modes[place] = mode
            features[place] = feature
            values[place] = threshold
            missing[place] = missingIsTrue ? 1 : 0
            ifTrue[place] = write(yes, tree)
            ifFalse[place] = write(no, tree)
        }
        return node
    }

    func attributes(_ prefix: String) -> [String: Attribute] {
        [
            "nodes_treeids": .ints(trees), "nodes_nodeids": .ints(nodes), "nodes_featureids": .ints(features),
            "nodes_values": .floats(values), "nodes_modes": .strings(modes),
            "nodes_truenodeids": .ints(ifTrue), "nodes_falsenodeids": .ints(ifFalse),
            "nodes_missing_value_tracks_true": .ints(missing),
            "\(prefix)_treeids": .ints(votes.map(\.tree)), "\(prefix)_nodeids": .ints(votes.map(\.node)),
            "\(prefix)_ids": .ints(votes.map(\.target)), "\(prefix)_weights": .floats(votes.map(\.weight)),
        ]
    }
}

@Suite("Decision forests")
struct DecisionForestTests {
    @Test(arguments: propertySeeds)
    func `the flat walk agrees with plain recursion`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "forest")
        let (features, targets) = (1 + random.below(4), 1 + random.below(3))
        let drawn = (0..<(1 + random.below(5))).map { _ in
            DrawnTree.random(&random, depth: random.below(6), features: features, targets: targets)
        }
        let rows = (0..<20).map { _ in
            (0..<features).map { _ in random.below(8) == 0 ? .nan : Double(random.below(7) - 3) / 2 }
        }
        let x = HostTensor(.float32(20, features), doubles: rows.flatMap { $0 })
        let base = (0..<targets).map { Double($0) }
        let name = ["SUM", "AVERAGE", "MIN", "MAX"][random.below(4)]

        let more: [String: Attribute] = [
            "n_targets": .int(targets), "aggregate_function": .string(name), "base_values": .floats(base),
        ]
        let attributes = WrittenTrees(drawn).attributes("target").merging(more) { $1 }
        let found = try ModelCall("TreeEnsembleRegressor", [x], attributes).run()[0]

        let expected = rows.flatMap { row in
            (0..<targets).map { target in
                let votes = drawn.flatMap { $0.votes(for: row) }.filter { $0.target == target }.map(\.weight)
                let value =
                    switch name {
                    case "SUM": votes.reduce(0, +)
                    case "AVERAGE": votes.reduce(0, +) / Double(drawn.count)
                    case "MIN": votes.min() ?? 0
                    default: votes.max() ?? 0
                    }
                return value + base[target]
            }
        }
        expectEqual([found], [HostTensor(.float32(20, targets), doubles: expected)])
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `a classifier's label is the class with the most votes`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "classifier")
        let drawn = (0..<3).map { _ in DrawnTree.random(&random, depth: 4, features: 2, targets: 3) }
        let rows = (0..<20).map { _ in (0..<2).map { _ in Double(random.below(7) - 3) / 2 } }
        let x = HostTensor(.float32(20, 2), doubles: rows.flatMap { $0 })
        var attributes = WrittenTrees(drawn).attributes("class")
        attributes["classlabels_strings"] = .strings(["a", "b", "c"])

        let found = try ModelCall("TreeEnsembleClassifier", [x], attributes).run()

        let scores = rows.map { row in
            (0..<3).map { target in
                drawn.flatMap { $0.votes(for: row) }.filter { $0.target == target }.reduce(0) {
                    $0 + $1.weight
                }
            }
        }
        let labels = scores.map { row in
            ["a", "b", "c"][row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }]
        }
        expectEqual(
            found,
            [
                HostTensor(TensorType(.string, [20]), strings: labels),
                HostTensor(.float32(20, 3), doubles: scores.flatMap { $0 }),
            ])
    }

    private func error(_ changes: [String: Attribute]) -> GraphError? {
        let own: [String: Attribute] = [
            "target_treeids": .ints([0, 0]), "target_nodeids": .ints([1, 2]), "target_ids": .ints([0, 0]),
            "target_weights": .floats([1, 2]), "n_targets": .int(1),
        ]
        let attributes = MachineLearningOperatorTests.stump().merging(own) { $1 }.merging(changes) { $1 }
        return #expect(throws: GraphError.self) {
            try ModelCall("TreeEnsembleRegressor", [HostTensor(zeros: .float32(1, 1))], attributes).run()
        }
    }

    @Test func `malformed trees are refused`() {
        #expect(error(["nodes_truenodeids": .ints([0, 0, 0])])?.summary.contains("circle") == true)
        #expect(error(["nodes_falsenodeids": .ints([3, 0, 0])])?.summary.contains("no node 3") == true)
        #expect(error(["nodes_values": .floats([1])])?.summary.contains("1 entries") == true)
        #expect(error(["nodes_nodeids": .ints([0, 1, 1])])?.summary.contains("two nodes 1") == true)
        #expect(error(["nodes_featureids": .ints([1, 0, 0])])?.summary.contains("2 features") == true)
        #expect(error(["nodes_featureids": .ints([-1, 0, 0])])?.summary.contains("feature -1") == true)
        #expect(error(["nodes_featureids": .ints([.max, 0, 0])])?.summary.contains("feature") == true)
        #expect(
            error(["nodes_modes": .strings(["BRANCH_SO", "LEAF", "LEAF"])])?.summary.contains("SO") == true)
        #expect(error(["target_ids": .ints([0, 1])])?.summary.contains("votes for 1") == true)
        #expect(error(["target_ids": .ints([0, -1])])?.summary.contains("votes for -1") == true)
        #expect(error(["target_nodeids": .ints([1, 7])])?.summary.contains("no node 7") == true)
        #expect(error(["target_weights": .floats([1])])?.summary.contains("target_weights") == true)
        #expect(error(["n_targets": .int(0)]) != nil)
        #expect(error(["n_targets": .int(.max)]) != nil)
        #expect(error(["base_values": .floats([1, 2])])?.summary.contains("base values") == true)
    }

    @Test func `a long chain of branches and a long circle end without deep recursion`() throws {
        let count = 200_000
        func branches(last: DecisionForest.Target) -> [DecisionForest.Branch] {
            (0..<count).map { place in
                DecisionForest.Branch(
                    .below, feature: 0, ifTrue: .leaf(0),
                    ifFalse: place + 1 < count ? .branch(place + 1) : last)
            }
        }
        let leaf = [DecisionForest.Vote(target: 0, weight: 1)]

        let chain = try DecisionForest(
            roots: [.branch(0)], branches: branches(last: .leaf(1)), leaves: [[], leaf], targets: 1)

        #expect(chain.values(of: [5], targets: 1, .sum) == [1])
        #expect(throws: GraphError.self) {
            try DecisionForest(
                roots: [.branch(0)], branches: branches(last: .branch(0)), leaves: [[], leaf], targets: 1)
        }
    }
}
