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
        var origin = [Int?](repeating: nil, count: inputShape.count)
        for (index, target) in slice.sourceIndices(in: inputShape, taken: inputs[0].type.shape).enumerated() {
            origin[target] = index
        }
        return [inputs[0].moved(to: TensorType(inputs[0].type.element, inputShape)) { origin[$0] }]
    }
}
