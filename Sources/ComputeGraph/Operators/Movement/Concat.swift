/// The inputs joined along one axis; their other extents are equal.
package struct Concat: MovementOperator {
    package static let name = "Concat"
    package var axis: Int

    package init(axis: Int) { self.axis = axis }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        guard let first = inputs.first else { throw mismatch("takes at least one input") }
        let axis = try resolvedAxis(axis, rank: first.shape.rank)
        var extents = first.shape.extents
        extents[axis] = 0
        for input in inputs {
            let others = input.shape.extents.enumerated().allSatisfy {
                $0.offset == axis || first.shape.rank > $0.offset && $0.element == first.shape[$0.offset]
            }
            try require(
                input.element == first.element && input.shape.rank == first.shape.rank && others,
                "\(first) and \(input) differ in more than axis \(axis)")
            // Neither number is above the most elements of a shape, so that their sum does not overflow.
            extents[axis] = try Shape(checking: [extents[axis] + input.shape[axis]])[0]
        }
        return [TensorType(first.element, try Shape(checking: extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var result = HostTensor(zeros: knownOutputTypes(inputs)[0])
        let size = result.type.element.size
        guard result.type.shape.count > 0 else { return [result] }
        if size == 0 { return [joinedStrings(inputs, as: result.type)] }
        let view = AxisView(result.type.shape, axis: axis)
        let rowBytes = view.length * view.inner * size
        var offset = 0
        for input in inputs {
            let bytes = AxisView(input.type.shape, axis: axis).length * view.inner * size
            unsafe input.withBytes { source in
                unsafe result.withMutableBytes { target in
                    for row in 0..<view.outer {
                        let part = unsafe UnsafeRawBufferPointer(
                            rebasing: source[row * bytes..<(row + 1) * bytes])
                        let start = row * rowBytes + offset
                        unsafe UnsafeMutableRawBufferPointer(rebasing: target[start..<start + bytes])
                            .copyMemory(from: part)
                    }
                }
            }
            offset += bytes
        }
        return [result]
    }

    private func joinedStrings(_ inputs: [HostTensor], as type: TensorType) -> HostTensor {
        var result: [String] = []
        let rows = AxisView(type.shape, axis: axis).outer
        let parts = inputs.map(\.strings)
        for row in 0..<rows {
            for part in parts {
                let width = part.count / rows
                result += part[row * width..<(row + 1) * width]
            }
        }
        return HostTensor(type, strings: result)
    }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return node.inputs.map { _ in nil } }
        let axis = try resolvedAxis(axis, rank: builder.type(of: gradient).shape.rank)
        var start = 0
        var gradients: [ValueID?] = []
        for input in node.inputs {
            let end = start + builder.type(of: input).shape[axis]
            gradients.append(
                try builder.add(Slice(starts: [start], ends: [end], axes: [axis]), [gradient]))
            start = end
        }
        return gradients
    }
}

extension Concat: ModelOperator {
    package static let schema = OperatorSchema(
        "Concat", "The inputs joined along one axis.",
        inputs: [.variadic("inputs", .tensors, "one or more, of equal extents but along the axis")],
        outputs: [.required("concat_result", .tensors, "the extents along the axis added up")],
        attributes: [.int("axis", nil, "the axis; required from version 4, and 1 without it before")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.allInputs()
        let axis = call.version < 4 ? try call.optionalInt("axis") ?? 1 : try call.int("axis")
        return [.tensor(try graph.addForAny(Concat(axis: axis), inputs))]
    }
}
