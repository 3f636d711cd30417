// When has a run seen enough queries to say something about a percentile?
//
// With n = h + t queries, t of them over a limit, let the true share over the limit be 1-p. Seeing t or fewer
// over it then has probability I_p(h, t+1). If that is at most 1-c, the run shows with confidence c that the
// percentile p keeps the limit. So the least h for a given t is where I_p(h, t+1) falls to 1-c. It falls as h
// grows and rises with t, hence every search below is a bisection over one evaluation of I.
//
// The rule is that of MLPerf's LoadGen (https://github.com/mlcommons/inference, early stopping). It assumes
// independent queries: necessary, not sufficient, on a machine whose speed comes in regimes.

/// The rule that decides how many queries a statement about a percentile needs.
package struct EarlyStopping: Sendable {
    package let percentile: Double
    package let confidence: Double
    package let tolerance: Double

    /// All three are fractions; `percentile - tolerance` and `confidence` must lie strictly between 0 and 1.
    package init(percentile: Double, confidence: Double = 0.99, tolerance: Double = 0) {
        precondition(
            percentile - tolerance > 0 && percentile < 1 && tolerance >= 0,
            "early stopping needs a percentile between 0 and 1 that is above its tolerance")
        precondition(confidence > 0 && confidence < 1, "a confidence lies between 0 and 1")
        self.percentile = percentile
        self.confidence = confidence
        self.tolerance = tolerance
    }

    /// Whether `under` queries within a limit and `over` beyond it prove the percentile.
    package func proves(under: Int, over: Int) -> Bool {
        guard under > 0 else { return false }
        return regularizedIncompleteBeta(percentile - tolerance, a: Double(under), b: Double(over + 1))
            <= 1 - confidence
    }

    /// The least number of queries within the limit when `over` are beyond it: h(t).
    package func minimumUnder(over: Int) -> Int {
        precondition(over >= 0, "a count of queries is not negative")
        let share = percentile - tolerance
        // Per query over the limit at least share/(1-share) more are needed under it, which starts the search.
        var low = max(0, Int((Double(over) * share / (1 - share)).rounded(.down)) - 1)
        var step = 64
        while !proves(under: low + step, over: over) {
            low += step
            step *= 2
        }
        return firstIndex(in: low..<low + step) { proves(under: $0, over: over) }
    }

    /// The least number of queries altogether when `over` are beyond the limit: h(t) + t.
    package func minimumQueries(over: Int) -> Int { minimumUnder(over: over) + over }

    /// The rule for a scenario with a limit: `over` of `queries` were beyond it.
    package func isSatisfied(queries: Int, over: Int) -> Bool {
        precondition(over >= 0 && over <= queries, "queries over the limit are part of all queries")
        return proves(under: queries - over, over: over)
    }

    /// How many of the highest latencies `queries` queries allow to leave out; nil when there are too few.
    package func discardable(of queries: Int) -> Int? {
        guard queries > 0, proves(under: queries, over: 0) else { return nil }
        return firstIndex(in: 1..<queries) { !proves(under: queries - $0, over: $0) } - 1
    }

    /// What a run without a limit can say about its percentile.
    package struct Estimate: Equatable, Sendable {
        /// An upper bound of the percentile at the rule's confidence, in the unit of the samples.
        package var value: Double
        /// How many samples lie above the bound: the count that the rule calls t, less one.
        package var discarded: Int

        package init(value: Double, discarded: Int) {
            self.value = value
            self.discarded = discarded
        }
    }

    /// The upper confidence bound of the percentile, or why these samples give none.
    ///
    /// With t the largest count for which n >= h(t) + t, the bound is the element of rank n - t from zero, so the
    /// t - 1 highest samples are left out.
    package func estimate(_ samples: SortedSamples) -> Reading<Estimate> {
        guard let over = discardable(of: samples.count), over > 0 else {
            return .unavailable(
                reason: "\(samples.count) queries; a bound of the \(percentileName(percentile)) latency "
                    + "needs \(minimumQueries(over: 1))")
        }
        return .available(Estimate(value: samples.values[samples.count - over], discarded: over - 1))
    }
}
