internal import Essentials

/// Samples in rising order, for everything that is read off by rank.
///
/// No sample is ever dropped; on a shared machine quantiles say something where the mean does not.
package struct SortedSamples: Sendable {
    package let values: [Double]

    /// Sorts the samples; none may be NaN, because NaN has no rank.
    package init(_ samples: [Double]) {
        precondition(!samples.contains { $0.isNaN }, "a sample that is not a number has no rank")
        values = samples.sorted()
    }

    package var count: Int { values.count }
    package var minimum: Double? { values.first }
    package var maximum: Double? { values.last }
    package var median: Double? { percentile(0.5) }

    package var mean: Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(count)
    }

    /// The element of rank floor(n·p), counted from zero, as MLPerf's LoadGen reports percentiles.
    ///
    /// `fraction` lies in 0...1. Nil without samples.
    package func percentile(_ fraction: Double) -> Double? {
        precondition(fraction >= 0 && fraction <= 1, "a percentile is a fraction from 0 to 1")
        guard !values.isEmpty else { return nil }
        return values[min(SortedSamples.rank(of: fraction, in: count), count - 1)]
    }

    /// The whole part of n·p as in exact arithmetic: 0.29 of 100 is 29, though the product of doubles is below it.
    package static func rank(of fraction: Double, in count: Int) -> Int {
        Int((Double(count) * fraction * (1 + 4 * Double.ulpOfOne)).rounded(.down))
    }

    /// An interval for the true quantile that assumes nothing of the distribution but independent samples.
    ///
    /// The count of samples under the true quantile is binomial, so two order statistics enclose it. Where too
    /// few samples exist on one side, there is no interval.
    package func interval(ofQuantile fraction: Double, confidence: Double = 0.95) -> Reading<Interval> {
        precondition(fraction > 0 && fraction < 1, "a quantile is a fraction between 0 and 1")
        let tail = (1 - confidence) / 2
        func probability(atMost rank: Int) -> Double {
            binomialProbability(atMost: rank, trials: count, probability: fraction)
        }
        // Counted from one: the largest rank l with P(B <= l-1) <= tail, the smallest u with P(B <= u-1) >= 1-tail.
        let low = firstIndex(in: 0..<count + 1) { probability(atMost: $0) > tail }
        let high = firstIndex(in: 0..<count + 1) { probability(atMost: $0) >= 1 - tail } + 1
        guard low >= 1, high <= count else {
            return .unavailable(
                reason: "\(count) samples are too few for a \(percentText(confidence)) interval of "
                    + percentileName(fraction))
        }
        return .available(
            Interval(
                low: values[low - 1], high: values[high - 1], confidence: confidence,
                method: "order-statistics"))
    }
}

/// The first index for which a condition that stays true once true holds; the range's end when none does.
package func firstIndex(in range: Range<Int>, where holds: (Int) -> Bool) -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
        let middle = low + (high - low) / 2
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
}

/// A percentile's usual name: `p50`, `p99.9`.
package func percentileName(_ fraction: Double) -> String { "p" + percentNumber(fraction) }

/// A share as people write it, without idle zeros: `95 %`, `99.9 %`.
package func percentText(_ fraction: Double) -> String { percentNumber(fraction) + " %" }

private func percentNumber(_ fraction: Double) -> String {
    var text = (fraction * 100).formatted(digits: 3)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
}
