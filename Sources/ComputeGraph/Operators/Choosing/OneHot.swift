/// Indices as vectors along a new axis: one value at the index, another everywhere else.
///
/// The second input holds the value elsewhere and the value at the index. A negative index counts from the back; one
/// outside gives a vector without the value.
package struct OneHot: MovementOperator {
    package static let name = "OneHot"
    package var depth: Int
    /// The place of the new axis in the result.
    package var axis: Int

    package init(depth: Int, axis: Int = -1) {
        self.depth = depth
        self.axis = axis
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireCommon(.numbers, inputs[..<1])
        try requireShape(inputs[1], [2], "the tensor of values")
        var extents = inputs[0].shape.extents
        extents.insert(depth, at: try resolvedAxis(axis, rank: extents.count + 1))
        return [TensorType(inputs[1].element, try Shape(checking: extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let view = AxisView(type.shape, axis: axis)
        var values = [Int](repeating: 0, count: type.shape.count)
        for (place, index) in wholeNumbers(inputs[0]).enumerated() {
            guard let index = resolvedIndex(index, extent: depth) else { continue }
            values[(place / view.inner * depth + index) * view.inner + place % view.inner] = 1
        }
        return [inputs[1].moved(to: type, by: OffsetGrid([values]))]
    }

    /// The indices, cut to whole numbers; what is none lies outside.
    private func wholeNumbers(_ indices: HostTensor) -> [Int] {
        if indices.type.element.isFloating {
            return indices.doubles.map { Int(exactly: $0.rounded(.towardZero)) ?? .max }
        }
        return indices.wholes.map { Int(clamping: $0) }
    }
}

extension OneHot: ModelOperator {
    package static let schema = OperatorSchema(
        "OneHot", since: 9, "Indices as vectors along a new axis.",
        inputs: [
            .required("indices", .numbers, "any shape; negative ones count from the end"),
            .required("depth", .numbers, "one number: the extent of the new axis"),
            .required("values", .tensors, "two: the value elsewhere, and the value at the index"),
        ],
        outputs: [.required("output", .tensors, "the shape of the indices with the new axis")],
        attributes: [.int("axis", -1, "the place of the new axis; a negative one counts from the last")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        // The type of the count with which ONNX Runtime has values of this type.
        let isFloat = [ElementType.float32, .int32].contains(inputs[1].element) && depth < 1 << 24
        let count = HostTensor.scalar(Double(depth), .float32)
        return WrittenCall(
            Self.schema, attributes: ["axis": .int(axis)],
            inputs: [.operand(0), isFloat ? .constant(count) : .integer(depth), .operand(1)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let depth = try graph.tensor(call.input(1))
        guard depth.type.shape.count == 1, let count = Int(exactly: depth.doubles[0].rounded(.towardZero))
        else {
            throw call.error("the depth is one number, not \(depth.type)")
        }
        let oneHot = OneHot(depth: count, axis: try call.int("axis"))
        return [.tensor(try graph.addForAny(oneHot, [call.input(0), call.input(2)]))]
    }
}
