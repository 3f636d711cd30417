/// Weighted sums of each example's features, one for each target.
package struct LinearRegressor: Operator {
    package static let name = "LinearRegressor"
    /// The weights of one target behind those of another.
    package var coefficients: [Double]
    /// One for each target, or none.
    package var intercepts: [Double]
    package var targets: Int
    package var transform: ScoreTransform

    package init(
        coefficients: [Double], intercepts: [Double] = [], targets: Int = 1, transform: ScoreTransform = .none
    ) {
        self.coefficients = coefficients
        self.intercepts = intercepts
        self.targets = targets
        self.transform = transform
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        let rows = try requireFeatureRows(inputs)
        try require(targets > 0, "there is at least one target, not \(targets)")
        try requireVectors(coefficients, count: targets, features: rows.features, "the coefficients")
        try require(
            intercepts.isEmpty || intercepts.count == targets,
            "there are \(targets) targets and \(intercepts.count) intercepts")
        return [TensorType(.float32, try Shape(checking: [rows.count, targets]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = inputs[0].featureRows().flatMap { example in
            transform.apply(to: linearScores(example, coefficients, intercepts, count: targets))
        }
        return [HostTensor(knownOutputTypes(inputs)[0], doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.last ?? 1)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, inputs[0].shape.count, targets)
    }
}

/// `count` weighted sums of an example's features; the weights lie behind each other.
func linearScores(
    _ example: ArraySlice<Double>, _ coefficients: [Double], _ intercepts: [Double], count: Int
) -> [Double] {
    (0..<count).map { target in
        let weights = coefficients[target * example.count..<(target + 1) * example.count]
        return dot(example, weights) + (intercepts.isEmpty ? 0 : intercepts[target])
    }
}

extension LinearRegressor: ModelOperator {
    package static let schema = OperatorSchema(
        "LinearRegressor", domain: .machineLearning, "Weighted sums of each example's features.",
        inputs: [.required("X", .features, "[N, F], or [F] for one example")],
        outputs: [.required("Y", .float32, "[N, targets]")],
        attributes: [
            .floats("coefficients", nil, "F weights for each target, one target behind the other"),
            .floats("intercepts", nil, "added to each target: one each, or none"),
            .int("targets", 1, "at least 1"), ScoreTransform.attribute,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema,
            [
                "coefficients": .floats(coefficients), "intercepts": .floats(intercepts),
                "targets": .int(targets), "post_transform": .string(transform.rawValue),
            ], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let regressor = LinearRegressor(
            coefficients: try call.floats("coefficients"),
            intercepts: try call.optionalFloats("intercepts") ?? [], targets: try call.int("targets"),
            transform: try call.scoreTransform())
        return [.tensor(try graph.add(regressor, [call.input(0)]))]
    }
}
