extension RecurrentOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3 + RecurrentLayer.Inputs.all.count(where: layer.given.contains))
        let (directions, size) = (layer.direction.count, layer.hiddenSize)
        try require(
            layer.activations.count == directions * Self.activationCount,
            "each direction has \(Self.activationCount) functions; here are \(layer.activations.count) for "
                + "\(directions)")
        try require(
            size >= 0 && size <= Shape.maximalCount, "the hidden size is at least 0, not \(size)")
        let lengths = layer.index(of: .lengths)
        let element = try requireFloating(inputs.enumerated().filter { $0.offset != lengths }.map(\.element))
        try requireRank(inputs[0], 3, "X")
        let extents = RecurrentExtents(inputs[0].shape, isBatchFirst: layer.isBatchFirst)
        let rows = Self.gateCount * size
        try requireShape(inputs[1], try Shape(checking: [directions, rows, extents.inputSize]), "W")
        try requireShape(inputs[2], try Shape(checking: [directions, rows, size]), "R")
        let state = try stateShape(extents)
        try checkOptional(inputs, .bias, [directions, 2 * rows], "B")
        try checkOptional(inputs, .initialHidden, state.extents, "initial_h")
        try checkOptional(inputs, .initialCell, state.extents, "initial_c")
        try checkOptional(inputs, .peepholes, [directions, 3 * size], "P")
        try checkOptional(inputs, .lengths, [extents.batch], "sequence_lens")
        if let lengths { try requireIndices(inputs[lengths]) }
        let all =
            layer.isBatchFirst
            ? [extents.batch, extents.steps, directions, size]
            : [extents.steps, directions, extents.batch, size]
        let stateType = TensorType(element, state)
        let states = Self.hasCell ? [stateType, stateType] : [stateType]
        return [TensorType(element, try Shape(checking: all))] + states
    }

    private func stateShape(_ extents: RecurrentExtents) throws(GraphError) -> Shape {
        let directions = layer.direction.count
        return try Shape(
            checking: layer.isBatchFirst
                ? [extents.batch, directions, layer.hiddenSize]
                : [directions, extents.batch, layer.hiddenSize])
    }

    private func checkOptional(
        _ inputs: [TensorType], _ input: RecurrentLayer.Inputs, _ extents: [Int], _ name: String
    ) throws(GraphError) {
        guard let index = layer.index(of: input) else { return }
        try requireShape(inputs[index], try Shape(checking: extents), name)
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let types = knownOutputTypes(inputs)
        guard types[1].shape.count > 0 else { return types.map { HostTensor(zeros: $0) } }
        var walk = RecurrentWalk(layer, inputs, y: types[0].shape.count, states: types[1].shape.count)
        for direction in 0..<layer.direction.count {
            let weights = weights(inputs, direction)
            for item in 0..<walk.extents.batch {
                let place = walk.statePlace(direction, item)
                var state = walk.state(at: place)
                let length = walk.lengths?[item] ?? walk.extents.steps
                for index in 0..<length {
                    let step = layer.direction.isReversed(direction) ? length - 1 - index : index
                    advance(&state, walk.x(step, item), weights)
                    walk.store(state.hidden, step, direction, item)
                }
                walk.store(state, at: place)
            }
        }
        let states = Self.hasCell ? [walk.hidden, walk.cell] : [walk.hidden]
        return zip(types, [walk.y] + states).map { HostTensor($0, doubles: $1) }
    }

    private func weights(_ inputs: [HostTensor], _ direction: Int) -> RecurrentWeights {
        let rows = Self.gateCount * layer.hiddenSize
        func part(_ index: Int?, else count: Int) -> [Double] {
            guard let index else { return [Double](repeating: 0, count: count) }
            let values = inputs[index].doubles
            let size = values.count / layer.direction.count
            return Array(values[direction * size..<(direction + 1) * size])
        }
        let bias = part(layer.index(of: .bias), else: 2 * rows)
        return RecurrentWeights(
            direction: direction, input: part(1, else: 0), recurrence: part(2, else: 0),
            inputBias: Array(bias[..<rows]), recurrenceBias: Array(bias[rows...]),
            peepholes: part(layer.index(of: .peepholes), else: 3 * layer.hiddenSize))
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape[2] + layer.hiddenSize)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(
            2, outputs[0].shape.count, Self.gateCount, inputs[0].shape[2].saturatingSum(layer.hiddenSize))
    }
}

/// The numbers of one run of a recurrent operator, and where each lies.
private struct RecurrentWalk {
    let layer: RecurrentLayer
    let extents: RecurrentExtents
    /// Nil where all sequences are as long as X.
    let lengths: [Int]?
    let values: [Double]
    var y: [Double]
    var hidden: [Double]
    var cell: [Double]

    init(_ layer: RecurrentLayer, _ inputs: [HostTensor], y: Int, states: Int) {
        self.layer = layer
        let extents = RecurrentExtents(inputs[0].type.shape, isBatchFirst: layer.isBatchFirst)
        self.extents = extents
        // A length is data, and one beyond the sequence must read no foreign memory.
        lengths = layer.index(of: .lengths).map { inputs[$0].indices.map { min(max($0, 0), extents.steps) } }
        values = inputs[0].doubles
        self.y = [Double](repeating: 0, count: y)
        let zeros = [Double](repeating: 0, count: states)
        hidden = layer.index(of: .initialHidden).map { inputs[$0].doubles } ?? zeros
        cell = layer.index(of: .initialCell).map { inputs[$0].doubles } ?? zeros
    }

    func x(_ step: Int, _ item: Int) -> [Double] {
        let row = layer.isBatchFirst ? item * extents.steps + step : step * extents.batch + item
        return Array(values[row * extents.inputSize..<(row + 1) * extents.inputSize])
    }

    func statePlace(_ direction: Int, _ item: Int) -> Range<Int> {
        let directions = layer.direction.count
        let row = layer.isBatchFirst ? item * directions + direction : direction * extents.batch + item
        return row * layer.hiddenSize..<(row + 1) * layer.hiddenSize
    }

    func state(at place: Range<Int>) -> RecurrentState {
        RecurrentState(hidden: Array(hidden[place]), cell: Array(cell[place]))
    }

    mutating func store(_ state: RecurrentState, at place: Range<Int>) {
        hidden.replaceSubrange(place, with: state.hidden)
        cell.replaceSubrange(place, with: state.cell)
    }

    mutating func store(_ hidden: [Double], _ step: Int, _ direction: Int, _ item: Int) {
        let directions = layer.direction.count
        let row =
            layer.isBatchFirst
            ? (item * extents.steps + step) * directions + direction
            : (step * directions + direction) * extents.batch + item
        for (place, value) in hidden.enumerated() { y[row * layer.hiddenSize + place] = value }
    }
}
