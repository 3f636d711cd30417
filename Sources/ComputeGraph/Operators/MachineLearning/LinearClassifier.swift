/// The class with the largest weighted sum of an example's features, and all these sums after a transform.
///
/// One sum s with two classes stands for the scores -s and s, as in ONNX's own reference. One sum with one class
/// or none decides at 0.
package struct LinearClassifier: Operator {
    package static let name = "LinearClassifier"
    /// The weights of one score behind those of another.
    package var coefficients: [Double]
    /// One for each score, or none.
    package var intercepts: [Double]
    /// nil where the labels are the places of the scores.
    package var classes: ClassLabels?
    package var transform: ScoreTransform

    package init(
        coefficients: [Double], intercepts: [Double] = [], classes: ClassLabels? = nil,
        transform: ScoreTransform = .none
    ) {
        self.coefficients = coefficients
        self.intercepts = intercepts
        self.classes = classes
        self.transform = transform
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        let rows = try requireFeatureRows(inputs)
        try require(
            rows.features > 0 && !coefficients.isEmpty && coefficients.count % rows.features == 0,
            "\(coefficients.count) coefficients do not divide into \(rows.features) features")
        let sums = coefficients.count / rows.features
        try require(
            intercepts.isEmpty || intercepts.count == sums,
            "there are \(sums) scores and \(intercepts.count) intercepts")
        let count = classes?.count ?? sums
        try require(
            count == sums || (sums == 1 && count == 2), "there are \(sums) scores and \(count) classes")
        return try Classification.outputTypes(rows: rows.count, columns: count)
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let columns = knownOutputTypes(inputs)[1].shape[1]
        let labels = classes ?? ClassLabels(labels: columns == 1 ? [1] : (0..<Int64(columns)).map { $0 })
        var result = Classification(columns: columns)
        for example in inputs[0].featureRows() {
            let sums = linearScores(
                example, coefficients, intercepts, count: coefficients.count / example.count)
            result.add(sums.count < columns ? [-sums[0], sums[0]] : sums, transform, labels)
        }
        return result.tensors
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.last ?? 1)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, outputs[0].shape.count, coefficients.count)
    }
}

extension LinearClassifier: ModelOperator {
    package static let schema = OperatorSchema(
        "LinearClassifier", domain: .machineLearning, "The class with the largest weighted sum of features.",
        inputs: [.required("X", .features, "[N, F], or [F] for one example")],
        outputs: [
            .required("Y", [.int64, .string], "[N]: the label of each example"),
            .required("Z", .float32, "[N, E]: the score of each class; one sum s for two classes is -s, s"),
        ],
        attributes: [
            .floats("coefficients", nil, "F weights for each score, one score behind the other").required,
            .floats("intercepts", nil, "added to each score: one each, or none"),
            .ints("classlabels_ints", nil, "the labels, where they are integers"),
            .strings("classlabels_strings", nil, "the labels, where they are strings"),
            .int("multi_class", 0, "how the model was trained; changes nothing"), ScoreTransform.attribute,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard classes?.isWritable ?? true else { return nil }
        var attributes: [String: Attribute] = [
            "coefficients": .floats(coefficients), "intercepts": .floats(intercepts),
            "post_transform": .string(transform.rawValue),
        ]
        if let classes { attributes["classlabels_ints"] = .ints(classes.labels.map(Int.init)) }
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let named = try call.classLabels(integers: "classlabels_ints", strings: "classlabels_strings")
        let classifier = LinearClassifier(
            coefficients: try call.floats("coefficients"),
            intercepts: try call.optionalFloats("intercepts") ?? [], classes: named?.classes,
            transform: try call.scoreTransform())
        let outputs = try graph.addNode(classifier, [call.input(0)])
        return try call.classification(outputs, strings: named?.strings, in: &graph)
    }
}
