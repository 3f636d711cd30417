extension GraphBuilder {
    /// The type of a value as a model would declare it.
    func valueType(of value: GraphValue) -> ValueType {
        switch value {
        case .tensor(let id):
            let type = type(of: id)
            return .tensor(type.element, shape: type.shape.extents.map { $0 })
        case .sequence(_, let element): return .sequence(of: element)
        case .optional(_, let element): return .optional(of: element)
        case .map(let map):
            let element = map.values.first?.type.element ?? .float32
            return .map(key: map.keys.type.element, value: .tensor(element, shape: nil))
        }
    }
}

extension ValueType {
    /// Whether two types are the same but for shapes.
    func agrees(with other: ValueType) -> Bool {
        switch (self, other) {
        case (.tensor(let left, _), .tensor(let right, _)): left == right
        case (.sequence(let left), .sequence(let right)): left.agrees(with: right)
        case (.optional(let left), .optional(let right)): left.agrees(with: right)
        case (.map(let leftKey, let left), .map(let rightKey, let right)):
            leftKey == rightKey && left.agrees(with: right)
        default: false
        }
    }

    /// The same type with nothing said of shapes.
    var withoutShape: ValueType {
        switch self {
        case .tensor(let element, _): .tensor(element, shape: nil)
        case .sequence(let element): .sequence(of: element.withoutShape)
        case .optional(let element): .optional(of: element.withoutShape)
        case .map(let key, let value): .map(key: key, value: value.withoutShape)
        }
    }
}

/// The most elements of a sequence: one is a value of its own, however small.
let maximalSequenceLength = Unrolling.maximalIterations

extension OperatorCall {
    /// The elements of a sequence that must be there, and their type.
    func sequence(_ index: Int) throws(GraphError) -> (elements: [GraphValue], type: ValueType) {
        guard case .sequence(let elements, let type) = try value(index) else {
            throw error("the input \(schema.inputName(index)) is not a sequence")
        }
        return (elements, type)
    }

    /// The place in a sequence that an input names; a negative one counts from the back.
    func position(_ index: Int, among count: Int, in graph: inout GraphBuilder) throws -> Int {
        let position = try integer(index, in: &graph)
        try require(
            position >= -count && position < count, "position \(position) is not in a sequence of \(count)")
        return position < 0 ? position + count : position
    }

    /// A value that may join a sequence of the given type.
    func element(
        _ index: Int, of type: ValueType, in graph: GraphBuilder
    ) throws(GraphError) -> GraphValue {
        let value = try value(index)
        try require(
            graph.valueType(of: value).agrees(with: type),
            "the input \(schema.inputName(index)) is not of the type of the sequence's elements")
        return value
    }
}
