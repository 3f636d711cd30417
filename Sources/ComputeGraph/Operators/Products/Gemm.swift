/// ONNX's general matrix product `alpha * A' * B' + beta * C` on matrices.
///
/// A' is A, or its transpose with `transA`; C is optional and broadcasts to the result. A NaN reaches every sum
/// it is part of, also where alpha or beta is 0. Integers are computed exactly and wrap around if alpha and beta
/// are whole numbers.
package struct Gemm: Operator {
    package static let name = "Gemm"
    package var alpha: Float
    package var beta: Float
    package var transA: Bool
    package var transB: Bool

    package init(alpha: Float = 1, beta: Float = 1, transA: Bool = false, transB: Bool = false) {
        self.alpha = alpha
        self.beta = beta
        self.transA = transA
        self.transB = transB
    }

    /// The plain product inside.
    package var product: MatMul { MatMul(transposesLeft: transA, transposesRight: transB) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        try requireCommon([.numbers, .smallFloats], inputs)
        try requireRank(inputs[0], 2, "A")
        try requireRank(inputs[1], 2, "B")
        let extents = MatMulExtents(product, inputs[0].shape, inputs[1].shape)
        try require(
            extents.terms == extents.rightTerms,
            "\(inputs[0].shape) times \(inputs[1].shape) does not fit: A has \(extents.terms) columns, "
                + "B \(extents.rightTerms) rows")
        let shape = try Shape(checking: [extents.rows, extents.columns])
        if inputs.count == 3 {
            try require(
                inputs[2].shape.broadcast(with: shape) == shape,
                "C of the shape \(inputs[2].shape) does not broadcast to the result \(shape)")
        }
        return [TensorType(inputs[0].element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        if !type.element.isFloating, let whole = wholeReference(inputs, as: type) { return [whole] }
        // The product in float64, so that the sum below rounds only once.
        var result = product.reference(inputs[..<2].map(\.widened))[0].doubles.map { $0 * Double(alpha) }
        if inputs.count == 3 {
            let added = inputs[2].doubles
            for (index, source) in broadcastIndices(of: inputs[2].type.shape, in: type.shape).enumerated() {
                result[index] += Double(beta) * added[source]
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    /// The result for integers, or nil where a factor is a fraction.
    private func wholeReference(_ inputs: [HostTensor], as type: TensorType) -> HostTensor? {
        guard let factor = Int64(exactly: alpha), let added = Int64(exactly: beta) else { return nil }
        let product = product.reference(Array(inputs[..<2]))[0]
        var result = product.wholes.map { $0 &* Int128(factor) }
        if inputs.count == 3 {
            let terms = inputs[2].wholes
            for (index, source) in broadcastIndices(of: inputs[2].type.shape, in: type.shape).enumerated() {
                result[index] &+= terms[source] &* Int128(added)
            }
        }
        return HostTensor(type, wrapping: result)
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let (a, b) = (node.inputs[0], node.inputs[1])
        let byA =
            transA
            ? try builder.add(Gemm(alpha: alpha, transA: transB, transB: true), [b, gradient])
            : try builder.add(Gemm(alpha: alpha, transB: !transB), [gradient, b])
        let byB =
            transB
            ? try builder.add(Gemm(alpha: alpha, transA: true, transB: transA), [gradient, a])
            : try builder.add(Gemm(alpha: alpha, transA: !transA), [a, gradient])
        guard node.inputs.count == 3 else { return [byA, byB] }
        let byC = try builder.reduced(gradient, toShapeOf: node.inputs[2])
        return [byA, byB, beta == 1 ? byC : try builder.scaled(byC, by: Double(beta))]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        product.exactness(for: Array(inputs[..<2]))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        product.floatingPointOperations(inputs: Array(inputs[..<2]), outputs: outputs)
            + (inputs.count == 3 ? outputs[0].shape.count : 0)
    }
}

extension Gemm: ModelOperator {
    package static let schema = OperatorSchema(
        "Gemm", "A matrix product, scaled, plus a scaled matrix.",
        inputs: [
            .required("A", .numbers, "a matrix"),
            .required("B", .numbers, "a matrix"),
            .optional("C", .numbers, "broadcasts to the product"),
        ],
        outputs: [.required("Y", .numbers, "alpha A B + beta C")],
        attributes: [
            .float("alpha", 1, "the factor of the product"),
            .float("beta", 1, "the factor of C"),
            .int("transA", 0, "whether rows and columns of A are swapped first"),
            .int("transB", 0, "whether rows and columns of B are swapped first"),
            .int("broadcast", 0, "before version 7: whether C may be smaller than the product; it may be"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let gemm = try Gemm(
            alpha: Float(call.float("alpha")), beta: Float(call.float("beta")), transA: call.flag("transA"),
            transB: call.flag("transB"))
        let added = try call.optional(2).map { [$0] } ?? []
        return [.tensor(try graph.add(gemm, [call.input(0), call.input(1)] + added))]
    }
}
