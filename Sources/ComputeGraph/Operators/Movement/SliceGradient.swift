/// The gradient of `Slice` by its input: the output's gradient where elements were taken, zeros elsewhere.
package struct SliceGradient: MovementOperator {
    package static let name = "SliceGradient"
    package var slice: Slice
    package var inputShape: Shape

    package init(_ slice: Slice, inputShape: Shape) {
        self.slice = slice
        self.inputShape = inputShape
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let x = TensorType(inputs[0].element, inputShape)
        try requireShape(inputs[0], try slice.outputTypes(of: [x])[0].shape, "the output's gradient")
        return [x]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let zeros = HostTensor(zeros: TensorType(inputs[0].type.element, inputShape))
        return [zeros.replacing(inputs[0], at: slice.grid(in: inputShape))]
    }
}
