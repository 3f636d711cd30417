/// An operator that computes something of each matrix in the two last axes of its first input.
///
/// A matrix that holds NaN or an infinity gives NaN in all that is computed from it, and nothing else.
package protocol MatrixOperator: Operator {
    /// The element type, nil for the input's, and the shape of each output for one matrix.
    func outputs(rows: Int, columns: Int) throws(GraphError) -> [(element: ElementType?, extents: [Int])]

    /// The multiply-adds of one matrix, in orders of magnitude.
    func multiplications(rows: Int, columns: Int) -> Int

    /// The outputs for one matrix of finite elements.
    func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]]
}

extension MatrixOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = try requireFloating(inputs)
        let (batch, rows, columns) = try requireMatrices(inputs[0])
        var types: [TensorType] = []
        for output in try outputs(rows: rows, columns: columns) {
            types.append(
                TensorType(output.element ?? element, try Shape(checking: batch.extents + output.extents)))
        }
        return types
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let types = knownOutputTypes(inputs)
        let shape = inputs[0].type.shape
        let (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
        let all = inputs[0].doubles
        var results = [[Double]](repeating: [], count: types.count)
        for matrix in 0..<shape.matrixCount {
            let a = Array(all[matrix * rows * columns..<(matrix + 1) * rows * columns])
            if a.allSatisfy(\.isFinite) {
                let values = values(a, rows: rows, columns: columns, element: inputs[0].type.element)
                for place in types.indices { results[place] += values[place] }
            } else {
                for place in types.indices {
                    let count = types[place].shape.count / shape.matrixCount
                    results[place] += [Double](repeating: .nan, count: count)
                }
            }
        }
        return zip(types, results).map { HostTensor($0, doubles: $1) }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .decomposition(inputs[0].shape) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        let shape = inputs[0].shape
        return 2 * shape.matrixCount
            * multiplications(rows: shape[shape.rank - 2], columns: shape[shape.rank - 1])
    }

    func requireSquare(_ rows: Int, _ columns: Int) throws(GraphError) {
        try require(rows == columns, "takes square matrices, not \(rows) x \(columns)")
    }
}

extension Operator {
    /// The axes before the two last, and the extents of these.
    func requireMatrices(
        _ type: TensorType
    ) throws(GraphError) -> (batch: Shape, rows: Int, columns: Int) {
        let shape = type.shape
        try require(shape.rank >= 2, "takes matrices in the two last axes, not the shape \(shape)")
        return (Shape(Array(shape.extents.dropLast(2))), shape[shape.rank - 2], shape[shape.rank - 1])
    }
}

extension Shape {
    /// The matrices in the two last axes.
    package var matrixCount: Int { extents.dropLast(2).reduce(1, *) }
}

extension Exactness {
    /// Factors of well-conditioned matrices in float32: errors grow with the extent and are relative to the whole.
    static func decomposition(_ shape: Shape) -> Exactness {
        let extent = Double(max(shape.extents.suffix(2).max() ?? 1, 1))
        return .within(relative: 1e-4 * extent.squareRoot(), absolute: 2e-5 * extent.squareRoot())
    }
}

extension ElementType {
    /// The distance from 1 to the next number of float32 or float64.
    package var ulpOfOne: Double { self == .float64 ? 0x1p-52 : 0x1p-23 }
}

extension TypeSet {
    /// float32 and float64.
    static let realFields: TypeSet = [.float32, TypeSet(.float64)]
}
