internal import Essentials

/// Classes drawn at random with the probabilities whose logarithms the input holds; the same for one seed.
///
/// Each row of `[batch, classes]` gives `count` classes. The logarithms may lack the same number each.
package struct Multinomial: Operator {
    package static let name = "Multinomial"
    package var count: Int
    package var element: ElementType
    package var seed: UInt64

    package init(count: Int, _ element: ElementType = .int32, seed: UInt64) {
        self.count = count
        self.element = element
        self.seed = seed
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireCommon(.floats, inputs)
        try requireRank(inputs[0], 2, "the input")
        try require(TypeSet.indices.contains(element), "classes are int32 or int64, not \(element)")
        try require(inputs[0].shape[1] > 0, "there are no classes to draw in \(inputs[0].shape)")
        return [TensorType(element, try Shape(checking: [inputs[0].shape[0], count]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        var generator = SeededGenerator(seed: seed)
        let logarithms = inputs[0].doubles
        let classes = inputs[0].type.shape[1]
        var drawn: [Int128] = []
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        for row in 0..<type.shape[0] {
            let limits = cumulative(logarithms[row * classes..<(row + 1) * classes])
            for _ in 0..<count {
                let place = generator.uniform() * (limits.last ?? 0)
                drawn.append(Int128(limits.firstIndex { place < $0 } ?? classes - 1))
            }
        }
        return [HostTensor(type, wrapping: drawn)]
    }

    /// The sums of the probabilities up to each class, times a factor that keeps them from overflowing.
    private func cumulative(_ logarithms: ArraySlice<Double>) -> [Double] {
        let largest = logarithms.max() ?? 0
        var sum = 0.0
        return logarithms.map { logarithm in
            sum += exponential(logarithm - largest)
            return sum
        }
    }

    private func exponential(_ x: Double) -> Double { Exp().value(at: x) }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension Multinomial: ModelOperator {
    package static let schema = OperatorSchema(
        "Multinomial", since: 7, "Classes drawn at random.",
        inputs: [.required("input", .floats, "rows of logarithms of probabilities, one for each class")],
        outputs: [.required("output", .indices, "for each row the classes drawn")],
        attributes: [
            .int("sample_size", 1, "how many are drawn for each row"),
            .int("dtype", 6, "the number of the element type: int32 or int64"),
            .float("seed", nil, "what the numbers follow from"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes = OperatorCall.attributes(seed: seed)
        attributes["dtype"] = .int(Int(element.rawValue))
        attributes["sample_size"] = .int(count)
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let draw = Multinomial(
            count: try call.int("sample_size"), try call.optionalElementType("dtype") ?? .int32,
            seed: try call.seed())
        return [.tensor(try graph.addForAny(draw, [call.input(0)]))]
    }
}
