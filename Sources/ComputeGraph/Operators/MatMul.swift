/// The matrix product over the two last axes; the axes before them broadcast.
///
/// With an attribute set, that operand's two last axes are swapped first, as in ONNX Runtime's `FusedMatMul`;
/// with none it is ONNX's `MatMul`. Vectors are reshaped to matrices by the caller. A NaN reaches every sum it
/// is part of.
package struct MatMul: Operator {
    package static let name = "MatMul"
    package var transposesLeft: Bool
    package var transposesRight: Bool

    package init(transposesLeft: Bool = false, transposesRight: Bool = false) {
        self.transposesLeft = transposesLeft
        self.transposesRight = transposesRight
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireFloating(inputs)
        for input in inputs {
            try require(
                input.shape.rank >= 2, "operands have at least two axes, not the shape \(input.shape)")
        }
        let extents = MatMulExtents(self, inputs[0].shape, inputs[1].shape)
        try require(
            extents.terms == extents.rightTerms,
            "\(inputs[0].shape) times \(inputs[1].shape) does not fit: the left has \(extents.terms) columns, "
                + "the right \(extents.rightTerms) rows")
        guard let batch = extents.leftBatch.broadcast(with: extents.rightBatch) else {
            throw mismatch("the leading axes of \(inputs[0].shape) and \(inputs[1].shape) do not broadcast")
        }
        return [TensorType(element, Shape(batch.extents + [extents.rows, extents.columns]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let extents = MatMulExtents(self, inputs[0].type.shape, inputs[1].type.shape)
        let batch = Shape(Array(type.shape.extents.dropLast(2)))
        let leftMatrices = broadcastIndices(of: extents.leftBatch, in: batch)
        let rightMatrices = broadcastIndices(of: extents.rightBatch, in: batch)
        let left = inputs[0].doubles
        let right = inputs[1].doubles
        var result = [Double](repeating: 0, count: type.shape.count)
        for matrix in 0..<batch.count {
            multiply(
                extents, left, leftMatrices[matrix] * extents.rows * extents.terms,
                right, rightMatrices[matrix] * extents.terms * extents.columns,
                into: &result, matrix * extents.rows * extents.columns)
        }
        return [HostTensor(type, doubles: result)]
    }

    private func multiply(
        _ extents: MatMulExtents, _ left: [Double], _ leftBase: Int, _ right: [Double], _ rightBase: Int,
        into result: inout [Double], _ resultBase: Int
    ) {
        let (rows, columns, terms) = (extents.rows, extents.columns, extents.terms)
        for row in 0..<rows {
            let target = resultBase + row * columns
            for term in 0..<terms {
                let factor = left[leftBase + (transposesLeft ? term * rows + row : row * terms + term)]
                let (first, step) = transposesRight ? (term, terms) : (term * columns, 1)
                for column in 0..<columns {
                    result[target + column] += factor * right[rightBase + first + column * step]
                }
            }
        }
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (left, right) = (node.inputs[0], node.inputs[1])
        let byLeft =
            transposesLeft
            ? try builder.add(
                MatMul(transposesLeft: transposesRight, transposesRight: true), [right, gradient])
            : try builder.add(MatMul(transposesRight: !transposesRight), [gradient, right])
        return [
            try builder.reduced(byLeft, toShapeOf: left),
            try gradientByRight(gradient, left, right, in: &builder),
        ]
    }

    private func gradientByRight(
        _ gradient: ValueID, _ left: ValueID, _ right: ValueID, in builder: inout GraphBuilder
    ) throws(GraphError) -> ValueID {
        var (gradient, left) = (gradient, left)
        if builder.type(of: right).shape.rank == 2, builder.type(of: left).shape.rank > 2, !transposesLeft {
            // One tall product instead of a product per matrix of the batch and a sum over them.
            left = try builder.asMatrix(left)
            gradient = try builder.asMatrix(gradient)
        }
        let byRight =
            transposesRight
            ? try builder.add(
                MatMul(transposesLeft: true, transposesRight: transposesLeft), [gradient, left])
            : try builder.add(MatMul(transposesLeft: !transposesLeft), [left, gradient])
        return try builder.reduced(byRight, toShapeOf: right)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: MatMulExtents(self, inputs[0].shape, inputs[1].shape).terms)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        2 * outputs[0].shape.count * MatMulExtents(self, inputs[0].shape, inputs[1].shape).terms
    }
}

/// The sizes of a matrix product: `rows x terms` times `terms x columns`, and the batches of both operands.
package struct MatMulExtents: Sendable {
    package let rows: Int
    package let columns: Int
    package let terms: Int
    let rightTerms: Int
    package let leftBatch: Shape
    package let rightBatch: Shape

    /// Both shapes have at least two axes.
    package init(_ product: MatMul, _ left: Shape, _ right: Shape) {
        let (l, r) = (left.extents, right.extents)
        rows = l[l.count - (product.transposesLeft ? 1 : 2)]
        terms = l[l.count - (product.transposesLeft ? 2 : 1)]
        rightTerms = r[r.count - (product.transposesRight ? 1 : 2)]
        columns = r[r.count - (product.transposesRight ? 2 : 1)]
        leftBatch = Shape(Array(l.dropLast(2)))
        rightBatch = Shape(Array(r.dropLast(2)))
    }
}
