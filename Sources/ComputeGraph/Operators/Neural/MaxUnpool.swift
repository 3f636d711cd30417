/// Elements put back to where `MaxPool` found them, among zeros: ONNX's `MaxUnpool`.
///
/// Inputs: x and the indices, which count in the whole image that x was pooled from. An index outside it, or a
/// place that a smaller output does not have, is passed over; of several elements in one place the last stays.
package struct MaxUnpool: Operator {
    package static let name = "MaxUnpool"
    /// The extents behind batch and channels of the image that indices count in.
    package var imageExtents: [Int]
    /// Those of the output, in which the image begins at the first element.
    package var outputExtents: [Int]

    package init(imageExtents: [Int], outputExtents: [Int]? = nil) {
        self.imageExtents = imageExtents
        self.outputExtents = outputExtents ?? imageExtents
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireIndices(inputs[1])
        try requireShape(inputs[1], inputs[0].shape, "the tensor of indices")
        let axes = try spatialAxes(of: inputs[0])
        try require(
            imageExtents.count == axes && outputExtents.count == axes,
            "there are \(axes) extents, not \(imageExtents) and \(outputExtents)")
        let kept = Array(inputs[0].shape.extents[..<2])
        _ = try Shape(checking: kept + imageExtents)
        return [TensorType(inputs[0].element, try Shape(checking: kept + outputExtents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let image = Shape(Array(type.shape.extents[..<2]) + imageExtents)
        let strides = type.shape.strides
        var sources = [Int](repeating: -1, count: type.shape.count)
        for (source, index) in inputs[1].indices.enumerated() where index >= 0 && index < image.count {
            let place = image.coordinates(of: index)
            guard zip(place, type.shape.extents).allSatisfy({ $0 < $1 }) else { continue }
            sources[zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 }] = source
        }
        return [inputs[0].moved(to: type) { sources[$0] < 0 ? nil : sources[$0] }]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}

extension MaxUnpool: ModelOperator {
    package static let schema = OperatorSchema(
        "MaxUnpool", since: 9, "Elements put back to where MaxPool found them, among zeros.",
        inputs: [
            .required("X", .floats, "[batch, channels, ...]"),
            .required(
                "I", .int64, "the shape of X: the flat index of each element in the image before pooling"),
            .optional("output_shape", .int64, "the shape of the output"),
        ],
        outputs: [.required("output", .floats, "[batch, channels, ...]")],
        attributes: [.kernelShape.required, .pads, .strides])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let shape = inputs[0].shape
        // Windows of stride 1: as large as makes the image, or cut where the image is smaller than x.
        let left = imageExtents.indices.map { imageExtents[$0] - shape[$0 + 2] }
        let output = outputExtents == imageExtents ? [] : [shape[0], shape[1]] + outputExtents
        return WrittenCall(
            Self.schema,
            [
                "kernel_shape": .ints(left.map { max($0, 0) + 1 }),
                "pads": .ints(left.map { _ in 0 } + left.map { max(-$0, 0) }),
            ], operands: inputs, output.isEmpty ? [] : [.integers(output)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let shape = graph.type(of: x).shape
        let extents = Array(shape.extents.dropFirst(2))
        let window = Window(
            kernel: try call.ints("kernel_shape"),
            strides: try call.someInts("strides") ?? extents.map { _ in 1 },
            pads: try call.someInts("pads") ?? [Int](repeating: 0, count: 2 * extents.count))
        if let fault = window.fault(axes: extents.count) { throw call.error(fault) }
        try call.require(extents.allSatisfy { $0 <= 1 << 32 }, "the extents \(extents) are too large")
        let image = extents.indices.map { axis in
            (extents[axis] - 1) * window.strides[axis] + window.kernel[axis] - window.pads[axis]
                - window.pads[axis + extents.count]
        }
        var output = image
        if let given = try call.optional(2) {
            let wanted = try graph.integers(given)
            try call.require(
                wanted.count == shape.rank && wanted.prefix(2).elementsEqual(shape.extents.prefix(2)),
                "output_shape \(wanted) has the batch and channels of \(shape)")
            output = Array(wanted.dropFirst(2))
        }
        let rule = MaxUnpool(imageExtents: image, outputExtents: output)
        return [.tensor(try graph.add(rule, [x, call.input(1)]))]
    }
}
