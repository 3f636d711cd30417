#if canImport(Glibc)
internal import Glibc
#endif

/// What classifiers and regressors of ONNX's machine-learning domain do with each row of scores at the end.
///
/// The names are ONNX's `post_transform`.
package enum ScoreTransform: String, Hashable, Sendable, CaseIterable {
    case none = "NONE"
    case softmax = "SOFTMAX"
    case logistic = "LOGISTIC"
    /// The softmax in which scores of zero, up to 1e-7, stay zero; 0.5 each where all are zero.
    case softmaxZero = "SOFTMAX_ZERO"
    /// The quantile of the normal distribution, by Winitzki's formula for the inverse error function.
    ///
    /// Its relative error is up to 0.2 percent. Every runtime of ONNX uses it, so the exact function would differ
    /// from what models were made with. 0 and 1 give infinities, and what is no probability gives NaN.
    case probit = "PROBIT"

    package func apply(to scores: [Double]) -> [Double] {
        switch self {
        case .none: scores
        case .softmax: ScoreTransform.softmax(scores)
        case .logistic: scores.map(ScoreTransform.logistic)
        case .softmaxZero: ScoreTransform.softmaxZero(scores)
        case .probit: scores.map(ScoreTransform.probit)
        }
    }

    static func logistic(_ x: Double) -> Double {
        let positive = 1 / (1 + exp(-abs(x)))
        return x < 0 ? 1 - positive : positive
    }

    private static func softmax(_ scores: [Double]) -> [Double] {
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    private static func softmaxZero(_ scores: [Double]) -> [Double] {
        let largest = scores.max() ?? 0
        let powers = scores.map { abs($0) <= 1e-7 ? 0 : exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { sum == 0 ? 0.5 : $0 / sum }
    }

    private static func probit(_ p: Double) -> Double {
        let x = 2 * p - 1
        let logarithm = log((1 - x) * (1 + x))
        if logarithm == -.infinity { return x < 0 ? -.infinity : .infinity }
        let half = 2 / (Double.pi * 0.147) + logarithm / 2
        let root = ((half * half - logarithm / 0.147).squareRoot() - half).squareRoot()
        return 2.0.squareRoot() * (x < 0 ? -root : root)
    }
}

extension OperatorCall {
    /// The attribute `post_transform`, by name or, in `TreeEnsemble`, by number.
    func scoreTransform() throws(GraphError) -> ScoreTransform {
        if case .int(let number)? = attribute("post_transform") {
            let all = ScoreTransform.numbered
            try require(all.indices.contains(number), "post_transform is 0 to 4, not \(number)")
            return all[number]
        }
        let name = try string("post_transform")
        guard let transform = ScoreTransform(rawValue: name) else {
            throw error("post_transform is one of \(ScoreTransform.names), not \(name)")
        }
        return transform
    }
}

extension ScoreTransform {
    /// In the order of their numbers.
    static let numbered: [ScoreTransform] = [.none, .softmax, .logistic, .softmaxZero, .probit]

    static let names = allCases.map(\.rawValue).joined(separator: ", ")

    static let attribute = OperatorSchema.AttributeParameter.string(
        "post_transform", "NONE", "what is done with each row of scores: one of \(names)")
}
