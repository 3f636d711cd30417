extension OperatorSchema.Parameter {
    /// The inputs that RNN, GRU and LSTM share.
    static let recurrentInputs: [OperatorSchema.Parameter] = [
        .required("X", .floats, "[steps, batch, inputs], or the batch first, as layout says"),
        .required("W", .floats, "[directions, gates * hidden, inputs]"),
        .required("R", .floats, "[directions, gates * hidden, hidden]"),
        .optional("B", .floats, "[directions, 2 * gates * hidden], to add to both products; 0 if not given"),
        .optional("sequence_lens", TypeSet(.int32), "[batch], the length of each sequence"),
        .optional("initial_h", .floats, "[directions, batch, hidden], or the batch first; 0 if not given"),
    ]

    static let recurrentOutputs: [OperatorSchema.Parameter] = [
        .optional("Y", .floats, "[steps, directions, batch, hidden], or [batch, steps, directions, hidden]"),
        .optional("Y_h", .floats, "[directions, batch, hidden] after the last step, or the batch first"),
    ]
}

extension OperatorSchema.AttributeParameter {
    /// The attributes that RNN, GRU and LSTM share.
    static let recurrentAttributes: [OperatorSchema.AttributeParameter] = [
        .int("hidden_size", nil, "the size of the hidden state; that of R if not given"),
        .string("direction", "forward", "forward, reverse or bidirectional"),
        .strings("activations", nil, "the functions of the first direction, then of the second"),
        .floats("activation_alpha", nil, "a number for each function that has an alpha"),
        .floats("activation_beta", nil, "a number for each function that has a beta"),
        .float("clip", nil, "holds each function's argument between minus this and this"),
        .int("layout", 0, "1 where the batch is the first axis of X, Y and the states"),
        .int("output_sequence", 0, "before version 7, and without effect: whether Y is wanted"),
    ]
}

extension OperatorCall {
    /// The layer that a call describes, and the inputs that are given.
    ///
    /// `optional` names the optional inputs from the fourth on, `defaults` the functions of one direction.
    func recurrentLayer(
        optional: [RecurrentLayer.Inputs], defaults: [RecurrentActivation], in graph: GraphBuilder
    ) throws(GraphError) -> (layer: RecurrentLayer, inputs: [ValueID]) {
        var inputs = [try input(0), try input(1), try input(2)]
        var given: RecurrentLayer.Inputs = []
        for (place, name) in optional.enumerated() {
            guard let id = try self.optional(3 + place) else { continue }
            given.insert(name)
            inputs.append(id)
        }
        let word = try string("direction")
        guard let direction = RecurrentLayer.Direction(rawValue: word.lowercased()) else {
            throw error("the direction is forward, reverse or bidirectional, not \(word)")
        }
        let recurrence = graph.type(of: inputs[2]).shape
        try require(recurrence.rank == 3, "R has three axes, not the shape \(recurrence)")
        let layout = try int("layout")
        try require(layout == 0 || layout == 1, "the layout is 0 or 1, not \(layout)")
        let layer = RecurrentLayer(
            direction: direction, hiddenSize: try optionalInt("hidden_size") ?? recurrence[2],
            activations: try recurrentActivations(defaults, directions: direction.count),
            clip: try optionalFloat("clip"), isBatchFirst: layout == 1, given: given)
        try require((layer.clip ?? 1) > 0, "clip is more than 0")
        return (layer, inputs)
    }

    private func recurrentActivations(
        _ defaults: [RecurrentActivation], directions: Int
    ) throws(GraphError) -> [RecurrentActivation] {
        var alphas = (try optionalFloats("activation_alpha") ?? [])[...]
        var betas = (try optionalFloats("activation_beta") ?? [])[...]
        guard let names = try optionalStrings("activations"), !names.isEmpty else {
            return [[RecurrentActivation]](repeating: defaults, count: directions).flatMap { $0 }
        }
        let wanted = defaults.count * directions
        // Models of one direction repeat the two functions that the standard has as default for RNN.
        try require(names.count >= wanted, "it has \(names.count) activations, and \(wanted) are wanted")
        var activations: [RecurrentActivation] = []
        for name in names.prefix(wanted) {
            guard let activation = RecurrentActivation(name, alphas: &alphas, betas: &betas) else {
                throw error("there is no activation \(name)")
            }
            activations.append(activation)
        }
        return activations
    }
}

extension RecurrentOperator {
    /// The call of a layer whose optional inputs are the given ones from the fourth on.
    func writtenLayer(
        _ schema: OperatorSchema, optional: [RecurrentLayer.Inputs], attributes: [String: Attribute] = [:]
    ) -> WrittenCall {
        var inputs: [WrittenCall.Input] = [.operand(0), .operand(1), .operand(2)]
        for name in optional { inputs.append(layer.index(of: name).map { .operand($0) } ?? .omitted) }
        var all = attributes
        all["hidden_size"] = .int(layer.hiddenSize)
        all["direction"] = .string(layer.direction.rawValue)
        all["activations"] = .strings(layer.activations.map(\.kind.rawValue))
        let alphas = layer.activations.filter { $0.kind.defaultAlpha != nil }.map(\.alpha)
        let betas = layer.activations.filter { $0.kind.defaultBeta != nil }.map(\.beta)
        if !alphas.isEmpty { all["activation_alpha"] = .floats(alphas) }
        if !betas.isEmpty { all["activation_beta"] = .floats(betas) }
        if let clip = layer.clip { all["clip"] = .float(clip) }
        if layer.isBatchFirst { all["layout"] = .int(1) }
        return WrittenCall(schema, since: layer.isBatchFirst ? 14 : 7, attributes: all, inputs: inputs)
    }
}
