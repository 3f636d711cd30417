/// The class that decision trees give the largest sum of votes, and the sums after a transform.
///
/// Where two classes have votes only for the first, their sum s is the score of the second, and the first has -s, or
/// 1 - s where s is a probability: with no transform and no negative weight, and before PROBIT.
package struct TreeEnsembleClassifier: Operator {
    package static let name = "TreeEnsembleClassifier"
    package var forest: DecisionForest
    package var classes: ClassLabels
    /// Added to each score: one each, or for two classes with votes for one also only one, or none.
    package var base: [Double]
    package var transform: ScoreTransform

    package init(
        _ forest: DecisionForest, classes: ClassLabels, base: [Double] = [], transform: ScoreTransform = .none
    ) {
        self.forest = forest
        self.classes = classes
        self.base = base
        self.transform = transform
    }

    private var votesForOne: Bool {
        classes.count == 2 && forest.leaves.allSatisfy { $0.allSatisfy { $0.target == 0 } }
    }
    private var isProbability: Bool {
        transform == .probit
            || (transform == .none && forest.leaves.allSatisfy { $0.allSatisfy { $0.weight >= 0 } })
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        let rows = try requireFeatureRows(inputs)
        try require(
            forest.featureCount <= rows.features,
            "the trees look at \(forest.featureCount) features, and \(inputs[0]) has \(rows.features)")
        try require(classes.count > 0, "there is at least one class")
        try require(
            base.isEmpty || base.count == classes.count || (base.count == 1 && votesForOne),
            "there are \(classes.count) classes and \(base.count) base values")
        return try Classification.outputTypes(rows: rows.count, columns: classes.count)
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let (votesForOne, isProbability) = (votesForOne, isProbability)
        var result = Classification(columns: classes.count)
        for example in inputs[0].featureRows() {
            var scores = forest.values(of: example, targets: classes.count, .sum)
            for place in base.indices { scores[place] += base[place] }
            if votesForOne {
                scores = [isProbability ? 1 - scores[0] : -scores[0], scores[0]]
            }
            result.add(scores, transform, classes)
        }
        return result.tensors
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .accumulated(terms: forest.roots.count) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(outputs[0].shape.count, forest.roots.count)
    }
}

extension TreeEnsembleClassifier: ModelOperator {
    package static let schema = OperatorSchema(
        "TreeEnsembleClassifier", domain: .machineLearning, "The class that decision trees vote for.",
        inputs: [.required("X", .features, "[N, F]")],
        outputs: [
            .required("Y", [.int64, .string], "[N]: the label of each example"),
            .required("Z", .float32, "[N, E]: the score of each class"),
        ],
        attributes: OperatorSchema.AttributeParameter.treesByNodes(votes: "class", of: "class") + [
            .ints("classlabels_int64s", nil, "the labels, where they are integers"),
            .strings("classlabels_strings", nil, "the labels, where they are strings"),
            ScoreTransform.attribute,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard classes.isWritable, var attributes = forest.attributesByNodes(votes: "class", base: base) else {
            return nil
        }
        attributes["classlabels_int64s"] = .ints(classes.labels.map(Int.init))
        attributes["post_transform"] = .string(transform.rawValue)
        return WrittenCall(Self.schema, since: 3, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let named = try call.classLabels(integers: "classlabels_int64s", strings: "classlabels_strings")
        guard let named else { throw call.error("there are no class labels") }
        let forest = try call.treesByNodes(votes: "class", targets: named.classes.count)
        let classifier = TreeEnsembleClassifier(
            forest, classes: named.classes, base: try call.optionalNumbers("base_values") ?? [],
            transform: try call.scoreTransform())
        let outputs = try graph.addNode(classifier, [call.input(0)])
        return try call.classification(outputs, strings: named.strings, in: &graph)
    }
}
