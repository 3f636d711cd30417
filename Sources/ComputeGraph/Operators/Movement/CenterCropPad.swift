/// The middle of a tensor, or a tensor in the middle of zeros, so that axes get given extents.
package enum CenterCropPad: ModelOperator {
    package static let schema = OperatorSchema(
        "CenterCropPad", since: 18, "The middle of the input, padded with zeros where it is too small.",
        inputs: [
            .required("input_data", .tensors, "any shape"),
            .required("shape", .indices, "the wanted extents, one for each axis"),
        ],
        outputs: [
            .required(
                "output_data", .tensors, "the wanted extents; an odd element is cut or added at the end")
        ],
        attributes: [.ints("axes", nil, "the axes that `shape` is of; without it all")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let shape = graph.type(of: data).shape
        let wanted = try Shape(checking: graph.integers(call.input(1)))
        let axes = try call.resolved(
            axes: call.optionalInts("axes") ?? Array(0..<shape.rank), rank: shape.rank)
        try call.require(
            axes.count == wanted.rank, "there are \(wanted.rank) extents for \(axes.count) axes")
        var pads = [Int](repeating: 0, count: 2 * shape.rank)
        for (axis, extent) in zip(axes, wanted.extents) {
            // Halves are rounded towards zero, so that what is odd is cut or added at the end.
            pads[axis] = (extent - shape[axis]) / 2
            pads[axis + shape.rank] = extent - shape[axis] - pads[axis]
        }
        return [.tensor(try graph.addForAny(Pad(pads: pads), [data]))]
    }
}
