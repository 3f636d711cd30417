/// ONNX's `QLinearMatMul`: the product of two quantized matrices, quantized again.
///
/// Inputs: the left matrix with its scale and zero point, the right one with its own, and the scale and zero point of
/// the output. The left's differ by row, the right's by column, the output's not. Sums of integers are exact; the sum
/// times `left scale * right scale / output scale`, taken in float64, is rounded with ties to even.
package struct QLinearMatMul: Operator {
    package static let name = "QLinearMatMul"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 8)
        let elements: TypeSet = [.bytes, .float8]
        for (first, side) in [(0, QuantizedProduct.Side.left), (3, .right)] {
            let matrix = inputs[first]
            try require(
                elements.contains(matrix.element), "an operand is int8, uint8 or a float8, not \(matrix)")
            try require(
                TypeSet.scales.contains(inputs[first + 1].element), "a scale is not \(inputs[first + 1])")
            try require(
                inputs[first + 2].element == matrix.element,
                "the zero point of \(matrix) is not \(inputs[first + 2])")
            for number in inputs[first + 1...first + 2] {
                try requireSpread(number, side, of: matrix.shape, "a scale or zero point")
            }
        }
        try require(elements.contains(inputs[7].element), "an output is not \(inputs[7].element)")
        try require(TypeSet.scales.contains(inputs[6].element), "a scale is not \(inputs[6])")
        try requireScalar(inputs[6], "the scale of the output")
        try requireScalar(inputs[7], "the zero point of the output")
        return [TensorType(inputs[7].element, try productShape(inputs[0].shape, inputs[3].shape))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let left = QuantizedProduct.centred(inputs[0], zeroPoint: inputs[2], .left)
        let right = QuantizedProduct.centred(inputs[3], zeroPoint: inputs[5], .right)
        let sums = MatMul().reference([left, right])[0].doubles
        let leftScales = scales(inputs[1], .left, of: inputs[0].type.shape, in: type.shape)
        let rightScales = scales(inputs[4], .right, of: inputs[3].type.shape, in: type.shape)
        let outputScale = inputs[6].doubles[0]
        let values = sums.indices.map { sums[$0] * (leftScales[$0] * rightScales[$0] / outputScale) }
        let zeroPoints = [Double](repeating: inputs[7].doubles[0], count: values.count)
        return [HostTensor(type, quantizing: values, zeroPoints: zeroPoints)]
    }

    /// The scale of each element of the product.
    private func scales(
        _ scales: HostTensor, _ side: QuantizedProduct.Side, of matrix: Shape, in product: Shape
    ) -> [Double] {
        let spread = QuantizedProduct.spread(scales.type.shape, side, of: matrix) ?? []
        let values = scales.doubles
        return broadcastIndices(of: spread, in: product).map { values[$0] }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        MatMul().floatingPointOperations(inputs: [inputs[0], inputs[3]], outputs: outputs)
    }
}

extension QLinearMatMul: ModelOperator {
    private static let operands: TypeSet = [.bytes, .float8]

    package static let schema = OperatorSchema(
        "QLinearMatMul", since: 10, "The product of two quantized matrices, quantized again.",
        inputs: [
            .required("a", operands, "[..., rows, terms], or [terms]"),
            .required("a_scale", .scales, "one number, [rows] or [..., rows, 1]"),
            .required("a_zero_point", operands, "as a_scale"),
            .required("b", operands, "[..., terms, columns], or [terms]"),
            .required("b_scale", .scales, "one number, [columns] or [..., 1, columns]"),
            .required("b_zero_point", operands, "as b_scale"),
            .required("y_scale", .scales, "one number"),
            .required("y_zero_point", operands, "one number of the type of y"),
        ],
        outputs: [.required("y", operands, "[..., rows, columns]")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let isOld = inputs.allSatisfy { TypeSet([.bytes, .float32]).contains($0.element) }
        return WrittenCall(
            Self.schema, since: isOld ? 10 : 21, inputs: inputs.indices.map { .operand($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.allInputs()
        let product = try graph.matrixProduct(inputs[0], inputs[3], for: call) { graph, left, right in
            try graph.add(QLinearMatMul(), [left] + inputs[1...2] + [right] + inputs[4...])
        }
        return [.tensor(product)]
    }
}
