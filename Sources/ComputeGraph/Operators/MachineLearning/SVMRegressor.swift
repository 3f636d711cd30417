/// A weighted sum of the kernel's values between an example and the support vectors, or between 1 and -1.
package struct SVMRegressor: Operator {
    package static let name = "SVMRegressor"
    package var kernel: SupportVectorKernel
    /// One behind the other; with none, the coefficients are the weights of a linear model.
    package var vectors: [Double]
    package var vectorCount: Int
    package var coefficients: [Double]
    package var rho: Double
    /// Whether the output is only 1 for a positive sum and else -1: the sign of an inlier.
    package var isOneClass: Bool
    package var transform: ScoreTransform

    package init(
        _ kernel: SupportVectorKernel, vectors: [Double], vectorCount: Int, coefficients: [Double],
        rho: Double, isOneClass: Bool = false, transform: ScoreTransform = .none
    ) {
        self.kernel = kernel
        self.vectors = vectors
        self.vectorCount = vectorCount
        self.coefficients = coefficients
        self.rho = rho
        self.isOneClass = isOneClass
        self.transform = transform
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        let rows = try requireFeatureRows(inputs)
        try require(vectorCount >= 0, "there are \(vectorCount) support vectors")
        try requireVectors(vectors, count: vectorCount, features: rows.features, "the support vectors")
        let wanted = vectorCount > 0 ? vectorCount : rows.features
        try require(
            coefficients.count == wanted, "\(coefficients.count) coefficients are given, and not \(wanted)")
        return [.float32(rows.count, 1)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = inputs[0].featureRows().map { example in
            let score = rho + sum(example)
            return isOneClass ? (score > 0 ? 1 : -1) : transform.apply(to: [score])[0]
        }
        return [HostTensor(knownOutputTypes(inputs)[0], doubles: values)]
    }

    private func sum(_ example: ArraySlice<Double>) -> Double {
        guard vectorCount > 0 else { return dot(example, coefficients[...]) }
        return (0..<vectorCount).reduce(0) { sum, place in
            let vector = vectors[place * example.count..<(place + 1) * example.count]
            return sum + coefficients[place] * kernel.value(example, vector)
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: max(vectors.count, coefficients.count))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, outputs[0].shape.count, max(vectors.count, coefficients.count))
    }
}

extension SVMRegressor: ModelOperator {
    package static let schema = OperatorSchema(
        "SVMRegressor", domain: .machineLearning, "The value of a support vector machine.",
        inputs: [.required("X", .features, "[N, F], or [F] for one example")],
        outputs: [.required("Y", .float32, "[N, 1]")],
        attributes: OperatorSchema.AttributeParameter.supportVectorKernel + [
            .int("n_supports", 0, "the number of support vectors; 0 means a linear model"),
            .int("one_class", 0, "whether the output is only 1 for a positive value and else -1"),
            ScoreTransform.attribute,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes = kernel.attributes
        attributes["support_vectors"] = .floats(vectors)
        attributes["n_supports"] = .int(vectorCount)
        attributes["coefficients"] = .floats(coefficients)
        attributes["rho"] = .floats([rho])
        attributes["one_class"] = .flag(isOneClass)
        attributes["post_transform"] = .string(transform.rawValue)
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let count = try call.int("n_supports")
        let regressor = SVMRegressor(
            try call.supportVectorKernel(),
            vectors: count == 0 ? [] : try call.floats("support_vectors"), vectorCount: count,
            coefficients: try call.floats("coefficients"),
            rho: try call.optionalFloats("rho")?.first ?? 0, isOneClass: try call.flag("one_class"),
            transform: try call.scoreTransform())
        return [.tensor(try graph.add(regressor, [call.input(0)]))]
    }
}
