/// The elements along axes in the opposite order.
package enum Flip: ModelOperator {
    package static let schema = OperatorSchema(
        "Flip", domain: .heng, "The elements along axes in the opposite order.",
        inputs: [.required("input", .tensors, "any shape")],
        outputs: [.required("output", .tensors, "the shape of the input")],
        attributes: [.ints("axes", nil, "the axes to turn around; without it all")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let data = try call.input(0)
        let rank = graph.type(of: data).shape.rank
        let axes = try call.resolved(axes: call.optionalInts("axes") ?? Array(0..<rank), rank: rank)
        if axes.isEmpty { return [.tensor(data)] }
        let backwards = Slice(
            starts: axes.map { _ in -1 }, ends: axes.map { _ in .min }, axes: axes,
            steps: axes.map { _ in -1 })
        return [.tensor(try graph.addForAny(backwards, [data]))]
    }
}
