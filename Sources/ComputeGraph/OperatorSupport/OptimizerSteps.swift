/// An operator that takes one step of an optimiser for one tensor.
///
/// Inputs: the learning rate, the number of the step (int64), the tensor, its gradient, and what the optimiser has
/// accumulated. Outputs: the new tensor, then what is accumulated now. A model names several tensors in one call: all
/// of them, then all gradients, and so on.
package protocol OptimizerStep: ModelOperator, Operator {
    /// What is accumulated for each element.
    static var accumulatedCount: Int { get }

    init(_ call: OperatorCall) throws(GraphError)

    /// The attributes of a call that makes this step.
    var callAttributes: [String: Attribute] { get }

    /// The new value of one element; `accumulated` is changed to what it is after the step.
    func value(
        _ x: Double, gradient: Double, accumulated: inout [Double], rate: Double, step: Int
    ) -> Double
}

extension OptimizerStep {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 4 + Self.accumulatedCount)
        try requireScalar(inputs[0], "the learning rate")
        try requireFloating([inputs[0]])
        try requireScalar(inputs[1], "the number of the step")
        try require(inputs[1].element == .int64, "the number of the step is int64, not \(inputs[1])")
        try requireFloating(inputs[2...])
        for input in inputs[3...] {
            try requireShape(input, inputs[2].shape, "a gradient, and what is accumulated,")
        }
        return [TensorType](repeating: inputs[2], count: 1 + Self.accumulatedCount)
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = inputs[2].type
        let rate = inputs[0].doubles[0]
        let step = inputs[1].indices[0]
        var x = inputs[2].doubles
        let gradients = inputs[3].doubles
        var accumulated = inputs[4...].map(\.doubles)
        for index in x.indices {
            var own = accumulated.map { $0[index] }
            x[index] = value(
                x[index], gradient: gradients[index], accumulated: &own, rate: rate, step: step)
            for (place, value) in own.enumerated() { accumulated[place][index] = value }
        }
        return ([x] + accumulated).map { HostTensor(type, doubles: $0) }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        10 * outputs[0].shape.count
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, attributes: callAttributes, inputs: inputs.indices.map { .operand($0) })
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let step = try Self(call)
        let ids = try call.allInputs()
        let kinds = 2 + accumulatedCount
        try call.require(
            ids.count > 2 && (ids.count - 2) % kinds == 0,
            "after two numbers it takes \(kinds) inputs for each tensor, not \(ids.count - 2) in all")
        let count = (ids.count - 2) / kinds
        var outputs = [[ValueID]](repeating: [], count: 1 + accumulatedCount)
        for tensor in 0..<count {
            let own = (0..<kinds).map { ids[2 + $0 * count + tensor] }
            for (place, id) in try graph.addNode(step, [ids[0], ids[1]] + own).enumerated() {
                outputs[place].append(id)
            }
        }
        return outputs.flatMap { $0 }.map(GraphValue.tensor)
    }

    static func stepSchema(
        _ summary: String, accumulated: String, attributes: [OperatorSchema.AttributeParameter]
    ) -> OperatorSchema {
        OperatorSchema(
            name, domain: .training, summary,
            inputs: [
                .required("R", .floats, "one number: the learning rate"),
                .required("T", .int64, "one number: how many steps have been taken"),
                .variadic(
                    "inputs", .floats, "all tensors, then the gradient of each, then \(accumulated) of each"),
            ],
            outputs: [.variadic("outputs", .floats, "all new tensors, then the new \(accumulated) of each")],
            attributes: attributes)
    }
}
