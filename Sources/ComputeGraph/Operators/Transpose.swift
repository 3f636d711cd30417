/// The axes in another order: axis `i` of the result is axis `permutation[i]` of the input (ONNX's `perm`).
package struct Transpose: MovementOperator {
    package static let name = "Transpose"
    package var permutation: [Int]

    package init(_ permutation: [Int]) { self.permutation = permutation }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let shape = inputs[0].shape
        try require(
            permutation.sorted() == Array(0..<shape.rank),
            "\(permutation) does not name each axis of \(shape) once")
        return [TensorType(inputs[0].element, Shape(permutation.map { shape[$0] }))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let strides = inputs[0].type.shape.strides
        let moved = permutation.map { strides[$0] }
        return [
            inputs[0].moved(to: type) { index in
                zip(type.shape.coordinates(of: index), moved).reduce(0) { $0 + $1.0 * $1.1 }
            }
        ]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        var inverse = permutation
        for (axis, source) in permutation.enumerated() { inverse[source] = axis }
        return [try builder.add(Transpose(inverse), [gradient])]
    }
}
