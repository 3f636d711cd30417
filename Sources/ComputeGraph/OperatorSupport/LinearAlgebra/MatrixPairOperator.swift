/// An operator that makes a matrix from each pair of matrices A `[..., m, n]` and B `[..., m, k]`.
///
/// The axes before the two last broadcast. A pair that holds NaN or an infinity gives NaN.
package protocol MatrixPairOperator: Operator {
    /// The rows of the result for the extents of A.
    func resultRows(rows: Int, columns: Int) throws(GraphError) -> Int
}

/// What a `MatrixPairOperator` of this module computes.
protocol MatrixPairReference: MatrixPairOperator {
    func values(_ a: Matrix, _ b: Matrix, element: ElementType) -> Matrix
}

/// The pairs of two inputs: their shapes, and where each pair begins.
package struct MatrixPairs: Sendable {
    package let rows: Int
    package let columns: Int
    package let rightColumns: Int
    package let batch: Shape
    /// The matrix of A and of B in each pair.
    package let left: [Int]
    package let right: [Int]

    /// Shapes of two axes or more whose leading axes broadcast to `batch`.
    package init(_ a: Shape, _ b: Shape, batch: Shape) {
        (rows, columns) = (a[a.rank - 2], a[a.rank - 1])
        rightColumns = b[b.rank - 1]
        self.batch = batch
        left = broadcastIndices(of: Shape(Array(a.extents.dropLast(2))), in: batch)
        right = broadcastIndices(of: Shape(Array(b.extents.dropLast(2))), in: batch)
    }
}

extension MatrixPairOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireFloating(inputs)
        let (batch, rows, columns) = try requireMatrices(inputs[0])
        let (rightBatch, rightRows, rightColumns) = try requireMatrices(inputs[1])
        try require(rows == rightRows, "A has \(rows) rows and B \(rightRows)")
        guard let common = batch.broadcast(with: rightBatch) else {
            throw mismatch("the leading axes of \(inputs[0].shape) and \(inputs[1].shape) do not broadcast")
        }
        let resultRows = try resultRows(rows: rows, columns: columns)
        return [TensorType(element, try Shape(checking: common.extents + [resultRows, rightColumns]))]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .decomposition(inputs[0].shape) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        let shape = inputs[0].shape
        let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
        return operationCount(2, outputs[0].shape.count, rows)
            + operationCount(2, shape.matrixCount, rows, columns, min(rows, columns))
    }
}

extension MatrixPairReference {
    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let pairs = MatrixPairs(
            inputs[0].type.shape, inputs[1].type.shape, batch: Shape(Array(type.shape.extents.dropLast(2))))
        let (left, right) = (inputs[0].doubles, inputs[1].doubles)
        let (leftSize, rightSize) = (pairs.rows * pairs.columns, pairs.rows * pairs.rightColumns)
        var result: [Double] = []
        for pair in 0..<pairs.batch.count {
            let (a, b) = (pairs.left[pair] * leftSize, pairs.right[pair] * rightSize)
            let matrix = Matrix(pairs.rows, pairs.columns, Array(left[a..<a + leftSize]))
            let sides = Matrix(pairs.rows, pairs.rightColumns, Array(right[b..<b + rightSize]))
            result +=
                matrix.isFinite && sides.isFinite
                ? values(matrix, sides, element: type.element).elements
                : [Double](repeating: .nan, count: type.shape.count / pairs.batch.count)
        }
        return [HostTensor(type, doubles: result)]
    }
}

extension OperatorCall {
    /// The node of a pair of matrices; a second input of one axis is one column.
    func solution(_ used: some MatrixPairOperator, in graph: inout GraphBuilder) throws -> ValueID {
        let (a, b) = (try input(0), try input(1))
        let shape = graph.type(of: b).shape
        guard shape.rank == 1 else { return try graph.add(used, [a, b]) }
        let column = try graph.add(Reshape([shape[0], 1], allowsZero: true), [b])
        let result = try graph.add(used, [a, column])
        let extents = Array(graph.type(of: result).shape.extents.dropLast())
        return try graph.add(Reshape(extents, allowsZero: true), [result])
    }
}
