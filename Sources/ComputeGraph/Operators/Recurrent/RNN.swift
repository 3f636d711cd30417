/// The plain recurrent layer: `H' = f(W X + R H + both biases)`.
package struct RNN: RecurrentOperator {
    package static let name = "RNN"
    package static let gateCount = 1
    package static let activationCount = 1
    package static let hasCell = false
    package var layer: RecurrentLayer

    package init(_ layer: RecurrentLayer) { self.layer = layer }

    package func advance(_ state: inout RecurrentState, _ x: [Double], _ weights: RecurrentWeights) {
        let fromInput = weights.inputSums(x)
        let fromState = weights.recurrenceSums(state.hidden, gates: 0..<1)
        for place in state.hidden.indices {
            let sum = fromInput[place] + fromState[place]
            state.hidden[place] = layer.apply(0, direction: weights.direction, to: sum)
        }
    }
}

extension RNN: ModelOperator {
    package static let schema = OperatorSchema(
        "RNN", "A recurrent layer with one gate.",
        inputs: OperatorSchema.Parameter.recurrentInputs, outputs: OperatorSchema.Parameter.recurrentOutputs,
        attributes: OperatorSchema.AttributeParameter.recurrentAttributes)

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (layer, inputs) = try call.recurrentLayer(
            optional: [.bias, .lengths, .initialHidden], defaults: [.tanh], in: graph)
        return try graph.addNode(RNN(layer), inputs).map(GraphValue.tensor)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        writtenLayer(
            Self.schema, optional: [.bias, .lengths, .initialHidden])
    }
}
