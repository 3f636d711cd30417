/// What the leaves of decision trees that an example reaches say about each target.
///
/// A NaN goes the way that its branch says, whatever the comparison; in ONNX Runtime `NEQ` is true for it. A target
/// that no leaf votes for has 0 before the base is added.
package struct TreeEnsemble: Operator {
    package static let name = "TreeEnsemble"
    package var forest: DecisionForest
    package var targets: Int
    package var aggregate: DecisionForest.Aggregate
    /// Added to each target: one each, or none.
    package var base: [Double]
    package var transform: ScoreTransform
    /// The type of the output.
    package var element: ElementType

    package init(
        _ forest: DecisionForest, targets: Int, aggregate: DecisionForest.Aggregate = .sum,
        base: [Double] = [], transform: ScoreTransform = .none, element: ElementType = .float32
    ) {
        self.forest = forest
        self.targets = targets
        self.aggregate = aggregate
        self.base = base
        self.transform = transform
        self.element = element
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        let rows = try requireFeatureRows(inputs)
        try require(
            forest.featureCount <= rows.features,
            "the trees look at \(forest.featureCount) features, and \(inputs[0]) has \(rows.features)")
        try require(targets > 0, "there is at least one target, not \(targets)")
        try require(
            base.isEmpty || base.count == targets,
            "there are \(targets) targets and \(base.count) base values")
        return [TensorType(element, try Shape(checking: [rows.count, targets]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = inputs[0].featureRows().flatMap { example in
            var scores = forest.values(of: example, targets: targets, aggregate)
            if !base.isEmpty { scores = zip(scores, base).map(+) }
            return transform.apply(to: scores)
        }
        return [HostTensor(knownOutputTypes(inputs)[0], doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .accumulated(terms: forest.roots.count) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(outputs[0].shape.count, forest.roots.count)
    }
}

extension TreeEnsemble: ModelOperator {
    package static let schema = OperatorSchema(
        "TreeEnsemble", domain: .machineLearning, since: 5,
        "The sum over decision trees of the leaves reached.",
        inputs: [.required("X", [.float32, TypeSet(.float64), TypeSet(.float16)], "[N, F]")],
        outputs: [
            .required("Y", [.float32, TypeSet(.float64), TypeSet(.float16)], "[N, n_targets], of X's type")
        ],
        attributes: [
            .ints("tree_roots", nil, "the first branch of each tree").required,
            .tensor("nodes_modes", "uint8: 0 LEQ, 1 LT, 2 GTE, 3 GT, 4 EQ, 5 NEQ, 6 MEMBER").required,
            .ints("nodes_featureids", nil, "the feature that each branch looks at, below F").required,
            .tensor("nodes_splits", "the threshold of each branch").required,
            .ints("nodes_truenodeids", nil, "where each branch goes on when it is true").required,
            .ints("nodes_falsenodeids", nil, "where each branch goes on when it is false").required,
            .ints("nodes_trueleafs", nil, "whether that is a leaf").required,
            .ints("nodes_falseleafs", nil, "whether that is a leaf").required,
            .ints("nodes_missing_value_tracks_true", nil, "whether NaN counts as true; else false"),
            .tensor("nodes_hitrates", "ignored"),
            .tensor("membership_values", "the members of each MEMBER branch, closed by a NaN each"),
            .ints("leaf_targetids", nil, "the target of each leaf, below n_targets").required,
            .tensor("leaf_weights", "the weight of each leaf").required,
            .int("n_targets", 1, "at least 1"),
            .int("aggregate_function", 1, "0 AVERAGE over trees, 1 SUM, 2 MIN, 3 MAX"),
            .int("post_transform", 0, "0 NONE, 1 SOFTMAX, 2 LOGISTIC, 3 SOFTMAX_ZERO, 4 PROBIT"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        if base.isEmpty, inputs[0].element == element,
            var attributes = forest.attributesByBranches(as: element)
        {
            attributes["n_targets"] = .int(targets)
            attributes["aggregate_function"] = .int(
                DecisionForest.Aggregate.allCases.firstIndex(of: aggregate) ?? 1)
            attributes["post_transform"] = .int(ScoreTransform.numbered.firstIndex(of: transform) ?? 0)
            return WrittenCall(Self.schema, attributes, operands: inputs)
        }
        guard element == .float32, var attributes = forest.attributesByNodes(votes: "target", base: base)
        else {
            return nil
        }
        attributes["n_targets"] = .int(targets)
        attributes["aggregate_function"] = .string(aggregate.rawValue)
        attributes["post_transform"] = .string(transform.rawValue)
        return WrittenCall(TreeEnsembleRegressor.schema, since: 3, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let aggregate = try call.int("aggregate_function")
        let all = DecisionForest.Aggregate.allCases
        try call.require(all.indices.contains(aggregate), "aggregate_function is 0 to 3, not \(aggregate)")
        let targets = try call.int("n_targets")
        let ensemble = TreeEnsemble(
            try call.treesByBranches(targets: targets), targets: targets, aggregate: all[aggregate],
            transform: try call.scoreTransform(), element: graph.type(of: input).element)
        return [.tensor(try graph.add(ensemble, [input]))]
    }
}
