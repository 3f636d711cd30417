#if canImport(Glibc)
internal import Glibc
#endif

/// The first operand raised to the power of the second, with NumPy's broadcasting, in the type of the first.
///
/// Powers of integers by integers wrap around; by a negative exponent they lose their fraction. Floats follow
/// IEEE 754.
package struct Pow: BroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema(
        "Pow", "X raised to the power of Y, in the element type of X.",
        inputs: [
            .required("X", [.floats, .indices], "any shape"),
            .required("Y", .numbers, "broadcasts with X; any element type from version 12 on"),
        ],
        outputs: [.required("Z", [.floats, .indices], "the shape that X and Y take together")],
        attributes: OperatorSchema.oldBroadcasting)

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        for (input, parameter) in zip(inputs, Self.schema.inputs) {
            try require(parameter.types.contains(input.element), "\(parameter.name) cannot be \(input)")
        }
        return [TensorType(inputs[0].element, try requireBroadcast(inputs))]
    }

    package func value(_ left: Double, _ right: Double) -> Double { pow(left, right) }

    package func whole(_ left: Int128, _ right: Int128) -> Int128 {
        if right < 0 { return left == 1 || left == -1 ? whole(left, -right) : 0 }
        var (result, factor, rest): (Int128, Int128, Int128) = (1, left, right)
        while rest > 0 {
            if rest & 1 == 1 { result = result &* factor }
            factor = factor &* factor
            rest >>= 1
        }
        return result
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (x, y) = (node.inputs[0], node.inputs[1])
        let element = builder.type(of: x).element
        let exponent = builder.type(of: y).element == element ? y : try builder.add(Cast(to: element), [y])
        // By x: g y x^(y - 1).
        let lowered = try builder.add(Sub(), [exponent, builder.number(1, like: x)])
        let power = try builder.add(Pow(), [x, lowered])
        let slope = try builder.add(Mul(), [exponent, power])
        let byBase = try builder.reduced(try builder.add(Mul(), [gradient, slope]), toShapeOf: x)
        guard exponent == y else { return [byBase, nil] }
        // By y: g log(x) x^y.
        let scaled = try builder.add(Mul(), [gradient, node.outputs[0]])
        let byExponent = try builder.add(Mul(), [scaled, try builder.add(Log(), [x])])
        return [byBase, try builder.reduced(byExponent, toShapeOf: y)]
    }
}
