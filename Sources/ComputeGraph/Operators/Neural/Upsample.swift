/// An image made larger: `Resize` as it was before version 10, in two modes.
package enum Upsample: ModelOperator {
    package static let schema = OperatorSchema(
        "Upsample", "An image made larger; Resize took its place in version 10.",
        inputs: [
            .required("X", .tensors, "any shape; in version 1 [batch, channels, height, width]"),
            .optional("scales", .float32, "from version 9 on: a factor for each axis"),
        ],
        outputs: [.required("Y", .tensors, "X with the new extents")],
        attributes: [
            .float("height_scale", nil, "version 1: the factor of the height"),
            .string("mode", "nearest", "nearest or linear; in version 1 nearest or bilinear"),
            .floats("scales", nil, "versions 7 and 8: a factor for each axis"),
            .float("width_scale", nil, "version 1: the factor of the width"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let x = try call.input(0)
        let shape = graph.type(of: x).shape
        let scales =
            if call.version < 7 {
                [1, 1, try call.float("height_scale"), try call.float("width_scale")]
            } else if call.version < 9 {
                try call.floats("scales")
            } else {
                try graph.tensor(call.input(1)).doubles
            }
        let modes: [String: Resize.Mode] = ["nearest": .nearest, "linear": .linear, "bilinear": .linear]
        guard let mode = modes[try call.string("mode")] else {
            throw call.error("the mode is nearest or linear, not \(try call.string("mode"))")
        }
        let axes = try call.resizedAxes(Array(0..<shape.rank), of: shape, scales: scales)
        let rule = Resize(mode: mode, axes: axes, placement: .asymmetric, nearest: .floor)
        return [.tensor(try graph.add(rule, [x]))]
    }
}
