/// The p-norm over all axes after the channels, which stay with the extent 1.
///
/// A NaN in a channel gives NaN there.
package struct GlobalLpPool: GlobalPoolOperator {
    package static let name = "GlobalLpPool"
    package var p: Double

    package init(p: Double = 2) { self.p = p }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireNorm(p)
        return try pooledTypes(of: inputs)
    }

    func value(of plane: ArraySlice<Double>) -> Double {
        root(plane.reduce(0) { $0 + power($1, p) }, p)
    }
}

extension GlobalLpPool: ModelOperator {
    package static let schema = globalPoolSchema(
        "GlobalLpPool", "The p-norm of each channel of an image.",
        attributes: [.int("p", nil, "the order of the norm, 2 where left out; a float in version 1")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        Int(exactly: p).flatMap { WrittenCall(Self.schema, ["p": .int($0)], operands: inputs) }
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(GlobalLpPool(p: call.norm()), [call.input(0)]))]
    }
}
