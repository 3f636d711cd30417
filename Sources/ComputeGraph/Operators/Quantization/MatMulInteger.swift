/// ONNX's `MatMulInteger`: the product of two matrices of 8-bit integers as int32.
///
/// Inputs: the matrices and up to two zero points, of the left by row and of the right by column. Sums are exact and
/// keep their low 32 bits.
package struct MatMulInteger: Operator {
    package static let name = "MatMulInteger"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...4)
        for (index, side) in [QuantizedProduct.Side.left, .right].enumerated() {
            let matrix = inputs[index]
            try requireBytes(matrix, "an operand")
            guard index + 2 < inputs.count else { continue }
            try require(
                inputs[index + 2].element == matrix.element,
                "the zero point of \(matrix) is not \(inputs[index + 2])")
            try requireSpread(inputs[index + 2], side, of: matrix.shape, "a zero point")
        }
        return [TensorType(.int32, try productShape(inputs[0].shape, inputs[1].shape))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let left = QuantizedProduct.centred(inputs[0], zeroPoint: inputs.count > 2 ? inputs[2] : nil, .left)
        let right = QuantizedProduct.centred(inputs[1], zeroPoint: inputs.count > 3 ? inputs[3] : nil, .right)
        let sums = MatMul().reference([left, right])[0].doubles
        return [HostTensor(type, wrapping: sums.map { Int128($0) })]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        MatMul().floatingPointOperations(inputs: inputs, outputs: outputs)
    }
}

extension MatMulInteger: ModelOperator {
    package static let schema = OperatorSchema(
        "MatMulInteger", since: 10, "The product of two matrices of 8-bit integers, exact in 32 bits.",
        inputs: [
            .required("A", .bytes, "[..., rows, terms], or [terms]"),
            .required("B", .bytes, "[..., terms, columns], or [terms]"),
            .optional("a_zero_point", .bytes, "one number, [rows] or [..., rows, 1]"),
            .optional("b_zero_point", .bytes, "one number, [columns] or [..., 1, columns]"),
        ],
        outputs: [.required("Y", TypeSet(.int32), "[..., rows, columns]")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.operandsWithZeroPoints(2, zeroPointsOf: [0, 1], in: &graph)
        let product = try graph.matrixProduct(inputs[0], inputs[1], for: call) { graph, left, right in
            try graph.add(MatMulInteger(), [left, right] + inputs.dropFirst(2))
        }
        return [.tensor(product)]
    }
}
