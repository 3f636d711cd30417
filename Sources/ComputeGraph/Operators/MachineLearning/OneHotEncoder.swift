/// For each element a row with a one at the place of its category, or of zeros where it has none.
package struct OneHotEncoder: Operator {
    package static let name = "OneHotEncoder"
    package var categories: [Int64]

    package init(categories: [Int64]) { self.categories = categories }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireNumbers(inputs[0])
        return [TensorType(.float32, try Shape(checking: inputs[0].shape.extents + [categories.count]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let found = places(in: inputs[0])
        return [
            OneHotEncoder.rows(of: found, width: categories.count, shape: knownOutputTypes(inputs)[0].shape)
        ]
    }

    /// The place of each element's category, nil for none; fractions are cut off before.
    fileprivate func places(in tensor: HostTensor) -> [Int?] {
        let places = Dictionary(zip(categories, categories.indices), uniquingKeysWith: { _, last in last })
        let wholes =
            tensor.type.element.isInteger
            ? tensor.wholes.map { Int64(truncatingIfNeeded: $0) }
            : HostTensor(TensorType(.int64, tensor.type.shape), doubles: tensor.doubles).integers
        return wholes.map { places[$0] }
    }

    fileprivate static func rows(of places: [Int?], width: Int, shape: Shape) -> HostTensor {
        var values = [Float](repeating: 0, count: shape.count)
        for (row, place) in places.enumerated() {
            if let place { values[row * width + place] = 1 }
        }
        return HostTensor(TensorType(.float32, shape), floats: values)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}

extension OneHotEncoder: ModelOperator {
    package static let schema = OperatorSchema(
        "OneHotEncoder", domain: .machineLearning,
        "For each element a row with a one at its category's place.",
        inputs: [.required("X", [.features, .string], "any shape; numbers are cut to integers")],
        outputs: [.required("Y", .float32, "the shape of X and one axis more, one place for each category")],
        attributes: [
            .ints("cats_int64s", nil, "the categories of numbers"),
            .strings("cats_strings", nil, "the categories of strings; one of both lists is given"),
            .int("zeros", 1, "whether an element without category gives zeros; else it is an error"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, ["cats_int64s": .ints(categories.map(Int.init)), "zeros": .flag(true)],
            operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let type = graph.type(of: input)
        let categories = try call.optionalInts("cats_int64s") ?? []
        let names = try call.optionalStrings("cats_strings") ?? []
        try call.require(
            categories.isEmpty != names.isEmpty, "one of cats_int64s and cats_strings holds the categories")
        try call.require(
            (type.element == .string) == categories.isEmpty, "\(type) does not fit the type of the categories"
        )
        let encoder = OneHotEncoder(categories: categories.map(Int64.init))
        let isStrict = !(try call.flag("zeros"))
        if type.element != .string, !isStrict { return [.tensor(try graph.add(encoder, [input]))] }
        let tensor = try graph.tensor(input)
        let lookup = Dictionary(zip(names, names.indices), uniquingKeysWith: { _, last in last })
        let places = names.isEmpty ? encoder.places(in: tensor) : tensor.strings.map { lookup[$0] }
        try call.require(!isStrict || places.allSatisfy { $0 != nil }, "an element is of no category")
        let width = max(categories.count, names.count)
        let shape = try Shape(checking: type.shape.extents + [width])
        try graph.requireRoom(toMake: TensorType(.float32, shape), name: schema.name)
        return [.tensor(graph.constant(OneHotEncoder.rows(of: places, width: width, shape: shape)))]
    }
}
