/// Each channel convolved with its own kernel over its past, which goes on from call to call.
///
/// It is a depthwise `Conv` of the past and the input, one after the other.
package enum CausalConvWithState: ModelOperator {
    package static let schema = OperatorSchema(
        "CausalConvWithState", since: 27,
        "Each channel convolved with its own kernel over its past, which goes on from call to call.",
        inputs: [
            .required("input", .floats, "[batch, channels, length]"),
            .required("weight", .floats, "[channels, 1, k]"),
            .optional("bias", .floats, "[channels]"),
            .optional("past_state", .floats, "[batch, channels, k - 1], zeros where left out"),
        ],
        outputs: [
            .required("output", .floats, "the shape of input"),
            .required("present_state", .floats, "[batch, channels, k - 1], the end of past and input"),
        ],
        attributes: [.string("activation", "none", "what the output goes through: none, silu or swish")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let type = graph.type(of: input)
        let weights = graph.type(of: try call.input(1)).shape
        let shape = type.shape
        try call.require(
            shape.rank == 3 && weights.rank == 3 && weights[0] == shape[1] && weights[1] == 1
                && weights[2] >= 1,
            "an input [batch, channels, length] takes weights [channels, 1, k]; here are \(shape) and \(weights)"
        )
        let state = TensorType(type.element, Shape([shape[0], shape[1], weights[2] - 1]))
        let given = try call.optional(3)
        if let given {
            try call.require(
                graph.type(of: given) == state, "past_state is \(state), not \(graph.type(of: given))")
        }
        guard shape.count > 0 else {
            return [.tensor(input), .tensor(try given ?? graph.filled(state, with: 0))]
        }
        var past = input
        if weights[2] > 1 {
            past = try graph.add(Concat(axis: 2), [try given ?? graph.filled(state, with: 0), input])
        }
        let operands =
            try [
                graph.withAxis(past, at: 2), graph.withAxis(call.input(1), at: 2),
            ] + (call.optional(2).map { [$0] } ?? [])
        var y = try graph.add(Conv(group: shape[1]), operands)
        y = try call.activated(graph.withoutAxis(y, at: 2), in: &graph)
        guard weights[2] > 1 else { return [.tensor(y), .tensor(try graph.filled(state, with: 0))] }
        let length = graph.type(of: past).shape[2]
        let present = try graph.add(
            Slice(starts: [length - weights[2] + 1], ends: [length], axes: [2]), [past])
        return [.tensor(y), .tensor(present)]
    }
}

extension OperatorCall {
    fileprivate func activated(_ y: ValueID, in graph: inout GraphBuilder) throws -> ValueID {
        switch try string("activation") {
        case "none": return y
        case "silu", "swish":
            let element = graph.type(of: y).element
            let wide = try graph.converted(y, to: element.forSteps)
            let product = try graph.add(Mul(), [wide, try graph.add(Sigmoid(), [wide])])
            return try graph.converted(product, to: element)
        case let other: throw error("activation is none, silu or swish, not \(other)")
        }
    }
}
