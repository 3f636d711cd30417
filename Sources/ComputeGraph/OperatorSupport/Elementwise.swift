/// An operator that computes each element of its output from the same element of its one input.
package protocol ElementwiseOperator: Operator {
    /// Counted towards `floatingPointOperations`; a transcendental function counts as one.
    static var operationsPerElement: Int { get }

    func value(at x: Double) -> Double
}

extension ElementwiseOperator {
    package static var operationsPerElement: Int { 1 }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        [HostTensor(inputs[0].type, doubles: inputs[0].doubles.map(value(at:)))]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs[0].shape.count * Self.operationsPerElement
    }
}

/// An operator of two operands of one floating type that NumPy's broadcasting rule brings to one shape.
package protocol BroadcastingOperator: Operator {
    func value(_ left: Double, _ right: Double) -> Double
}

extension BroadcastingOperator {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireFloating(inputs)
        guard let shape = inputs[0].shape.broadcast(with: inputs[1].shape) else {
            throw mismatch(
                "the shapes \(inputs[0].shape) and \(inputs[1].shape) do not broadcast: "
                    + "counted from the last axis, extents must be equal or 1")
        }
        return [TensorType(element, shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let left = inputs[0].doubles
        let right = inputs[1].doubles
        let leftIndices = broadcastIndices(of: inputs[0].type.shape, in: type.shape)
        let rightIndices = broadcastIndices(of: inputs[1].type.shape, in: type.shape)
        let values = zip(leftIndices, rightIndices).map { value(left[$0], right[$1]) }
        return [HostTensor(type, doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }
}

/// An operator that only moves data: any element type, exact, no arithmetic.
package protocol MovementOperator: Operator {}

extension MovementOperator {
    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}
