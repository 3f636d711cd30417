internal import Essentials

/// Intervals for rates and shares.
package enum RateInterval {
    /// Fewer batches than this say too little about the spread between them.
    package static let fewestBatches = 20

    /// The interval of a throughput by batch means: the window is cut into equal parts, and the spread of their
    /// rates, taken as roughly normal, bounds the rate of the whole.
    ///
    /// `completions` are moments in nanoseconds in rising order; those outside the window are ignored. The result
    /// is in completions per second.
    package static func throughput(
        completions: [Int64], window: Range<Int64>, confidence: Double = 0.95,
        batches: Int = fewestBatches
    ) -> Reading<Interval> {
        precondition(batches >= 2, "one batch has no spread")
        let inside = completions.filter { window.contains($0) || $0 == window.upperBound }
        let length = window.upperBound - window.lowerBound
        guard inside.count >= 2 * batches, length > 0 else {
            return .unavailable(
                reason: "\(inside.count) completions are too few for \(batches) batches of at least two")
        }
        guard Set(inside).count >= batches else {
            return .unavailable(
                reason: "completions came at \(Set(inside).count) distinct moments, fewer than \(batches)")
        }
        var counts = [Double](repeating: 0, count: batches)
        for moment in inside {
            let offset = Double(moment - window.lowerBound) / Double(length)
            counts[min(batches - 1, Int(offset * Double(batches)))] += 1
        }
        let seconds = Double(length) / 1e9 / Double(batches)
        return .available(
            meanInterval(
                of: counts.map { $0 / seconds }, confidence: confidence, method: "batch-means(\(batches))"))
    }

    /// The interval of a mean under Student's distribution; needs at least two values.
    package static func meanInterval(of values: [Double], confidence: Double, method: String) -> Interval {
        precondition(values.count >= 2, "one value has no spread")
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let half =
            studentQuantile((1 + confidence) / 2, degreesOfFreedom: values.count - 1)
            * (variance / count).squareRoot()
        return Interval(low: mean - half, high: mean + half, confidence: confidence, method: method)
    }

    /// The interval of a share by Wilson's score: never outside 0...1 and sound for shares close to 1.
    package static func wilson(successes: Int, trials: Int, confidence: Double = 0.95) -> Reading<Interval> {
        precondition(successes >= 0 && successes <= trials, "successes are part of all trials")
        guard trials > 0 else { return .unavailable(reason: "no trial was made") }
        let n = Double(trials)
        let share = Double(successes) / n
        let z = normalQuantile((1 + confidence) / 2)
        let centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
        return .available(
            Interval(
                low: max(0, centre - half), high: min(1, centre + half), confidence: confidence,
                method: "wilson"))
    }
}
