import Essentials

/// Times of two ways to do the same, taken in turns.
struct Comparison {
    var ours: [Double] = []
    var theirs: [Double] = []

    /// The seconds that a piece of work takes.
    static func seconds(_ work: () throws -> Void) rethrows -> Double {
        let start = TimePoint.monotonicNow()
        try work()
        return Double((TimePoint.monotonicNow() - start).nanoseconds) / 1e9
    }

    /// Each round measures both, the one that begins changing with each.
    mutating func run(rounds: Int, ours: () throws -> Double, theirs: () throws -> Double) rethrows {
        for round in 0..<rounds {
            if round % 2 == 0 { self.ours.append(try ours()) }
            self.theirs.append(try theirs())
            if round % 2 == 1 { self.ours.append(try ours()) }
        }
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted.count % 2 == 1
            ? sorted[sorted.count / 2] : (sorted[sorted.count / 2 - 1] + sorted[sorted.count / 2]) / 2
    }

    /// The median of the rounds' ratios of our time to theirs, and its 95 % interval by resampling.
    func ratio() -> (median: Double, low: Double, high: Double) {
        let ratios = zip(ours, theirs).map { $0 / $1 }
        var generator = SeededGenerator(seed: 1)
        let medians = (0..<2000).map { _ in
            Comparison.median(ratios.map { _ in ratios[generator.below(ratios.count)] })
        }.sorted()
        return (Comparison.median(ratios), medians[50], medians[1949])
    }
}
