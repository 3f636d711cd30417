/// The mean under a window sliding over `[batch, channels, height, width]`: ONNX's `AveragePool` in two
/// dimensions, rounding down.
///
/// Padding counts as zeros when `countIncludePad`, else it is left out of the mean. A NaN under the window gives
/// NaN.
package struct AveragePool: Operator {
    package static let name = "AveragePool"
    package var kernelShape: [Int]
    package var strides: [Int]
    package var pads: [Int]
    package var countIncludePad: Bool

    package init(
        kernelShape: [Int], strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0], countIncludePad: Bool = false
    ) {
        self.kernelShape = kernelShape
        self.strides = strides
        self.pads = pads
        self.countIncludePad = countIncludePad
    }

    package var window: Window { Window(kernel: kernelShape, strides: strides, pads: pads) }

    /// What the sum of a window with so many elements inside the input is divided by.
    func divisor(inside count: Int) -> Double {
        Double(countIncludePad ? kernelShape.reduce(1, *) : count)
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        return [try pooledType(of: inputs[0], window: window)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let type = knownOutputTypes(inputs)[0]
        var result = [Double](repeating: 0, count: type.shape.count)
        window.forEachOutput(of: inputs[0].type.shape, type.shape) { output, taps in
            result[output] = taps.reduce(0) { $0 + x[$1] } / divisor(inside: taps.count)
        }
        return [HostTensor(type, doubles: result)]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let shape = builder.type(of: node.inputs[0]).shape
        return [try builder.add(AveragePoolGradient(self, inputShape: shape), [gradient])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: kernelShape.reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs[0].shape.count * kernelShape.reduce(1, *)
    }
}
