/// The mean over all axes after the channels, which stay with the extent 1.
///
/// A NaN in a channel gives NaN there.
package struct GlobalAveragePool: GlobalPoolOperator {
    package static let name = "GlobalAveragePool"

    package init() {}

    func value(of plane: ArraySlice<Double>) -> Double { plane.reduce(0, +) / Double(plane.count) }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        let rank = builder.type(of: node.inputs[0]).shape.rank
        return try ReduceMean(axes: Array(2..<rank))
            .gradient(of: node, outputGradients: outputGradients, in: &builder)
    }
}

extension GlobalAveragePool: ModelOperator {
    package static let schema = globalPoolSchema("GlobalAveragePool", "The mean of each channel of an image.")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(GlobalAveragePool(), [call.input(0)]))]
    }
}
