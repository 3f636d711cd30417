#if canImport(Glibc)
internal import Glibc
#endif

/// A function that a recurrent layer applies to its sums, with its two numbers.
package struct RecurrentActivation: Hashable, Sendable {
    package var kind: Kind
    package var alpha: Double
    package var beta: Double

    /// The raw values are ONNX's names in small letters.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case tanh
        case sigmoid
        case relu
        case affine
        case leakyRelu = "leakyrelu"
        case thresholdedRelu = "thresholdedrelu"
        case scaledTanh = "scaledtanh"
        case hardSigmoid = "hardsigmoid"
        case elu
        case softsign
        case softplus
    }

    package static let tanh = RecurrentActivation(.tanh)
    package static let sigmoid = RecurrentActivation(.sigmoid)

    /// Numbers that are not given are those of the operator of that name.
    package init(_ kind: Kind, alpha: Double? = nil, beta: Double? = nil) {
        self.kind = kind
        self.alpha = alpha ?? kind.defaultAlpha ?? 0
        self.beta = beta ?? kind.defaultBeta ?? 0
    }

    /// The functions of the given names; alphas and betas go in turn to those that have them.
    ///
    /// Nil where a name is unknown.
    init?(_ name: String, alphas: inout ArraySlice<Double>, betas: inout ArraySlice<Double>) {
        guard let kind = Kind(rawValue: name.lowercased()) else { return nil }
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
    fileprivate var defaultAlpha: Double? {
        switch self {
        case .affine, .thresholdedRelu, .scaledTanh, .elu: 1
        case .leakyRelu: 0.01
        case .hardSigmoid: 0.2
        case .tanh, .sigmoid, .relu, .softsign, .softplus: nil
        }
    }

    /// Nil where the function has no beta.
    fileprivate var defaultBeta: Double? {
        switch self {
        case .affine: 0
        case .scaledTanh: 1
        case .hardSigmoid: 0.5
        default: nil
        }
    }
}

private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
