/// The matrix product over the two last axes; the axes before them broadcast.
///
/// With an attribute set, that operand's two last axes are swapped first, as in ONNX Runtime's `FusedMatMul`;
/// with none it is ONNX's `MatMul`. Vectors are reshaped to matrices by the caller. A NaN reaches every sum it
/// is part of; integers are computed exactly and wrap around.
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
        let element = try requireCommon([.numbers, .smallFloats, .smallIntegers], inputs)
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
        return [TensorType(element, try Shape(checking: batch.extents + [extents.rows, extents.columns]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let extents = MatMulExtents(self, inputs[0].type.shape, inputs[1].type.shape)
        let batch = Shape(Array(type.shape.extents.dropLast(2)))
        let leftMatrices = broadcastIndices(of: extents.leftBatch, in: batch)
        let rightMatrices = broadcastIndices(of: extents.rightBatch, in: batch)
        guard type.element.isFloating else {
            return [wholeProduct(inputs, extents, leftMatrices, rightMatrices, as: type)]
        }
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
        let rightRows =
            transposesRight
            ? right.transposedMatrix(from: rightBase, rows: columns, columns: terms)
            : Array(right[rightBase..<rightBase + terms * columns])
        for row in 0..<rows {
            for term in 0..<terms {
                let factor = left[leftBase + (transposesLeft ? term * rows + row : row * terms + term)]
                result.add(
                    factor, times: rightRows, from: term * columns, step: 1, count: columns,
                    at: resultBase + row * columns)
            }
        }
    }

    /// Wrapping around at 64 bits gives the low bits that every integer type wraps around to.
    private func wholeProduct(
        _ inputs: [HostTensor], _ extents: MatMulExtents, _ leftMatrices: [Int], _ rightMatrices: [Int],
        as type: TensorType
    ) -> HostTensor {
        let (left, right) = (inputs[0].lowBits, inputs[1].lowBits)
        let (rows, columns, terms) = (extents.rows, extents.columns, extents.terms)
        let (leftRow, leftTerm) = transposesLeft ? (1, rows) : (terms, 1)
        let (rightTerm, rightColumn) = transposesRight ? (1, terms) : (columns, 1)
        var result: [Int128] = []
        for (leftMatrix, rightMatrix) in zip(leftMatrices, rightMatrices) {
            for row in 0..<rows {
                for column in 0..<columns {
                    var sum: Int64 = 0
                    var l = leftMatrix * rows * terms + row * leftRow
                    var r = rightMatrix * terms * columns + column * rightColumn
                    for _ in 0..<terms {
                        sum &+= left[l] &* right[r]
                        l += leftTerm
                        r += rightTerm
                    }
                    result.append(Int128(sum))
                }
            }
        }
        return HostTensor(type, wrapping: result)
    }

    package static let hasGradient = true

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
        guard inputs[0].element.isFloating else { return .exact }
        return .accumulated(terms: MatMulExtents(self, inputs[0].shape, inputs[1].shape).terms)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(
            2, outputs[0].shape.count, MatMulExtents(self, inputs[0].shape, inputs[1].shape).terms)
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

extension HostTensor {
    /// The low 64 bits of integers.
    fileprivate var lowBits: [Int64] {
        type.element == .int64 ? integers : wholes.map { Int64(truncatingIfNeeded: $0) }
    }
}

extension MatMul: ModelOperator {
    package static let schema = OperatorSchema(
        "MatMul", "The matrix product over the two last axes.",
        inputs: [
            .required("A", .numbers, "a matrix, or matrices along more axes; one axis is a row"),
            .required("B", .numbers, "a matrix, or matrices along more axes; one axis is a column"),
        ],
        outputs: [.required("Y", .numbers, "the axes before the last two broadcast")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        transposesLeft || transposesRight ? nil : WrittenCall(Self.schema, operands: inputs)
    }

    package func expanded(
        _ inputs: [ValueID], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID]? {
        var operands = inputs
        for (place, isTransposed) in [transposesLeft, transposesRight].enumerated() where isTransposed {
            let rank = builder.type(of: operands[place]).shape.rank
            let permutation = Array(0..<rank - 2) + [rank - 1, rank - 2]
            operands[place] = try builder.add(Transpose(permutation), [operands[place]])
        }
        return [try builder.add(MatMul(), operands)]
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.matrixProduct(call.input(0), call.input(1), for: call))]
    }
}

extension GraphBuilder {
    /// The product as NumPy's `matmul` has it: an operand of one axis is a row on the left, a column on the right.
    ///
    /// `multiply` adds the node that multiplies matrices.
    mutating func matrixProduct(
        _ left: ValueID, _ right: ValueID, for call: OperatorCall,
        by multiply: (inout GraphBuilder, ValueID, ValueID) throws -> ValueID = {
            try $0.add(MatMul(), [$1, $2])
        }
    ) throws -> ValueID {
        let (l, r) = (type(of: left).shape, type(of: right).shape)
        try call.require(l.rank > 0 && r.rank > 0, "operands have at least one axis; here are \(l) and \(r)")
        let product = try multiply(
            &self,
            l.rank == 1 ? reshaped(left, to: [1, l[0]]) : left,
            r.rank == 1 ? reshaped(right, to: [r[0], 1]) : right)
        var extents = type(of: product).shape.extents
        if r.rank == 1 { extents.removeLast() }
        if l.rank == 1 { extents.remove(at: extents.count - (r.rank == 1 ? 1 : 2)) }
        return try reshaped(product, to: extents)
    }
}
