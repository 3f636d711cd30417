#if canImport(Glibc)
internal import Glibc
#endif

/// The kernel function of a support vector machine, with libsvm's parameters.
package struct SupportVectorKernel: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// x . y
        case linear = "LINEAR"
        /// (gamma x . y + offset) ^ degree
        case polynomial = "POLY"
        /// exp(-gamma |x - y|^2)
        case radial = "RBF"
        /// tanh(gamma x . y + offset)
        case sigmoid = "SIGMOID"
    }

    package var kind: Kind
    package var gamma: Double
    package var offset: Double
    package var degree: Double

    package init(_ kind: Kind, gamma: Double = 0, offset: Double = 0, degree: Double = 0) {
        self.kind = kind
        self.gamma = gamma
        self.offset = offset
        self.degree = degree
    }

    /// As `OperatorCall.supportVectorKernel` reads them.
    var attributes: [String: Attribute] {
        ["kernel_type": .string(kind.rawValue), "kernel_params": .floats([gamma, offset, degree])]
    }

    func value(_ left: ArraySlice<Double>, _ right: ArraySlice<Double>) -> Double {
        switch kind {
        case .linear: dot(left, right)
        case .polynomial: pow(gamma * dot(left, right) + offset, degree)
        case .sigmoid: tanh(gamma * dot(left, right) + offset)
        case .radial: exp(-gamma * zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
        }
    }
}

func dot(_ left: ArraySlice<Double>, _ right: ArraySlice<Double>) -> Double {
    zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
}

extension Operator {
    /// The length of `count` vectors that lie behind each other in a list, which must be that of an example.
    func requireVectors(
        _ list: [Double], count: Int, features: Int, _ what: String
    ) throws(GraphError) {
        let (wanted, overflow) = count.multipliedReportingOverflow(by: features)
        try require(
            !overflow && list.count == wanted,
            "\(what) are \(count) times \(features) numbers, not \(list.count)")
    }
}

extension OperatorCall {
    func supportVectorKernel() throws(GraphError) -> SupportVectorKernel {
        let name = try string("kernel_type")
        guard let kind = SupportVectorKernel.Kind(rawValue: name) else {
            throw error("kernel_type is one of LINEAR, POLY, RBF, SIGMOID, not \(name)")
        }
        let parameters = try optionalFloats("kernel_params") ?? []
        try require(
            parameters.isEmpty || parameters.count == 3,
            "kernel_params are gamma, coef0 and degree, not \(parameters.count) numbers")
        guard !parameters.isEmpty else { return SupportVectorKernel(kind) }
        return SupportVectorKernel(
            kind, gamma: parameters[0], offset: parameters[1], degree: parameters[2])
    }
}

extension OperatorSchema.AttributeParameter {
    static let supportVectorKernel: [Self] = [
        .string("kernel_type", "LINEAR", "LINEAR, POLY, RBF or SIGMOID"),
        .floats("kernel_params", nil, "gamma, coef0 and degree; none means 0 each"),
        .floats("support_vectors", nil, "one behind the other, F numbers each"),
        .floats("coefficients", nil, "of the support vectors, or of the features where there are none"),
        .floats("rho", nil, "what is added to each decision value"),
    ]
}

/// The probabilities of classes from those of each pair, by the second method of Wu, Lin and Weng (2004), as libsvm
/// has it.
///
/// `pairs[i][j]` is the probability of class i where it is i or j. The iteration stops where libsvm's does, so
/// that results agree with it before it has fully converged.
func coupledProbabilities(_ pairs: [[Double]]) -> [Double] {
    let count = pairs.count
    var q = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
    for row in 0..<count {
        for column in 0..<count where column != row {
            q[row][row] += pairs[column][row] * pairs[column][row]
            q[row][column] = -pairs[column][row] * pairs[row][column]
        }
    }
    var p = [Double](repeating: 1 / Double(count), count: count)
    for _ in 0..<max(100, count) {
        var qp = q.map { zip($0, p).reduce(0) { $0 + $1.0 * $1.1 } }
        var pqp = zip(p, qp).reduce(0) { $0 + $1.0 * $1.1 }
        if qp.allSatisfy({ abs($0 - pqp) < 0.005 / Double(count) }) { break }
        for place in 0..<count {
            let step = (pqp - qp[place]) / q[place][place]
            p[place] += step
            pqp = (pqp + step * (step * q[place][place] + 2 * qp[place])) / ((1 + step) * (1 + step))
            for other in 0..<count {
                qp[other] = (qp[other] + step * q[place][other]) / (1 + step)
                p[other] /= 1 + step
            }
        }
    }
    return p
}
