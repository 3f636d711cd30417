/// An operator that folds the elements along an axis up to each place: `CumSum`, `CumProd`.
package protocol CumulativeOperator: Operator {
    var axis: Int { get }
    /// Whether the element at the place is left out.
    var isExclusive: Bool { get }
    /// Whether the fold goes from the last element to the first.
    var isReversed: Bool { get }

    init(axis: Int, isExclusive: Bool, isReversed: Bool)

    /// What is there before the first element.
    static var start: Int { get }
    func value(_ sum: Double, _ next: Double) -> Double
    /// The same for integers, exactly; a result outside the type wraps around.
    func value(_ sum: Int128, _ next: Int128) -> Int128
}

extension CumulativeOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireCommon([.numbers, .smallFloats, .smallIntegers], inputs)
        _ = try resolvedAxis(axis, rank: inputs[0].shape.rank)
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = inputs[0].type
        guard type.shape.count > 0 else { return inputs }
        if type.element.isFloating {
            let values = folded(inputs[0].doubles, type.shape, from: Double(Self.start), value(_:_:))
            return [HostTensor(type, doubles: values)]
        }
        let values = folded(inputs[0].wholes, type.shape, from: Int128(Self.start), value(_:_:))
        return [HostTensor(type, wrapping: values)]
    }

    private func folded<Number>(
        _ x: [Number], _ shape: Shape, from start: Number, _ fold: (Number, Number) -> Number
    ) -> [Number] {
        var result = x
        let view = AxisView(shape, axis: axis)
        view.forEachRow { first in
            var sum = start
            for step in 0..<view.length {
                let index = first + (isReversed ? view.length - 1 - step : step) * view.inner
                let next = fold(sum, x[index])
                result[index] = isExclusive ? sum : next
                sum = next
            }
        }
        return result
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        guard inputs[0].element.isFloating else { return .exact }
        return .accumulated(terms: AxisView(inputs[0].shape, axis: axis).length)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard let schema = (Self.self as? any ModelOperator.Type)?.schema else { return nil }
        return WrittenCall(
            schema, since: max(schema.since, 14),
            ["exclusive": .flag(isExclusive), "reverse": .flag(isReversed)], operands: inputs,
            [.integer(axis)])
    }

    /// The node of a call, for the operators that models know.
    package static func buildCumulative(
        _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        let axis = try call.integer(1, in: &graph)
        let fold = try Self(
            axis: axis, isExclusive: call.flag("exclusive"), isReversed: call.flag("reverse"))
        return [.tensor(try graph.add(fold, [call.input(0)]))]
    }
}

extension OperatorSchema {
    static func cumulative(_ name: String, since: Int, _ word: String) -> OperatorSchema {
        OperatorSchema(
            name, since: since, "The \(word) along an axis up to each place.",
            inputs: [
                .required("x", .numbers, "at least one axis"),
                .required("axis", .indices, "one number; a negative one counts from the last"),
            ],
            outputs: [.required("y", .numbers, "the shape of x")],
            attributes: [
                .int("exclusive", 0, "whether the element at the place is left out"),
                .int("reverse", 0, "whether it goes from the last element to the first"),
            ])
    }
}
