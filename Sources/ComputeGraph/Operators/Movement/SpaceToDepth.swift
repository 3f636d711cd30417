/// Blocks of rows and columns of an image laid out as channels.
package enum SpaceToDepth: ModelOperator {
    package static let schema = OperatorSchema(
        "SpaceToDepth", "Blocks of rows and columns of images laid out as channels.",
        inputs: [.required("input", .tensors, "images, channels, rows and columns")],
        outputs: [.required("output", .tensors, "more channels, fewer rows and columns")],
        attributes: [
            .int("blocksize", nil, "the rows and columns of a block; it divides those of the images").required
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let size = try call.int("blocksize")
        try call.require(shape.rank == 4, "images have four axes, not the shape \(shape)")
        try call.require(
            size >= 1 && shape[2] % size == 0 && shape[3] % size == 0,
            "blocks of \(size) by \(size) do not divide the images of \(shape)")
        _ = try Shape(checking: [shape[0], shape[1], size, size])
        let (rows, columns) = (shape[2] / size, shape[3] / size)
        let apart = try graph.reshaped(data, to: [shape[0], shape[1], rows, size, columns, size])
        let moved = try graph.transposed(apart, [0, 3, 5, 1, 2, 4])
        let result = try graph.reshaped(moved, to: [shape[0], shape[1] * size * size, rows, columns])
        return [.tensor(result)]
    }
}
