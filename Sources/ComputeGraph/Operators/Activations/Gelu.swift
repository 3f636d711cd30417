#if canImport(Glibc)
internal import Glibc
#endif

/// The Gaussian error linear unit `x / 2 * (1 + erf(x / sqrt(2)))`, or a near form of it; a NaN stays a NaN.
package struct Gelu: ElementwiseOperator, PlainOperator {
    package static let schema = OperatorSchema.elementwise(
        "Gelu", since: 20, "The Gaussian error linear unit, `X / 2 * (1 + erf(X / sqrt(2)))`.", .floats,
        attributes: [
            .string(
                "approximate", "none", "`tanh` for `X / 2 * (1 + tanh(sqrt(2 / pi) * (X + 0.044715 * X^3)))`")
        ])
    package static let operationsPerElement = 5

    /// Which form is computed.
    package enum Approximation: String, Hashable, Sendable {
        case none, tanh
    }
    package var approximation: Approximation

    package init() { approximation = .none }
    package init(_ approximation: Approximation) { self.approximation = approximation }

    package init(_ call: OperatorCall) throws {
        let name = try call.string("approximate")
        guard let approximation = Approximation(rawValue: name) else {
            throw call.error("approximate is none or tanh, not \(name)")
        }
        self.approximation = approximation
    }

    package func value(at x: Double) -> Double {
        switch approximation {
        case .none: x / 2 * (1 + erf(x / 2.0.squareRoot()))
        case .tanh: x / 2 * (1 + tanh(Self.scale * (x + Self.cubic * x * x * x)))
        }
    }

    private static let scale = (2 / Double.pi).squareRoot()
    private static let cubic = 0.044715

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let x = node.inputs[0]
        guard approximation == .none else {
            let slope = try nearSlope(at: x, in: &builder)
            return [try builder.add(Mul(), [gradient, slope])]
        }
        return [try builder.add(GeluGradient(), [gradient, x])]
    }

    /// With `t = tanh(u)` and `u = scale * x * (1 + cubic * x^2)`, half of `1 + t + x * (1 - t^2) * u'`.
    private func nearSlope(
        at x: ValueID, in builder: inout GraphBuilder
    ) throws(GraphError) -> ValueID {
        let one = builder.number(1, like: x)
        let squared = try builder.add(Mul(), [x, x])
        let bend = try builder.add(Add(), [try builder.scaled(squared, by: Self.cubic), one])
        let argument = try builder.scaled(try builder.add(Mul(), [x, bend]), by: Self.scale)
        let t = try builder.add(Tanh(), [argument])
        let steepness = try builder.add(Sub(), [one, try builder.add(Mul(), [t, t])])
        let rise = try builder.add(Add(), [try builder.scaled(squared, by: 3 * Self.cubic), one])
        let product = try builder.add(Mul(), [try builder.add(Mul(), [x, steepness]), rise])
        let moving = try builder.scaled(product, by: Self.scale)
        let sum = try builder.add(Add(), [try builder.add(Add(), [one, t]), moving])
        return try builder.scaled(sum, by: 0.5)
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["approximate": .string(approximation.rawValue)], operands: inputs)
    }
}
