#if canImport(Glibc)
internal import Glibc
#endif

/// A function that a recurrent layer applies to its sums, with its two numbers.
package struct RecurrentActivation: Hashable, Sendable {
    package var kind: Kind
    package var alpha: Double
    package var beta: Double

    /// The raw values are ONNX's names.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case tanh = "Tanh"
        case sigmoid = "Sigmoid"
        case relu = "Relu"
        case affine = "Affine"
        case leakyRelu = "LeakyRelu"
        case thresholdedRelu = "ThresholdedRelu"
        case scaledTanh = "ScaledTanh"
        case hardSigmoid = "HardSigmoid"
        case elu = "Elu"
        case softsign = "Softsign"
        case softplus = "Softplus"
    }

    package static let tanh = RecurrentActivation(.tanh)
    package static let sigmoid = RecurrentActivation(.sigmoid)

    /// Numbers that are not given are those of the operator of that name.
    package init(_ kind: Kind, alpha: Double? = nil, beta: Double? = nil) {
        self.kind = kind
        self.alpha = alpha ?? kind.defaultAlpha ?? 0
        self.beta = beta ?? kind.defaultBeta ?? 0
    }

    /// The function of a name in any case; it takes the next alpha and beta if it has them.
    ///
    /// Nil where the name is unknown.
    init?(_ name: String, alphas: inout ArraySlice<Double>, betas: inout ArraySlice<Double>) {
        let wanted = name.lowercased()
        guard let kind = Kind.allCases.first(where: { $0.rawValue.lowercased() == wanted }) else {
            return nil
        }
        let alpha = kind.defaultAlpha == nil ? nil : alphas.popFirst()
        let beta = kind.defaultBeta == nil ? nil : betas.popFirst()
        self.init(kind, alpha: alpha, beta: beta)
    }

    package func value(at x: Double) -> Double {
        switch kind {
        case .tanh: hyperbolicTangent(x)
        case .sigmoid: 1 / (1 + exp(-x))
        case .relu: x > 0 || x.isNaN ? x : 0
        case .affine: alpha * x + beta
        case .leakyRelu: x < 0 ? alpha * x : x
        case .thresholdedRelu: x >= alpha || x.isNaN ? x : 0
        case .scaledTanh: alpha * hyperbolicTangent(beta * x)
        case .hardSigmoid: x.isNaN ? x : min(max(alpha * x + beta, 0), 1)
        case .elu: x < 0 ? alpha * expm1(x) : x
        case .softsign: x / (1 + abs(x))
        case .softplus: x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
        }
    }
}

extension RecurrentActivation.Kind {
    /// Nil where the function has no alpha.
    var defaultAlpha: Double? {
        switch self {
        case .affine, .thresholdedRelu, .scaledTanh, .elu: 1
        case .leakyRelu: 0.01
        case .hardSigmoid: 0.2
        case .tanh, .sigmoid, .relu, .softsign, .softplus: nil
        }
    }

    /// Nil where the function has no beta.
    var defaultBeta: Double? {
        switch self {
        case .affine: 0
        case .scaledTanh: 1
        case .hardSigmoid: 0.5
        default: nil
        }
    }
}

private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
