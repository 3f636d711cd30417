/// Decision trees, flat: branches that point to branches or leaves, and what each leaf votes for.
///
/// It holds no cycle and no pointer to outside itself, so that every walk ends at a leaf.
package struct DecisionForest: Hashable, Sendable {
    /// How a feature is compared with a branch's threshold; the raw values are those of ONNX's `TreeEnsemble`.
    package enum Comparison: Int, Hashable, Sendable, CaseIterable {
        case atMost, below, atLeast, above, equal, notEqual, member
    }

    /// Where a walk goes on, or ends.
    package enum Target: Hashable, Sendable {
        case branch(Int)
        case leaf(Int)
    }

    package struct Branch: Hashable, Sendable {
        package var comparison: Comparison
        package var feature: Int
        package var threshold: Double
        /// The values that `member` looks for.
        package var members: Set<Double>
        /// Which way a NaN goes.
        package var missingIsTrue: Bool
        package var ifTrue: Target
        package var ifFalse: Target

        package init(
            _ comparison: Comparison, feature: Int, threshold: Double = 0, members: Set<Double> = [],
            missingIsTrue: Bool = false, ifTrue: Target, ifFalse: Target
        ) {
            self.comparison = comparison
            self.feature = feature
            self.threshold = threshold
            self.members = members
            self.missingIsTrue = missingIsTrue
            self.ifTrue = ifTrue
            self.ifFalse = ifFalse
        }

        func next(_ x: Double) -> Target {
            let holds =
                switch comparison {
                case _ where x.isNaN: missingIsTrue
                case .atMost: x <= threshold
                case .below: x < threshold
                case .atLeast: x >= threshold
                case .above: x > threshold
                case .equal: x == threshold
                case .notEqual: x != threshold
                case .member: members.contains(x)
                }
            return holds ? ifTrue : ifFalse
        }
    }

    /// What a leaf adds to one class or target.
    package struct Vote: Hashable, Sendable {
        package var target: Int
        package var weight: Double

        package init(target: Int, weight: Double) {
            self.target = target
            self.weight = weight
        }
    }

    package let roots: [Target]
    package let branches: [Branch]
    package let leaves: [[Vote]]
    /// The features that an example needs at least.
    package let featureCount: Int

    /// A forest of numbers that nobody has checked.
    package init(
        roots: [Target], branches: [Branch], leaves: [[Vote]], targets: Int
    ) throws(GraphError) {
        for root in roots { try DecisionForest.check(root, branches.count, leaves.count) }
        for branch in branches {
            try DecisionForest.check(branch.ifTrue, branches.count, leaves.count)
            try DecisionForest.check(branch.ifFalse, branches.count, leaves.count)
            guard branch.feature >= 0, branch.feature < Shape.maximalCount else {
                throw .failed("A tree asks for the feature \(branch.feature).")
            }
        }
        for vote in leaves.joined() where vote.target < 0 || vote.target >= targets {
            throw .failed("A leaf votes for \(vote.target), and there are \(targets) to vote for.")
        }
        guard DecisionForest.isWithoutCycle(branches) else {
            throw .failed("The branches of a tree go round in a circle.")
        }
        self.roots = roots
        self.branches = branches
        self.leaves = leaves
        featureCount = (branches.map(\.feature).max() ?? -1) + 1
    }

    private static func check(_ target: Target, _ branches: Int, _ leaves: Int) throws(GraphError) {
        switch target {
        case .branch(let place) where place < 0 || place >= branches:
            throw .failed("A tree points to the branch \(place), and there are \(branches).")
        case .leaf(let place) where place < 0 || place >= leaves:
            throw .failed("A tree points to the leaf \(place), and there are \(leaves).")
        default: break
        }
    }

    /// Takes away, again and again, the branches that no other points to: in the end none is left.
    private static func isWithoutCycle(_ branches: [Branch]) -> Bool {
        var pointers = [Int](repeating: 0, count: branches.count)
        for branch in branches {
            for child in branch.children { pointers[child] += 1 }
        }
        var free = branches.indices.filter { pointers[$0] == 0 }
        var taken = 0
        while let place = free.popLast() {
            taken += 1
            for child in branches[place].children {
                pointers[child] -= 1
                if pointers[child] == 0 { free.append(child) }
            }
        }
        return taken == branches.count
    }

    /// The leaf that an example reaches in one tree.
    package func leaf(_ root: Target, of example: ArraySlice<Double>) -> Int {
        var place = root
        while true {
            switch place {
            case .leaf(let leaf): return leaf
            case .branch(let index):
                let branch = branches[index]
                place = branch.next(example[example.startIndex + branch.feature])
            }
        }
    }

    /// How the votes for one target become one value.
    package enum Aggregate: String, Hashable, Sendable, CaseIterable {
        case average = "AVERAGE"
        case sum = "SUM"
        case minimum = "MIN"
        case maximum = "MAX"
    }

    /// The value of each target for one example; 0 where no leaf votes for it.
    package func values(of example: ArraySlice<Double>, targets: Int, _ aggregate: Aggregate) -> [Double] {
        var values = [Double](repeating: 0, count: targets)
        var hasVote = [Bool](repeating: false, count: targets)
        for root in roots {
            for vote in leaves[leaf(root, of: example)] {
                let (old, isFirst) = (values[vote.target], !hasVote[vote.target])
                switch aggregate {
                case .sum, .average: values[vote.target] = old + vote.weight
                case .minimum: values[vote.target] = isFirst ? vote.weight : min(old, vote.weight)
                case .maximum: values[vote.target] = isFirst ? vote.weight : max(old, vote.weight)
                }
                hasVote[vote.target] = true
            }
        }
        guard aggregate == .average else { return values }
        return values.map { $0 / Double(max(roots.count, 1)) }
    }
}

extension DecisionForest.Branch {
    fileprivate var children: [Int] {
        [ifTrue, ifFalse].compactMap { target in
            if case .branch(let place) = target { place } else { nil }
        }
    }
}
