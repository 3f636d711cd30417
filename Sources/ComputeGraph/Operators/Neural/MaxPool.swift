/// The largest element under a window sliding over `[batch, channels, ...]`: ONNX's `MaxPool`.
///
/// Padding never wins, and a window that holds nothing else gives the lowest value. A NaN under the window gives NaN.
/// With `hasIndices` a second output says where in x each element was found, in int64; -1 stands for nowhere.
package struct MaxPool: Operator {
    package static let name = "MaxPool"
    package var kernelShape: [Int]
    package var strides: [Int]
    package var pads: [Int]
    package var dilations: [Int]
    package var hasIndices: Bool
    /// Whether indices count along the first axis of a plane fastest, as in a column-major matrix.
    package var countsColumnsFirst: Bool

    /// The defaults are for two axes; without dilations each is 1.
    package init(
        kernelShape: [Int], strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0], dilations: [Int]? = nil,
        hasIndices: Bool = false, countsColumnsFirst: Bool = false
    ) {
        self.kernelShape = kernelShape
        self.strides = strides
        self.pads = pads
        self.dilations = dilations ?? kernelShape.map { _ in 1 }
        self.hasIndices = hasIndices
        self.countsColumnsFirst = countsColumnsFirst
    }

    package var window: Window {
        Window(kernel: kernelShape, strides: strides, pads: pads, dilations: dilations)
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = inputs[0].element
        if element != .int8 && element != .uint8 { try requireFloating(inputs) }
        let type = try pooledType(of: inputs[0], window: window)
        return hasIndices ? [type, TensorType(.int64, type.shape)] : [type]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let types = knownOutputTypes(inputs)
        let shape = inputs[0].type.shape
        // An integer type holds this as its lowest value.
        var result = [Double](repeating: -.infinity, count: types[0].shape.count)
        var indices = [Int64](repeating: -1, count: hasIndices ? result.count : 0)
        window.forEachOutput(of: shape, types[0].shape) { output, taps in
            guard let best = largest(of: x, at: taps) else { return }
            result[output] = x[best]
            if hasIndices {
                indices[output] = Int64(countsColumnsFirst ? columnIndex(best, in: shape) : best)
            }
        }
        let y = HostTensor(types[0], doubles: result)
        return hasIndices ? [y, HostTensor(types[1], integers: indices)] : [y]
    }

    /// The flat index of an element where the first axis of each plane is counted fastest.
    private func columnIndex(_ index: Int, in shape: Shape) -> Int {
        let plane = shape.extents[2...].reduce(1, *)
        var step = 1
        var result = index / plane * plane
        for (extent, place) in zip(shape.extents, shape.coordinates(of: index)).dropFirst(2) {
            result += place * step
            step *= extent
        }
        return result
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(MaxPoolGradient(self), [gradient, node.inputs[0]])]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount([outputs[0].shape.count] + kernelShape)
    }
}

extension MaxPool: ModelOperator {
    package static let schema = OperatorSchema(
        "MaxPool", "The largest element under a window that slides along the axes of images.",
        inputs: [.required("X", [.floats, TypeSet(.int8), TypeSet(.uint8)], "[batch, channels, ...]")],
        outputs: [
            .required("Y", [.floats, TypeSet(.int8), TypeSet(.uint8)], "[batch, channels, ...]"),
            .optional("Indices", .int64, "the flat index in X of each element of Y"),
        ],
        attributes: [
            .autoPad, .ceilMode, .dilations, .kernelShape.required, .pads, .strides,
            .int("storage_order", 0, "1 where indices count along the first axis of a plane fastest"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let window = Window(kernel: kernelShape, strides: strides, pads: pads, dilations: dilations)
        var attributes = window.trimmed(over: Array(inputs[0].shape.extents.dropFirst(2))).attributes
        attributes["storage_order"] = .flag(countsColumnsFirst)
        return WrittenCall(Self.schema, since: 12, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let extents = Array(graph.type(of: x).shape.extents.dropFirst(2))
        var window = try call.window(kernel: call.ints("kernel_shape"), over: extents)
        // Padding never wins, so that more of it changes only how many windows there are.
        for (axis, overhang) in try call.overhang(of: window, over: extents).enumerated() {
            window.pads[axis + extents.count] += overhang
        }
        let pool = MaxPool(
            kernelShape: window.kernel, strides: window.strides, pads: window.pads,
            dilations: window.dilations,
            hasIndices: call.wantsOutput(1), countsColumnsFirst: try call.flag("storage_order"))
        guard extents.count == 1, !pool.hasIndices else {
            return try graph.addNode(pool, [x]).map(GraphValue.tensor)
        }
        _ = try pool.outputTypes(of: [graph.type(of: x)])
        let image = try graph.withAxis(x, at: 2)
        let result = try graph.add(pool.overImages, [image])
        return [.tensor(try graph.withoutAxis(result, at: 2))]
    }

    /// This pool along one axis, as one over images of height 1.
    private var overImages: MaxPool {
        MaxPool(
            kernelShape: [1] + kernelShape, strides: [1] + strides, pads: [0, pads[0], 0, pads[1]],
            dilations: [1] + dilations)
    }
}
