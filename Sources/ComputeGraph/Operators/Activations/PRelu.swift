/// The input where it is not negative, else the input times a slope that is learned; a NaN stays a NaN.
///
/// The slope broadcasts to the shape of the input.
package struct PRelu: BroadcastingOperator, PlainOperator {
    private static let types: TypeSet = [.floats, .indices, TypeSet(.uint32), TypeSet(.uint64)]
    package static let schema = OperatorSchema(
        "PRelu", "The input where it is not negative, else the input times a slope.",
        inputs: [
            .required("X", types, "any shape"),
            .required(
                "slope", types,
                "broadcasts to the shape of X; before version 7 one number, or one for each channel"
            ),
        ],
        outputs: [.required("Y", types, "the shape of X")])

    package init() {}

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (x, given) = (try call.input(0), try call.input(1))
        let (shape, own) = (graph.type(of: x).shape, graph.type(of: given).shape)
        let isForChannels = call.version < 7 && own.rank == 1 && own.count > 1 && shape.rank > 2
        let ones = [Int](repeating: 1, count: max(shape.rank - 2, 0))
        let slope = isForChannels ? try graph.add(Reshape(own.extents + ones), [given]) : given
        return [.tensor(try graph.add(PRelu(), [x, slope]))]
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        _ = try requireOperands(inputs)
        try require(
            try requireBroadcast(inputs) == inputs[0].shape,
            "the slope \(inputs[1].shape) does not broadcast to \(inputs[0].shape)")
        return [inputs[0]]
    }

    package func value(_ left: Double, _ right: Double) -> Double { left < 0 ? left * right : left }
    package func whole(_ left: Int128, _ right: Int128) -> Int128 { left < 0 ? left &* right : left }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil, nil] }
        let (x, slope) = (node.inputs[0], node.inputs[1])
        let isNegative = try builder.add(Less(), [x, builder.number(0, like: x)])
        let bent = try builder.add(Mul(), [gradient, slope])
        let scaled = try builder.kept(try builder.add(Mul(), [gradient, x]), where: isNegative)
        return [
            try builder.add(Where(), [isNegative, bent, gradient]),
            try builder.reduced(scaled, toShapeOf: slope),
        ]
    }
}
