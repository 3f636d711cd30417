/// The places that an affine map sends the points of a regular grid to: ONNX's `AffineGrid`, for images of two or
/// three axes.
///
/// The input `[batch, axes, axes + 1]` holds a matrix for each image. Points and places are counted from -1 to 1
/// along each axis, from corner to corner where `alignsCorners`, else from edge to edge. A NaN stays in its
/// coordinate.
package struct AffineGrid: Operator {
    package static let name = "AffineGrid"
    /// The extents of the grid, outermost axis first.
    package var extents: [Int]
    package var alignsCorners: Bool

    package init(extents: [Int], alignsCorners: Bool = false) {
        self.extents = extents
        self.alignsCorners = alignsCorners
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        let axes = extents.count
        try require(axes == 2 || axes == 3, "a grid has two or three axes, not the extents \(extents)")
        try requireRank(inputs[0], 3, "theta")
        let batch = inputs[0].shape[0]
        try requireShape(inputs[0], [batch, axes, axes + 1], "theta")
        return [TensorType(inputs[0].element, try Shape(checking: [batch] + extents + [axes]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let theta = inputs[0].doubles
        let axes = extents.count
        let points = extents.reduce(1, *)
        var result = [Double](repeating: 0, count: type.shape.count)
        for image in 0..<(result.isEmpty ? 0 : type.shape[0]) {
            var place = extents.map { _ in 0 }
            for point in 0..<points {
                for row in 0..<axes {
                    let matrix = (image * axes + row) * (axes + 1)
                    var sum = theta[matrix + axes]
                    // The matrix counts the axes from the innermost one.
                    for axis in 0..<axes {
                        sum +=
                            theta[matrix + axis]
                            * coordinate(place[axes - 1 - axis], extents[axes - 1 - axis])
                    }
                    result[(image * points + point) * axes + row] = sum
                }
                advance(&place, within: extents)
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    private func coordinate(_ index: Int, _ extent: Int) -> Double {
        if alignsCorners { return extent == 1 ? 0 : 2 * Double(index) / Double(extent - 1) - 1 }
        return (2 * Double(index) + 1) / Double(extent) - 1
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, extents.count, outputs[0].shape.count)
    }
}

extension AffineGrid: ModelOperator {
    package static let schema = OperatorSchema(
        "AffineGrid", since: 20, "The places that an affine map sends the points of a regular grid to.",
        inputs: [
            .required("theta", .floats, "[batch, axes, axes + 1], for two or three axes"),
            .required("size", .int64, "[batch, channels, ...], the extents of the image to be sampled"),
        ],
        outputs: [.required("grid", .floats, "[batch, ..., axes], the innermost axis first")],
        attributes: [.int("align_corners", 0, "whether -1 and 1 are the outer elements, and not their edges")]
    )

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, ["align_corners": .flag(alignsCorners)], operands: inputs,
            [.integers([inputs[0].shape[0], 1] + extents)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let theta = try call.input(0)
        let size = try graph.integers(call.input(1))
        try call.require(
            size.count >= 2 && graph.type(of: theta).shape.extents.first == size[0],
            "theta \(graph.type(of: theta)) holds a matrix for each image of \(size)")
        let rule = AffineGrid(
            extents: Array(size.dropFirst(2)), alignsCorners: try call.flag("align_corners"))
        return [.tensor(try graph.add(rule, [theta]))]
    }
}
