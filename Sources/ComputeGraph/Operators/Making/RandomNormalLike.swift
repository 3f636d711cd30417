/// Numbers drawn from a normal distribution, of the shape of another tensor.
package enum RandomNormalLike: ModelOperator {
    package static let schema = OperatorSchema.random(
        "RandomNormalLike", "Numbers drawn from a normal distribution, of the shape of another tensor.",
        isLikeInput: true, RandomNormal.parameters)

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try RandomNormal.build(call, isLikeInput: true, in: &graph)
    }
}
