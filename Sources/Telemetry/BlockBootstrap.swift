internal import Essentials

/// An interval for a statistic of a series whose neighbours resemble each other: the moving-block bootstrap.
///
/// Blocks of consecutive values are drawn with replacement until a series of the same length stands; the
/// statistic of many such series spreads as the true one does. Plain resampling would break the regimes in
/// which a shared machine's speed comes, and promise too narrow an interval.
package struct BlockBootstrap: Sendable {
    /// Nil chooses the length from the series.
    package var blockLength: Int?
    package var resamples: Int
    package var confidence: Double
    package var seed: UInt64

    package init(
        blockLength: Int? = nil, resamples: Int = 4000, confidence: Double = 0.95, seed: UInt64
    ) {
        precondition(resamples >= 100, "a bootstrap interval needs at least 100 resamples")
        precondition(confidence > 0 && confidence < 1, "a confidence lies between 0 and 1")
        self.blockLength = blockLength
        self.resamples = resamples
        self.confidence = confidence
        self.seed = seed
    }

    /// The percentile interval of `statistic`, which may reorder the values it is handed.
    package func interval(
        of series: [Double], statistic: (inout [Double]) -> Double
    ) -> Reading<Interval> {
        let length = blockLength ?? BlockBootstrap.suitableBlockLength(for: series)
        guard series.count >= 4 * length else {
            return .unavailable(
                reason: "\(series.count) values are fewer than four blocks of \(length)")
        }
        var random = SeededGenerator(seed: seed, purpose: "block bootstrap")
        var scratch = series
        let outcomes = SortedSamples(
            (0..<resamples).map { _ in
                resample(series, into: &scratch, blockLength: length, using: &random)
                return statistic(&scratch)
            })
        let tail = (1 - confidence) / 2
        guard let low = outcomes.percentile(tail), let high = outcomes.percentile(1 - tail) else {
            preconditionFailure("a bootstrap has at least 100 outcomes")
        }
        return .available(
            Interval(low: low, high: high, confidence: confidence, method: "block-bootstrap(\(length))"))
    }

    /// The interval of the median, the usual estimate here.
    package func intervalOfMedian(_ series: [Double]) -> Reading<Interval> {
        interval(of: series) { median(selectingIn: &$0) }
    }

    private func resample(
        _ series: [Double], into target: inout [Double], blockLength: Int,
        using random: inout SeededGenerator
    ) {
        var filled = 0
        while filled < series.count {
            let start = random.below(series.count - blockLength + 1)
            for offset in 0..<min(blockLength, series.count - filled) {
                target[filled + offset] = series[start + offset]
            }
            filled += blockLength
        }
    }

    /// The smallest of 1, 5, 10, 20, … for which medians of neighbouring blocks hardly depend on each other.
    ///
    /// Hardly means a lag-1 autocorrelation under 0.1. At least ten blocks must remain to tell.
    package static func suitableBlockLength(for series: [Double]) -> Int {
        var length = 1
        while series.count / (length * 2) >= 10, lagOneCorrelation(blockMedians(series, length)) >= 0.1 {
            length = length == 1 ? 5 : length * 2
        }
        return max(1, min(length, series.count / 4))
    }

    private static func blockMedians(_ series: [Double], _ length: Int) -> [Double] {
        (0..<series.count / length).map { block in
            var part = Array(series[block * length..<(block + 1) * length])
            return median(selectingIn: &part)
        }
    }
}

/// How much each value follows the one before it: 1 in full, 0 not at all.
package func lagOneCorrelation(_ series: [Double]) -> Double {
    guard series.count > 2 else { return 0 }
    let mean = series.reduce(0, +) / Double(series.count)
    let variance = series.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard variance > 0 else { return 0 }
    let shared = zip(series, series.dropFirst()).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
    return shared / variance
}

/// The median (the mean of the middle two for an even count), found without sorting; reorders the values.
package func median(selectingIn values: inout [Double]) -> Double {
    precondition(!values.isEmpty, "no values have no median")
    let upper = select(rank: values.count / 2, in: &values)
    guard values.count % 2 == 0 else { return upper }
    // Selection leaves everything before the rank no larger than it, so the lower middle is the largest there.
    let lower = values[..<(values.count / 2)].max() ?? upper
    return (lower + upper) / 2
}

/// The element of the given rank by Hoare's selection; afterwards no earlier element is larger.
private func select(rank: Int, in values: inout [Double]) -> Double {
    var low = 0
    var high = values.count - 1
    while low < high {
        let pivot = values[low + (high - low) / 2]
        var left = low
        var right = high
        while left <= right {
            while values[left] < pivot { left += 1 }
            while values[right] > pivot { right -= 1 }
            if left <= right {
                values.swapAt(left, right)
                left += 1
                right -= 1
            }
        }
        if rank <= right { high = right } else if rank >= left { low = left } else { break }
    }
    return values[rank]
}
