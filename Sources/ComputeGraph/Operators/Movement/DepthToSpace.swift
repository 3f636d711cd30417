/// Blocks of channels of an image laid out as blocks of its rows and columns.
package enum DepthToSpace: ModelOperator {
    package static let schema = OperatorSchema(
        "DepthToSpace", "Channels of images laid out as blocks of rows and columns.",
        inputs: [.required("input", .tensors, "images, channels, rows and columns")],
        outputs: [.required("output", .tensors, "fewer channels, more rows and columns")],
        attributes: [
            .int("blocksize", nil, "the rows and columns of a block; its square divides the channels")
                .required,
            .string(
                "mode", "DCR", "whether channels of one place in the block are neighbours, DCR, or not, CRD"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let size = try call.int("blocksize")
        let mode = try call.string("mode")
        try call.require(shape.rank == 4, "images have four axes, not the shape \(shape)")
        try call.require(mode == "DCR" || mode == "CRD", "it has no mode \(mode)")
        try call.require(
            size >= 1 && shape[1] % size == 0 && shape[1] / size % size == 0,
            "blocks of \(size) by \(size) do not divide \(shape[1]) channels")
        _ = try Shape(checking: [shape[0], shape[2], size, shape[3], size])
        let (channels, rows, columns) = (shape[1] / size / size, shape[2], shape[3])
        let isChannelLast = mode == "DCR"
        let blocks =
            isChannelLast
            ? [shape[0], size, size, channels, rows, columns]
            : [shape[0], channels, size, size, rows, columns]
        let apart = try graph.reshaped(data, to: blocks)
        let order = isChannelLast ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]
        let moved = try graph.transposed(apart, order)
        let result = try graph.reshaped(moved, to: [shape[0], channels, rows * size, columns * size])
        return [.tensor(result)]
    }
}
