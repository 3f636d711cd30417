extension OperatorCall {
    /// The integers of an attribute that became an input in a later version; nil where the call has none.
    func integers(
        _ name: String, inputSince change: Int, at index: Int, in graph: inout GraphBuilder
    ) throws -> [Int]? {
        if version < change { return try optionalInts(name) }
        guard let input = try optional(index) else { return nil }
        return try graph.integers(input)
    }

    /// The one integer of a tensor.
    func integer(_ index: Int, in graph: inout GraphBuilder) throws -> Int {
        let values = try graph.integers(input(index))
        try require(values.count == 1, "\(schema.inputName(index)) is one number, not \(values.count)")
        return values[0]
    }

    /// An axis counted from the front; a negative one counts from the back.
    func resolved(axis: Int, rank: Int) throws(GraphError) -> Int {
        try require(axis >= -rank && axis < rank, "axis \(axis) is not in a tensor of \(rank) axes")
        return axis < 0 ? axis + rank : axis
    }

    /// Axes counted from the front, in their order, none twice.
    func resolved(axes: [Int], rank: Int) throws(GraphError) -> [Int] {
        var result: [Int] = []
        for axis in axes {
            let axis = try resolved(axis: axis, rank: rank)
            try require(!result.contains(axis), "an axis is named twice in \(axes)")
            result.append(axis)
        }
        return result
    }

    /// A seed: the bits of the attribute `seed`, or a fresh one where the call has none.
    func seed() throws(GraphError) -> UInt64 {
        guard let seed = try optionalFloat("seed") else { return UInt64.random(in: 0 ... .max) }
        return UInt64(Float(seed).bitPattern)
    }

    /// The attribute that `seed` reads; none where no float stands for the seed, so that a new one is drawn.
    static func attributes(seed: UInt64) -> [String: Attribute] {
        guard let bits = UInt32(exactly: seed) else { return [:] }
        return ["seed": .float(Double(Float(bitPattern: bits)))]
    }
}

extension GraphBuilder {
    /// Adds a node of one output that may hold strings.
    mutating func addForAny(_ operator: any Operator, _ inputs: [ValueID]) throws -> ValueID {
        let types = inputs.map(type(of:))
        for output in try `operator`.outputTypes(of: types) {
            try requireRoom(for: output, name: `operator`.name)
        }
        guard types.contains(where: { $0.element == .string }) else { return try add(`operator`, inputs) }
        // No device holds strings, so this node is computed here and now.
        var known: [ValueID] = []
        for input in inputs {
            known.append(graph.constants[input] == nil ? constant(try tensor(input)) : input)
        }
        return try add(`operator`, known)
    }

    /// The value with another shape of the same elements.
    mutating func reshaped(_ value: ValueID, to extents: [Int]) throws -> ValueID {
        if type(of: value).shape.extents == extents { return value }
        return try addForAny(Reshape(extents, allowsZero: true), [value])
    }

    /// The value with its axes in another order.
    mutating func transposed(_ value: ValueID, _ permutation: [Int]) throws -> ValueID {
        if permutation == Array(permutation.indices) { return value }
        return try addForAny(Transpose(permutation), [value])
    }
}
