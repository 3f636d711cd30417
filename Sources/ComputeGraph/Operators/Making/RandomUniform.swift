package import Essentials

/// Numbers drawn from a uniform distribution, the same for one seed.
package struct RandomUniform: RandomOperator {
    package static let name = "RandomUniform"
    package var type: TensorType
    package var low: Double
    package var high: Double
    package var seed: UInt64

    package init(_ type: TensorType, low: Double = 0, high: Double = 1, seed: UInt64) {
        self.type = type
        self.low = low
        self.high = high
        self.seed = seed
    }

    package func draw(_ generator: inout SeededGenerator) -> Double {
        low + (high - low) * generator.uniform()
    }
}

extension RandomUniform: ModelOperator {
    static let parameters: [OperatorSchema.AttributeParameter] = [
        .float("low", 0, "the lowest number"), .float("high", 1, "what no number reaches"),
    ]
    package static let schema = OperatorSchema.random(
        "RandomUniform", "Numbers drawn from a uniform distribution.", isLikeInput: false, parameters)

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes = OperatorCall.attributes(seed: seed)
        attributes["shape"] = .ints(type.shape.extents)
        attributes["dtype"] = .int(Int(type.element.rawValue))
        attributes["low"] = .float(low)
        attributes["high"] = .float(high)
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try build(call, isLikeInput: false, in: &graph)
    }

    static func build(
        _ call: OperatorCall, isLikeInput: Bool, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        let random = try RandomUniform(
            call.drawnType(isLikeInput: isLikeInput, in: graph), low: call.float("low"),
            high: call.float("high"), seed: call.seed())
        return [.tensor(try graph.addForAny(random, []))]
    }
}
