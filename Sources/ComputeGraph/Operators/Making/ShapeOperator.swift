/// The extents of a tensor, or some of them; ONNX calls it `Shape`.
package enum ShapeOperator: ModelOperator {
    package static let schema = OperatorSchema(
        "Shape", "The extents of a tensor.",
        inputs: [.required("data", .tensors, "any shape")],
        outputs: [.required("shape", .int64, "one axis")],
        attributes: [
            .int("start", 0, "from version 15: the first axis; a negative one counts from the last"),
            .int("end", nil, "from version 15: the axis after the last one; without it all that follow"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let extents = graph.type(of: try call.input(0)).shape.extents
        func held(_ axis: Int) -> Int {
            axis < 0 ? max(0, max(axis, -extents.count) + extents.count) : min(axis, extents.count)
        }
        let start = held(try call.int("start"))
        let end = held(try call.optionalInt("end") ?? extents.count)
        let chosen = extents[start..<max(start, end)].map(Int64.init)
        return [.tensor(graph.constant(HostTensor(.int64(chosen.count), integers: chosen)))]
    }
}
