/// Gated recurrent units; the gates lie in the order update z, reset r, hidden h.
///
/// `z = f(W X + R H)`, `r = f(W X + R H)`, `h = g(W X + R (r H))` and `H' = (1 - z) h + z H`, each sum with both
/// biases. With `resetsAfter` the product comes before the reset gate: `h = g(W X + r (R H))`.
package struct GRU: RecurrentOperator {
    package static let name = "GRU"
    package static let gateCount = 3
    package static let activationCount = 2
    package static let hasCell = false
    package var layer: RecurrentLayer
    /// ONNX's `linear_before_reset`.
    package var resetsAfter: Bool

    package init(_ layer: RecurrentLayer, resetsAfter: Bool = false) {
        self.layer = layer
        self.resetsAfter = resetsAfter
    }

    package func advance(_ state: inout RecurrentState, _ x: [Double], _ weights: RecurrentWeights) {
        let size = layer.hiddenSize
        let direction = weights.direction
        let fromInput = weights.inputSums(x)
        let fromState = weights.recurrenceSums(state.hidden, gates: 0..<2)
        func gate(_ index: Int) -> [Double] {
            (index * size..<(index + 1) * size).map {
                layer.apply(0, direction: direction, to: fromInput[$0] + fromState[$0])
            }
        }
        let (update, reset) = (gate(0), gate(1))
        let hiddenSums =
            resetsAfter
            ? zip(reset, weights.recurrenceSums(state.hidden, gates: 2..<3)).map { $0 * $1 }
            : weights.recurrenceSums(zip(reset, state.hidden).map { $0 * $1 }, gates: 2..<3)
        for place in state.hidden.indices {
            let sum = fromInput[2 * size + place] + hiddenSums[place]
            let proposed = layer.apply(1, direction: direction, to: sum)
            state.hidden[place] = (1 - update[place]) * proposed + update[place] * state.hidden[place]
        }
    }
}

extension GRU: ModelOperator {
    package static let schema = OperatorSchema(
        "GRU", "A layer of gated recurrent units.",
        inputs: OperatorSchema.Parameter.recurrentInputs, outputs: OperatorSchema.Parameter.recurrentOutputs,
        attributes: OperatorSchema.AttributeParameter.recurrentAttributes + [
            .int("linear_before_reset", 0, "whether the reset gate comes after the product with R")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (layer, inputs) = try call.recurrentLayer(
            optional: [.bias, .lengths, .initialHidden], defaults: [.sigmoid, .tanh], in: graph)
        let gru = GRU(layer, resetsAfter: try call.flag("linear_before_reset"))
        return try graph.addNode(gru, inputs).map(GraphValue.tensor)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        writtenLayer(
            Self.schema, optional: [.bias, .lengths, .initialHidden],
            attributes: ["linear_before_reset": .int(resetsAfter ? 1 : 0)])
    }
}
