/// ONNX's general matrix product `alpha * A' * B' + beta * C` on matrices.
///
/// A' is A, or its transpose with `transA`; C is optional and broadcasts to the result. A NaN reaches every sum
/// it is part of, also where alpha or beta is 0.
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
        try requireFloating(inputs)
        try requireRank(inputs[0], 2, "A")
        try requireRank(inputs[1], 2, "B")
        let extents = MatMulExtents(product, inputs[0].shape, inputs[1].shape)
        try require(
            extents.terms == extents.rightTerms,
            "\(inputs[0].shape) times \(inputs[1].shape) does not fit: A has \(extents.terms) columns, "
                + "B \(extents.rightTerms) rows")
        let shape: Shape = [extents.rows, extents.columns]
        if inputs.count == 3 {
            try require(
                inputs[2].shape.broadcast(with: shape) == shape,
                "C of the shape \(inputs[2].shape) does not broadcast to the result \(shape)")
        }
        return [TensorType(inputs[0].element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
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
