import Essentials
import Telemetry
import TestSupport
import Testing

/// A row of the published table: the percentile, h(0), and the queries needed with 1, 2, 5, 10, 50, 100 over.
private struct Row: Sendable, CustomTestStringConvertible {
    var percentile: Double
    var under: Int
    var queries: [Int]
    var testDescription: String { "p\(percentile)" }
}

private let overCounts = [1, 2, 5, 10, 50, 100]
private let table: [Row] = [
    Row(percentile: 0.50, under: 7, queries: [11, 14, 22, 35, 128, 237]),
    Row(percentile: 0.90, under: 44, queries: [64, 81, 127, 197, 681, 1246]),
    Row(percentile: 0.95, under: 90, queries: [130, 165, 259, 398, 1372, 2504]),
    Row(percentile: 0.97, under: 152, queries: [219, 277, 433, 667, 2293, 4182]),
    Row(percentile: 0.99, under: 459, queries: [662, 838, 1307, 2010, 6898, 12571]),
    Row(percentile: 0.999, under: 4603, queries: [6636, 8403, 13105, 20140, 69058, 125_826]),
]

@Suite("Early stopping")
struct EarlyStoppingTests {
    @Test(arguments: table) fileprivate func `needs the queries of the published table`(row: Row) {
        let rule = EarlyStopping(percentile: row.percentile)

        #expect(rule.minimumUnder(over: 0) == row.under)
        #expect(overCounts.map(rule.minimumQueries) == row.queries)
    }

    @Test func `ten thousand queries at p99 allow 77 over the limit and not one more`() {
        let rule = EarlyStopping(percentile: 0.99)

        #expect(rule.discardable(of: 10000) == 77)
        #expect(rule.isSatisfied(queries: 10000, over: 77))
        #expect(!rule.isSatisfied(queries: 10000, over: 78))
    }

    @Test func `662 queries prove p99 with one over the limit, 661 do not`() {
        let rule = EarlyStopping(percentile: 0.99)

        #expect(rule.isSatisfied(queries: 662, over: 1))
        #expect(!rule.isSatisfied(queries: 661, over: 1))
    }

    @Test func `the estimate leaves out one sample fewer than may lie over a limit`() throws {
        let samples = SortedSamples((0..<10000).map(Double.init))

        let estimate = try #require(EarlyStopping(percentile: 0.99).estimate(samples).value)

        #expect(estimate.value == 9923)
        #expect(estimate.discarded == 76)
    }

    @Test func `64 samples bound p90 by the largest of them, 63 give a reason instead`() throws {
        let rule = EarlyStopping(percentile: 0.9)

        let bound = try #require(rule.estimate(SortedSamples((0..<64).map(Double.init))).value)
        let refusal = rule.estimate(SortedSamples((0..<63).map(Double.init)))

        #expect(bound == EarlyStopping.Estimate(value: 63, discarded: 0))
        #expect(refusal.reason == "63 queries; a bound of the p90 latency needs 64")
    }

    @Test func `no sample gives no bound`() {
        #expect(EarlyStopping(percentile: 0.9).estimate(SortedSamples([])).value == nil)
    }

    @Test func `counts far beyond a thousand over the limit still follow the rule`() {
        let rule = EarlyStopping(percentile: 0.99)

        for over in [1024, 1025, 5000, 100_000, 1_000_000] {
            let under = rule.minimumUnder(over: over)
            #expect(rule.proves(under: under, over: over))
            #expect(!rule.proves(under: under - 1, over: over))
            // The normal approximation of the same question, good to a part in a thousand for such counts.
            let mean = Double(over) * 99
            let spread = 2.3263 * (Double(over) * 99 * 100).squareRoot()
            #expect(abs(Double(under) - mean - spread) < 0.005 * mean)
        }
    }

    @Test(arguments: propertySeeds) func `is monotone in the count over, and steps at least by the ratio`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        let percentile = random.pick([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
        let rule = EarlyStopping(percentile: percentile)
        let over = random.below(3000)

        let here = rule.minimumUnder(over: over)
        let next = rule.minimumUnder(over: over + 1)

        #expect(Double(next - here) >= (percentile / (1 - percentile)).rounded(.down))
        #expect(rule.isSatisfied(queries: here + over, over: over))
        #expect(here == 1 || !rule.isSatisfied(queries: here + over - 1, over: over))
    }

    @Test(arguments: propertySeeds) func `the estimate and the rule for a limit agree`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let rule = EarlyStopping(percentile: random.pick([0.5, 0.9, 0.97]))
        let samples = SortedSamples((0..<300 + random.below(2000)).map { _ in random.exponential(rate: 1) })

        let estimate = try #require(rule.estimate(samples).value)

        // A limit just above the bound would be kept; the bound is above the plain percentile.
        let over = samples.values.count { $0 > estimate.value }
        #expect(rule.isSatisfied(queries: samples.count, over: over))
        let plain = try #require(samples.percentile(rule.percentile))
        #expect(estimate.value >= plain)
    }
}
