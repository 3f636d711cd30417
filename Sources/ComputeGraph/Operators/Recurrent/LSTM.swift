/// Long short-term memory; the gates lie in the order input i, output o, forget f, cell c.
///
/// `i = f(W X + R H + P C)`, the same for f, `c = g(W X + R H)`, `C' = f C + i c`, `o = f(W X + R H + P C')` and
/// `H' = o h(C')`, each sum with both biases. With `couplesInputForget` the forget gate is `1 - i`.
package struct LSTM: RecurrentOperator {
    package static let name = "LSTM"
    package static let gateCount = 4
    package static let activationCount = 3
    package static let hasCell = true
    package var layer: RecurrentLayer
    package var couplesInputForget: Bool

    package init(_ layer: RecurrentLayer, couplesInputForget: Bool = false) {
        self.layer = layer
        self.couplesInputForget = couplesInputForget
    }

    package func advance(_ state: inout RecurrentState, _ x: [Double], _ weights: RecurrentWeights) {
        let size = layer.hiddenSize
        let direction = weights.direction
        let sums = zip(weights.inputSums(x), weights.recurrenceSums(state.hidden, gates: 0..<4)).map {
            $0 + $1
        }
        // Peepholes lie in the order input, output, forget.
        let peepholes = weights.peepholes
        for place in 0..<size {
            let cell = state.cell[place]
            func gate(_ index: Int, _ cell: Double) -> Double {
                let sum = sums[index * size + place] + peepholes[index * size + place] * cell
                return layer.apply(0, direction: direction, to: sum)
            }
            let input = gate(0, cell)
            let forget = couplesInputForget ? 1 - input : gate(2, cell)
            let proposed = layer.apply(1, direction: direction, to: sums[3 * size + place])
            let next = forget * cell + input * proposed
            state.cell[place] = next
            state.hidden[place] = gate(1, next) * layer.apply(2, direction: direction, to: next)
        }
    }
}

extension LSTM: ModelOperator {
    package static let schema = OperatorSchema(
        "LSTM", "A layer of long short-term memory.",
        inputs: OperatorSchema.Parameter.recurrentInputs + [
            .optional("initial_c", .floats, "the shape of initial_h; 0 if not given"),
            .optional(
                "P", .floats, "[directions, 3 * hidden], weights of the cell in the gates; 0 if not given"),
        ],
        outputs: OperatorSchema.Parameter.recurrentOutputs + [
            .optional("Y_c", .floats, "the cell after the last step, of the shape of Y_h")
        ],
        attributes: OperatorSchema.AttributeParameter.recurrentAttributes + [
            .int("input_forget", 0, "whether the forget gate is 1 minus the input gate")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (layer, inputs) = try call.recurrentLayer(
            optional: RecurrentLayer.Inputs.all, defaults: [.sigmoid, .tanh, .tanh], in: graph)
        let lstm = LSTM(layer, couplesInputForget: try call.flag("input_forget"))
        return try graph.addNode(lstm, inputs).map(GraphValue.tensor)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        writtenLayer(
            Self.schema, optional: RecurrentLayer.Inputs.all,
            attributes: ["input_forget": .int(couplesInputForget ? 1 : 0)])
    }
}
