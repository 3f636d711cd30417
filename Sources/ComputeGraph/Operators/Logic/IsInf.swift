/// Where the input is infinite, of both signs or of one.
package struct IsInf: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "IsInf", since: 10, "Whether the input is infinite.", [.floats, .smallFloats], giving: .bool,
        attributes: [
            .int("detect_negative", 1, "whether minus infinity counts"),
            .int("detect_positive", 1, "whether plus infinity counts"),
        ])
    package var detectNegative: Bool
    package var detectPositive: Bool

    package init(detectNegative: Bool = true, detectPositive: Bool = true) {
        self.detectNegative = detectNegative
        self.detectPositive = detectPositive
    }

    package init(_ call: OperatorCall) throws {
        self.init(
            detectNegative: try call.flag("detect_negative"), detectPositive: try call.flag("detect_positive")
        )
    }

    package func value(at x: Double) -> Double {
        x == .infinity && detectPositive || x == -.infinity && detectNegative ? 1 : 0
    }
}
