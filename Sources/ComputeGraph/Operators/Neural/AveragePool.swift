/// The mean under a window sliding over `[batch, channels, ...]`: ONNX's `AveragePool`.
///
/// Padding counts as zeros when `countIncludePad`, else it is left out of the mean. A NaN under the window gives NaN,
/// as does a window that counts nothing.
package struct AveragePool: Operator {
    package static let name = "AveragePool"
    package var kernelShape: [Int]
    package var strides: [Int]
    package var pads: [Int]
    package var dilations: [Int]
    package var countIncludePad: Bool
    /// How far the last windows reach behind the padding along each axis; what lies there is never counted.
    package var overhang: [Int]

    /// The defaults are for two axes; without dilations each is 1, and without overhang there is none.
    package init(
        kernelShape: [Int], strides: [Int] = [1, 1], pads: [Int] = [0, 0, 0, 0], dilations: [Int]? = nil,
        countIncludePad: Bool = false, overhang: [Int]? = nil
    ) {
        self.kernelShape = kernelShape
        self.strides = strides
        self.pads = pads
        self.dilations = dilations ?? kernelShape.map { _ in 1 }
        self.countIncludePad = countIncludePad
        self.overhang = overhang ?? kernelShape.map { _ in 0 }
    }

    /// The window with the overhang as part of its pads.
    package var window: Window {
        var all = pads
        if pads.count == 2 * overhang.count {
            for (axis, more) in overhang.enumerated() { all[axis + overhang.count] += more }
        }
        return Window(kernel: kernelShape, strides: strides, pads: all, dilations: dilations)
    }

    /// Whether every window is divided by its whole kernel, or by what it holds of the input.
    package var hasPlainDivisor: Bool { !countIncludePad || overhang.allSatisfy { $0 == 0 } }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        try require(
            overhang.count == kernelShape.count && overhang.allSatisfy { $0 >= 0 && $0 <= Window.limit },
            "the overhang \(overhang) has one extent of at least 0 for each axis")
        return [try pooledType(of: inputs[0], window: window)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let type = knownOutputTypes(inputs)[0]
        let divisors = divisors(x: inputs[0].type.shape, y: type.shape)
        var result = [Double](repeating: 0, count: type.shape.count)
        window.forEachOutput(of: inputs[0].type.shape, type.shape) { output, taps in
            var sum = 0.0
            for index in taps { sum += x[index] }
            result[output] = sum / divisors.divisor(of: output, inside: taps.count)
        }
        return [HostTensor(type, doubles: result)]
    }

    package static let hasGradient = true

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
        operationCount([outputs[0].shape.count] + kernelShape)
    }
}

extension AveragePool {
    /// What the sum of each window is divided by.
    struct Divisors {
        /// The counted taps along each axis, for each output there; empty where only what lies inside counts.
        fileprivate let counted: [[Int]]

        func divisor(of output: Int, inside: Int) -> Double {
            if counted.isEmpty { return Double(inside) }
            var (rest, divisor) = (output, 1)
            for counts in counted.reversed() {
                divisor *= counts[rest % counts.count]
                rest /= counts.count
            }
            return Double(divisor)
        }
    }

    func divisors(x: Shape, y: Shape) -> Divisors {
        guard countIncludePad, y.count > 0 else { return Divisors(counted: []) }
        // A window over the input with its padding inside it, so that all but the overhang counts.
        let axes = kernelShape.count
        let inner = Window(
            kernel: kernelShape, strides: strides, pads: [Int](repeating: 0, count: 2 * axes),
            dilations: dilations)
        return Divisors(
            counted: (0..<axes).map { axis in
                inner.taps(
                    along: axis, input: x[axis + 2] + pads[axis] + pads[axis + axes], output: y[axis + 2]
                ).map(\.count)
            })
    }
}

extension AveragePool: ModelOperator {
    package static let schema = OperatorSchema(
        "AveragePool", "The mean under a window that slides along the axes of images.",
        inputs: [.required("X", .floats, "[batch, channels, ...]")],
        outputs: [.required("Y", .floats, "[batch, channels, ...]")],
        attributes: [
            .autoPad, .ceilMode,
            .int("count_include_pad", 0, "whether padding counts as zeros, and is not left out of the mean"),
            .dilations, .kernelShape.required, .pads, .strides,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let given = Window(kernel: kernelShape, strides: strides, pads: pads, dilations: dilations)
        let isPlain = overhang.allSatisfy { $0 == 0 }
        let isCeiling =
            !isPlain && given.overhang(over: Array(inputs[0].shape.extents.dropFirst(2))) == overhang
        // What is not counted may as well be padding.
        let padded = isPlain || isCeiling ? given : countIncludePad ? nil : window
        guard let padded else { return nil }
        var attributes = padded.attributes
        attributes["ceil_mode"] = .flag(isCeiling)
        attributes["count_include_pad"] = .flag(countIncludePad)
        return WrittenCall(Self.schema, since: 19, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let extents = Array(graph.type(of: x).shape.extents.dropFirst(2))
        let window = try call.window(kernel: call.ints("kernel_shape"), over: extents)
        let pool = AveragePool(
            kernelShape: window.kernel, strides: window.strides, pads: window.pads,
            dilations: window.dilations,
            countIncludePad: try call.flag("count_include_pad"),
            overhang: try call.overhang(of: window, over: extents))
        guard extents.count == 1 else { return [.tensor(try graph.add(pool, [x]))] }
        _ = try pool.outputTypes(of: [graph.type(of: x)])
        let image = try graph.withAxis(x, at: 2)
        let result = try graph.add(pool.overImages, [image])
        return [.tensor(try graph.withoutAxis(result, at: 2))]
    }

    /// This pool along one axis, as one over images of height 1.
    private var overImages: AveragePool {
        AveragePool(
            kernelShape: [1] + kernelShape, strides: [1] + strides, pads: [0, pads[0], 0, pads[1]],
            dilations: [1] + dilations, countIncludePad: countIncludePad, overhang: [0] + overhang)
    }
}
