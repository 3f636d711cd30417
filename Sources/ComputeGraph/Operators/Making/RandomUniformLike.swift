/// Numbers drawn from a uniform distribution, of the shape of another tensor.
package enum RandomUniformLike: ModelOperator {
    package static let schema = OperatorSchema.random(
        "RandomUniformLike", "Numbers drawn from a uniform distribution, of the shape of another tensor.",
        isLikeInput: true, RandomUniform.parameters)

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try RandomUniform.build(call, isLikeInput: true, in: &graph)
    }
}
