/// The largest element under a window sliding over `[batch, channels, height, width]`: ONNX's `MaxPool` in two
/// dimensions, rounding down, with one output.
///
/// Padding never wins. A NaN under the window gives NaN.
package struct MaxPool: Operator {
    package static let name = "MaxPool"
    package var kernelShape: [Int]
    package var strides: [Int]
    package var pads: [Int]

    package init(kernelShape: [Int], strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0]) {
        self.kernelShape = kernelShape
        self.strides = strides
        self.pads = pads
    }

    package var window: Window { Window(kernel: kernelShape, strides: strides, pads: pads) }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        return [try pooledType(of: inputs[0], window: window)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let type = knownOutputTypes(inputs)[0]
        var result = [Double](repeating: -.infinity, count: type.shape.count)
        window.forEachOutput(of: inputs[0].type.shape, type.shape) { output, taps in
            result[output] = x[largest(of: x, at: taps)]
        }
        return [HostTensor(type, doubles: result)]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(MaxPoolGradient(self), [gradient, node.inputs[0]])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs[0].shape.count * kernelShape.reduce(1, *)
    }
}

/// The index of the largest element, of the first where several are equal, and of the first NaN where there is
/// one.
func largest(of x: [Double], at indices: [Int]) -> Int {
    indices.dropFirst().reduce(indices[0]) { best, index in
        x[best].isNaN ? best : x[index].isNaN || x[index] > x[best] ? index : best
    }
}
