/// The input where it is positive, else 0; a NaN stays a NaN.
package struct Relu: ElementwiseOperator {
    package static let name = "Relu"

    package init() {}

    package func value(at x: Double) -> Double { x > 0 || x.isNaN ? x : 0 }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        return [try builder.add(ReluGradient(), [gradient, node.outputs[0]])]
    }
}

extension Relu: ModelOperator {
    package static let schema = OperatorSchema(
        "Relu", "The input where it is positive, else 0.",
        inputs: [.required("X", [.floats, .signed], "any shape")],
        outputs: [.required("Y", [.floats, .signed], "the shape of X")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(Relu(), [call.input(0)]))]
    }
}
