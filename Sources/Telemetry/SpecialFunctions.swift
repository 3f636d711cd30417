#if canImport(Glibc)
internal import Glibc
#endif

// The distribution functions that the statistics rest on. All of them come from one function, the regularised
// incomplete beta function I_x(a, b), because binomial, Student and F probabilities are special cases of it:
//
//   I_x(a, b) = x^a (1-x)^b / (a B(a, b)) * 1/(1+ d1/(1+ d2/(1+ ...)))
//   d_2m   =  m (b-m) x / ((a+2m-1)(a+2m))
//   d_2m+1 = -(a+m)(a+b+m) x / ((a+2m)(a+2m+1))            https://dlmf.nist.gov/8.17.v
//
// The factor in front is computed as a logarithm, so that counts in the hundred thousands do not underflow.

/// The regularised incomplete beta function: the probability that a Beta(a, b) variable is at most `x`.
///
/// `a` and `b` must be positive and `x` in 0...1. The relative error stays under 1e-6 for arguments up to 1e8.
package func regularizedIncompleteBeta(_ x: Double, a: Double, b: Double) -> Double {
    precondition(a > 0 && b > 0, "the incomplete beta function needs positive parameters")
    precondition(x >= 0 && x <= 1, "the incomplete beta function is defined from 0 to 1")
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    // The fraction converges fast below the mean; above it the mirrored one does.
    if x < (a + 1) / (a + b + 2) {
        return betaTail(x, a: a, b: b)
    }
    return 1 - betaTail(1 - x, a: b, b: a)
}

private func betaTail(_ x: Double, a: Double, b: Double) -> Double {
    let logFactor = a * log(x) + b * log1p(-x) - logBeta(a, b) - log(a)
    return min(1, exp(logFactor) / betaFraction(x, a: a, b: b))
}

/// The value of 1 + d1/(1 + d2/(1 + …)) by the modified Lentz method.
private func betaFraction(_ x: Double, a: Double, b: Double) -> Double {
    let tiny = 1e-300
    func awayFromZero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var value = 1.0
    var numerator = 1.0
    var denominator = 0.0
    func coefficient(_ step: Int) -> Double {
        let m = Double(step / 2)
        return step % 2 == 0
            ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    }
    // It needs in the order of sqrt(max(a, b)) steps; the limit only stops a call with broken arguments.
    for step in 1...10_000_000 {
        let d = coefficient(step)
        denominator = 1 / awayFromZero(1 + d * denominator)
        numerator = awayFromZero(1 + d / numerator)
        let change = numerator * denominator
        value *= change
        if abs(change - 1) < 1e-15 { return value }
    }
    preconditionFailure("the continued fraction of the incomplete beta function did not converge")
}

private func logBeta(_ a: Double, _ b: Double) -> Double {
    logGamma(a) + logGamma(b) - logGamma(a + b)
}

private func logGamma(_ x: Double) -> Double {
    // The plain lgamma writes a global sign; this form is safe from several threads.
    var sign: Int32 = 0
    return unsafe lgamma_r(x, &sign)
}

/// The probability of at most `successes` in `trials` independent trials.
package func binomialProbability(atMost successes: Int, trials: Int, probability: Double) -> Double {
    guard successes >= 0 else { return 0 }
    guard successes < trials else { return 1 }
    return regularizedIncompleteBeta(
        1 - probability, a: Double(trials - successes), b: Double(successes + 1))
}

/// The point that a standard normal variable stays under with the given probability (0 < probability < 1).
package func normalQuantile(_ probability: Double) -> Double {
    precondition(probability > 0 && probability < 1, "a quantile belongs to a probability between 0 and 1")
    return rootByBisection(low: -40, high: 40) { 0.5 * erfc(-$0 / 2.0.squareRoot()) < probability }
}

/// The point that a Student variable stays under with the given probability (0 < probability < 1).
package func studentQuantile(_ probability: Double, degreesOfFreedom: Int) -> Double {
    precondition(probability > 0 && probability < 1, "a quantile belongs to a probability between 0 and 1")
    precondition(degreesOfFreedom > 0, "Student's distribution needs at least one degree of freedom")
    if probability < 0.5 { return -studentQuantile(1 - probability, degreesOfFreedom: degreesOfFreedom) }
    let freedom = Double(degreesOfFreedom)
    return rootByBisection(low: 0, high: 1e9) { point in
        let above =
            0.5 * regularizedIncompleteBeta(freedom / (freedom + point * point), a: freedom / 2, b: 0.5)
        return 1 - above < probability
    }
}

/// The point where a condition that holds below it stops to hold.
private func rootByBisection(low: Double, high: Double, isBelow: (Double) -> Bool) -> Double {
    var low = low
    var high = high
    while true {
        let middle = low + (high - low) / 2
        if middle <= low || middle >= high { return middle }
        if isBelow(middle) { low = middle } else { high = middle }
    }
}
