package import Essentials

/// Numbers drawn from a normal distribution, the same for one seed.
package struct RandomNormal: RandomOperator {
    package static let name = "RandomNormal"
    package var type: TensorType
    package var mean: Double
    package var scale: Double
    package var seed: UInt64

    package init(_ type: TensorType, mean: Double = 0, scale: Double = 1, seed: UInt64) {
        self.type = type
        self.mean = mean
        self.scale = scale
        self.seed = seed
    }

    package func draw(_ generator: inout SeededGenerator) -> Double {
        mean + scale * generator.normal()
    }
}

extension RandomNormal: ModelOperator {
    static let parameters: [OperatorSchema.AttributeParameter] = [
        .float("mean", 0, "the mean"), .float("scale", 1, "the standard deviation"),
    ]
    package static let schema = OperatorSchema.random(
        "RandomNormal", "Numbers drawn from a normal distribution.", isLikeInput: false, parameters)

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes = OperatorCall.attributes(seed: seed)
        attributes["shape"] = .ints(type.shape.extents)
        attributes["dtype"] = .int(Int(type.element.rawValue))
        attributes["mean"] = .float(mean)
        attributes["scale"] = .float(scale)
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try build(call, isLikeInput: false, in: &graph)
    }

    static func build(
        _ call: OperatorCall, isLikeInput: Bool, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        let random = try RandomNormal(
            call.drawnType(isLikeInput: isLikeInput, in: graph), mean: call.float("mean"),
            scale: call.float("scale"), seed: call.seed())
        return [.tensor(try graph.addForAny(random, []))]
    }
}
