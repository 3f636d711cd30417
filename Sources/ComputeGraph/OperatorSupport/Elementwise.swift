/// An operator that computes each element of its output from the same element of its one input.
package protocol ElementwiseOperator: NodeOperator {
    /// Counted towards `floatingPointOperations`; a transcendental function counts as one.
    static var operationsPerElement: Int { get }

    /// The value for a float of any width.
    func value(at x: Double) -> Double

    /// The value for an integer, or for a bool as 0 or 1, before it is cut to the bits of the element type.
    ///
    /// Unless an operator has its own, that of `value(at:)` without its fraction.
    func whole(at x: Int128) -> Int128
}

extension ElementwiseOperator {
    package static var operationsPerElement: Int { 1 }

    package func whole(at x: Int128) -> Int128 { Int128(cutting: value(at: Double(x))) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = try requireOperands(inputs)
        return [TensorType(Self.resultElement(for: element), inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let element = Self.resultElement(for: inputs[0].type.element)
        return [inputs[0].mapped(to: element, value(at:), whole(at:))]
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs[0].shape.count * Self.operationsPerElement
    }
}

extension OperatorSchema {
    /// The schema of an operator with one input and an output of its shape.
    static func elementwise(
        _ name: String, domain: Domain = .onnx, since: Int, _ summary: String, _ types: TypeSet,
        giving results: TypeSet? = nil, names: (input: String, output: String) = ("X", "Y"),
        attributes: [AttributeParameter] = []
    ) -> OperatorSchema {
        OperatorSchema(
            name, domain: domain, since: since, summary,
            inputs: [.required(names.input, types, "any shape")],
            outputs: [.required(names.output, results ?? types, "the shape of \(names.input)")],
            attributes: attributes)
    }
}

extension HostTensor {
    /// Each element through a function: floats as doubles, integers and bools exactly.
    func mapped(
        to element: ElementType, _ value: (Double) -> Double, _ whole: (Int128) -> Int128
    ) -> HostTensor {
        let result = TensorType(element, type.shape)
        return type.element.isFloating
            ? HostTensor(result, doubles: doubles.map(value))
            : HostTensor(result, wrapping: wholes.map(whole))
    }
}

extension Int128 {
    /// The value without its fraction, and 0 for NaN and what no integer of 128 bits holds.
    init(cutting value: Double) { self = Int128(exactly: value.rounded(.towardZero)) ?? 0 }
}

extension Comparable {
    /// The value, or the bound that it lies beyond; what is beyond both becomes the higher one.
    func held(between low: Self, and high: Self) -> Self {
        let raised = self < low ? low : self
        return raised > high ? high : raised
    }
}

/// An operator that only moves data: any element type, exact, no arithmetic.
package protocol MovementOperator: Operator {}

extension MovementOperator {
    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}
