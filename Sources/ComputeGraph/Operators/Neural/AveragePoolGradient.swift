/// The gradient of `AveragePool` by its input, from its output's gradient, which each window shares out evenly.
///
/// A NaN reaches every element its window covers.
package struct AveragePoolGradient: Operator {
    package static let name = "AveragePoolGradient"
    package var pool: AveragePool
    package var inputShape: Shape

    package init(_ pool: AveragePool, inputShape: Shape) {
        self.pool = pool
        self.inputShape = inputShape
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let x = TensorType(try requireFloating(inputs), inputShape)
        try requireShape(inputs[0], try pool.outputTypes(of: [x])[0].shape, "the output's gradient")
        return [x]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let gradient = inputs[0].doubles
        let divisors = pool.divisors(x: inputShape, y: inputs[0].type.shape)
        var result = [Double](repeating: 0, count: inputShape.count)
        pool.window.forEachOutput(of: inputShape, inputs[0].type.shape) { output, taps in
            let share = gradient[output] / divisors.divisor(of: output, inside: taps.count)
            for index in taps { result[index] += share }
        }
        return [HostTensor(TensorType(inputs[0].type.element, inputShape), doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: pool.kernelShape.reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount([inputs[0].shape.count] + pool.kernelShape)
    }
}
