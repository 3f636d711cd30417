/// Finds the highest rate at which a run is valid: widens until one fails, then halves the gap.
///
/// It decides only; the caller runs the load at `nextRate` and reports the outcome.
package struct PeakSearch: Equatable, Sendable {
    /// The highest rate seen valid.
    package private(set) var lowest: Double?
    /// The lowest rate seen invalid.
    package private(set) var highest: Double?
    /// The rate to try next; nil when the search is over.
    package private(set) var nextRate: Double?
    private var runsLeft: Int
    private let precision: Double

    /// Starts at a rate that should be valid; ends when the gap is within `precision` of the rate, as a share, or
    /// after `runs` runs.
    package init(startingAt rate: Double, precision: Double = 0.05, runs: Int = 12) {
        precondition(rate.isFinite && rate > 0, "a rate is positive")
        precondition(precision > 0 && runs > 0, "a search needs a precision and at least one run")
        nextRate = rate
        runsLeft = runs
        self.precision = precision
    }

    /// Takes the outcome of the run at `nextRate`.
    package mutating func record(isValid: Bool) {
        guard let rate = nextRate else { preconditionFailure("the search is over") }
        if isValid { lowest = max(lowest ?? rate, rate) } else { highest = min(highest ?? rate, rate) }
        runsLeft -= 1
        nextRate = runsLeft > 0 ? proposal() : nil
    }

    private func proposal() -> Double? {
        switch (lowest, highest) {
        case (nil, nil): nil
        case (let low?, nil): low * 2
        case (nil, let high?): high / 2
        case (let low?, let high?): (high - low) / low > precision ? (low + high) / 2 : nil
        }
    }
}

/// Runs a peak search with a function that says whether a rate is served validly.
package func findPeak(
    startingAt rate: Double, precision: Double = 0.05, runs: Int = 12, isValid: (Double) throws -> Bool
) rethrows -> PeakSearch {
    var search = PeakSearch(startingAt: rate, precision: precision, runs: runs)
    while let rate = search.nextRate { search.record(isValid: try isValid(rate)) }
    return search
}
