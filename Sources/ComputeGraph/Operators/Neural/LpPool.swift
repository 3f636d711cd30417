#if canImport(Glibc)
internal import Glibc
#endif

/// The p-norm of what lies under a window sliding over `[batch, channels, ...]`: ONNX's `LpPool`.
///
/// Padding counts as zeros. A NaN under the window gives NaN.
package struct LpPool: Operator {
    package static let name = "LpPool"
    package var window: Window
    package var p: Double

    package init(window: Window, p: Double = 2) {
        self.window = window
        self.p = p
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        try requireNorm(p)
        return [try pooledType(of: inputs[0], window: window)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let x = inputs[0].doubles
        let type = knownOutputTypes(inputs)[0]
        var result = [Double](repeating: 0, count: type.shape.count)
        window.forEachOutput(of: inputs[0].type.shape, type.shape) { output, taps in
            var sum = 0.0
            for index in taps { sum += power(x[index], p) }
            result[output] = root(sum, p)
        }
        return [HostTensor(type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: window.kernel.reduce(1, *))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount([2, outputs[0].shape.count] + window.kernel)
    }
}

extension Operator {
    func requireNorm(_ p: Double) throws(GraphError) {
        try require(p > 0 && p.isFinite, "the order of a norm is a positive number, not \(p)")
    }
}

/// A term of a p-norm.
func power(_ x: Double, _ p: Double) -> Double { p == 2 ? x * x : p == 1 ? abs(x) : pow(abs(x), p) }

/// The p-norm from the sum of its terms.
func root(_ sum: Double, _ p: Double) -> Double {
    p == 2 ? sum.squareRoot() : p == 1 ? sum : pow(sum, 1 / p)
}

extension OperatorCall {
    /// The order of a norm: a float in version 1, an integer from version 2 on, 2 where left out.
    func norm() throws(GraphError) -> Double {
        switch attribute("p") {
        case nil: 2
        case .float(let p): p
        case .int(let p): Double(p)
        case .some: throw error("the attribute p is not a number")
        }
    }
}

extension LpPool: ModelOperator {
    package static let schema = OperatorSchema(
        "LpPool", "The p-norm of what lies under a window that slides along the axes of images.",
        inputs: [.required("X", .floats, "[batch, channels, ...]")],
        outputs: [.required("Y", .floats, "[batch, channels, ...]")],
        attributes: [
            .autoPad, .ceilMode, .dilations, .kernelShape.required,
            .int("p", nil, "the order of the norm, 2 where left out; a float in version 1"), .pads, .strides,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard let p = Int(exactly: p) else { return nil }
        var attributes = window.trimmed(over: Array(inputs[0].shape.extents.dropFirst(2))).attributes
        attributes["p"] = .int(p)
        return WrittenCall(Self.schema, since: 18, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let extents = Array(graph.type(of: x).shape.extents.dropFirst(2))
        var window = try call.window(kernel: call.ints("kernel_shape"), over: extents)
        for (axis, overhang) in try call.overhang(of: window, over: extents).enumerated() {
            window.pads[axis + extents.count] += overhang
        }
        return [.tensor(try graph.add(LpPool(window: window, p: call.norm()), [x]))]
    }
}
