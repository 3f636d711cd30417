/// What the matrix products of quantized tensors share: shapes, and zero points and scales by row or column.
///
/// Sums are taken in doubles and are exact: a product of two differences of 8-bit integers is below 2^17, so that
/// 2^36 terms fit.
struct QuantizedProduct {
    /// Whose rows or columns a zero point or a scale belongs to.
    enum Side {
        /// By row: one number, `[rows]`, or `[..., rows, 1]`.
        case left
        /// By column: one number, `[columns]`, or `[..., 1, columns]`.
        case right
    }

    /// The shape under which numbers of a side broadcast with its matrices and with the product; nil if they do not.
    static func spread(_ numbers: Shape, _ side: Side, of matrix: Shape) -> Shape? {
        if numbers.rank <= 1 && numbers.count == 1 { return [] }
        let result = numbers.rank == 1 && side == .left ? Shape(numbers.extents + [1]) : numbers
        let summed = side == .left ? result.rank - 1 : result.rank - 2
        guard result.rank <= matrix.rank, summed < 0 || result[summed] == 1,
            result.broadcast(with: matrix) == matrix
        else { return nil }
        return result
    }

    /// The differences of a matrix's elements to their zero points, as a float64 tensor.
    static func centred(_ matrix: HostTensor, zeroPoint: HostTensor?, _ side: Side) -> HostTensor {
        let shape = matrix.type.shape
        var values = matrix.doubles
        if let zeroPoint, let spread = spread(zeroPoint.type.shape, side, of: shape) {
            let numbers = zeroPoint.doubles
            let places = broadcastIndices(of: spread, in: shape)
            for index in values.indices { values[index] -= numbers[places[index]] }
        }
        return HostTensor(TensorType(.float64, shape), doubles: values)
    }
}

extension Operator {
    /// The shape of the product of two matrices.
    func productShape(_ left: Shape, _ right: Shape) throws(GraphError) -> Shape {
        try MatMul().outputTypes(of: [TensorType(.float64, left), TensorType(.float64, right)])[0].shape
    }

    func requireSpread(
        _ numbers: TensorType, _ side: QuantizedProduct.Side, of matrix: Shape, _ what: String
    ) throws(GraphError) {
        try require(
            QuantizedProduct.spread(numbers.shape, side, of: matrix) != nil,
            "\(what) is one number, or one for each \(side == .left ? "row" : "column") of \(matrix), "
                + "not \(numbers)")
    }

    func requireBytes(_ type: TensorType, _ what: String) throws(GraphError) {
        try require(TypeSet.bytes.contains(type.element), "\(what) is int8 or uint8, not \(type)")
    }
}

extension OperatorCall {
    /// The inputs up to the last that is there, with a zero in the place of a zero point that is left out.
    ///
    /// `zeroPoints` says of which input each of the inputs after the operands is the zero point.
    func operandsWithZeroPoints(
        _ count: Int, zeroPointsOf operands: [Int], in graph: inout GraphBuilder
    ) throws -> [ValueID] {
        var ids: [ValueID] = []
        for index in 0..<count { ids.append(try input(index)) }
        var given: [ValueID?] = []
        for index in operands.indices { given.append(try optional(count + index)) }
        while given.last == .some(nil) { given.removeLast() }
        for (id, operand) in zip(given, operands) {
            let element = graph.type(of: ids[operand]).element
            ids.append(id ?? graph.constant(HostTensor(zeros: TensorType(element, []))))
        }
        return ids
    }
}
