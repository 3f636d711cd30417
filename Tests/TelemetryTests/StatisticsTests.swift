import Essentials
import Telemetry
import TestSupport
import Testing

@Suite("Distribution functions")
struct SpecialFunctionTests {
    @Test func `the incomplete beta function has its closed forms`() {
        // I_x(1, b) = 1-(1-x)^b and I_x(a, 1) = x^a; I_0.5(a, a) = 0.5.
        #expect(abs(regularizedIncompleteBeta(0.2, a: 1, b: 3) - (1 - 0.512)) < 1e-14)
        #expect(abs(regularizedIncompleteBeta(0.2, a: 3, b: 1) - 0.008) < 1e-15)
        #expect(abs(regularizedIncompleteBeta(0.5, a: 1e5, b: 1e5) - 0.5) < 1e-8)
        #expect(regularizedIncompleteBeta(0, a: 2, b: 2) == 0)
        #expect(regularizedIncompleteBeta(1, a: 2, b: 2) == 1)
    }

    @Test(arguments: propertySeeds) func `binomial probabilities are the sums of their terms`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let trials = 1 + random.below(40)
        let chance = 0.02 + 0.96 * random.uniform()
        var term = 1.0
        for _ in 0..<trials { term *= 1 - chance }
        var sum = 0.0

        for successes in 0..<trials {
            sum += term
            term *= Double(trials - successes) / Double(successes + 1) * chance / (1 - chance)
            let value = binomialProbability(atMost: successes, trials: trials, probability: chance)
            #expect(abs(value - sum) < 1e-11)
        }
    }

    @Test func `quantiles are those of the printed tables`() {
        #expect(abs(normalQuantile(0.975) - 1.959964) < 1e-6)
        #expect(abs(normalQuantile(0.01) + 2.326348) < 1e-6)
        #expect(abs(studentQuantile(0.975, degreesOfFreedom: 1) - 12.706205) < 1e-5)
        #expect(abs(studentQuantile(0.975, degreesOfFreedom: 19) - 2.093024) < 1e-6)
        #expect(abs(studentQuantile(0.05, degreesOfFreedom: 10) + 1.812461) < 1e-6)
    }
}

@Suite("Order statistics")
struct SortedSamplesTests {
    @Test func `a percentile is the element of rank floor(n p)`() {
        let samples = SortedSamples((0..<100).reversed().map(Double.init))

        #expect(samples.percentile(0) == 0)
        #expect(samples.percentile(0.29) == 29)
        #expect(samples.percentile(0.999) == 99)
        #expect(samples.percentile(1) == 99)
        #expect(samples.median == 50)
        #expect(SortedSamples([]).percentile(0.5) == nil)
    }

    @Test func `the interval of a median of ten is that of the sign test`() throws {
        let interval = try #require(
            SortedSamples((1...10).map(Double.init)).interval(ofQuantile: 0.5, confidence: 0.95).value)

        #expect(interval.low == 2)
        #expect(interval.high == 9)
    }

    @Test func `five samples give no 95 % interval of the median`() {
        #expect(SortedSamples([1, 2, 3, 4, 5]).interval(ofQuantile: 0.5).value == nil)
    }

    @Test func `the interval covers the true quantile as often as it says`() {
        var random = SeededGenerator(seed: 5)
        var covered = 0
        for _ in 0..<1000 {
            let samples = SortedSamples((0..<80).map { _ in random.uniform() })
            if samples.interval(ofQuantile: 0.9, confidence: 0.9).value?.contains(0.9) == true {
                covered += 1
            }
        }
        // At least 900 are expected; 870 is more than three standard deviations below.
        #expect(covered >= 870)
    }
}

@Suite("Log histogram")
struct LogHistogramTests {
    @Test func `small values are exact`() {
        var histogram = LogHistogram()
        for value in 0..<32 { histogram.record(Int64(value)) }

        #expect(histogram.percentile(0.5) == 16)
        #expect(histogram.minimum == 0)
        #expect(histogram.maximum == 31)
        #expect(LogHistogram().percentile(0.5) == nil)
    }

    @Test func `the largest value fits`() {
        var histogram = LogHistogram()
        histogram.record(.max)
        histogram.record(-5)

        #expect(histogram.percentile(1) == .max)
        #expect(histogram.percentile(0) == 0)
    }

    @Test(arguments: propertySeeds) func `percentiles are at most one bucket above the exact ones`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        var whole = LogHistogram()
        var parts = [LogHistogram(), LogHistogram()]
        let values = (0..<500).map { _ in Int64(random.exponential(rate: 1e-7)) }
        for (index, value) in values.enumerated() {
            whole.record(value)
            parts[index % 2].record(value)
        }
        parts[0].merge(parts[1])

        for fraction in [0, 0.1, 0.5, 0.9, 0.99, 1] {
            let exact = SortedSamples(values.map(Double.init)).percentile(fraction) ?? -1
            let estimate = Double(whole.percentile(fraction) ?? -1)
            #expect(estimate >= exact)
            #expect(estimate <= exact * 1.0313 + 1)
            #expect(whole.percentile(fraction) == parts[0].percentile(fraction))
        }
    }
}

@Suite("Intervals")
struct IntervalTests {
    @Test func `selection finds the middle`() {
        var odd = [5.0, 1, 4, 2, 3]
        var even = [4.0, 1, 3, 2]

        #expect(median(selectingIn: &odd) == 3)
        #expect(median(selectingIn: &even) == 2.5)
    }

    @Test(arguments: propertySeeds) func `selection agrees with sorting`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var values = (0..<1 + random.below(60)).map { _ in Double(random.below(20)) }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        let expected = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2

        #expect(median(selectingIn: &values) == expected)
    }

    @Test func `the bootstrap is repeatable and widens when neighbours agree`() throws {
        var random = SeededGenerator(seed: 3)
        let independent = (0..<400).map { _ in random.normal() }
        var level = 0.0
        let regimes = (0..<400).map { index in
            if index % 25 == 0 { level = 2 * random.normal() }
            return level + 0.1 * random.normal()
        }

        let bootstrap = BlockBootstrap(resamples: 1000, seed: 1)
        let first = try #require(bootstrap.intervalOfMedian(independent).value)
        let again = try #require(bootstrap.intervalOfMedian(independent).value)
        let blocks = try #require(bootstrap.intervalOfMedian(regimes).value)
        let naive = try #require(
            BlockBootstrap(blockLength: 1, resamples: 1000, seed: 1).intervalOfMedian(regimes).value)

        #expect(first == again)
        #expect(first.contains(0))
        #expect(BlockBootstrap.suitableBlockLength(for: regimes) >= 10)
        #expect(blocks.halfWidth > 1.5 * naive.halfWidth)
    }

    @Test func `too short a series has no bootstrap interval`() {
        let reading = BlockBootstrap(blockLength: 5, seed: 1).intervalOfMedian([1, 2, 3])
        #expect(reading.reason == "3 values are fewer than four blocks of 5")
    }

    @Test func `batch means bound the rate of a Poisson stream`() throws {
        var covered = 0
        for seed in propertySeeds {
            var random = SeededGenerator(seed: seed)
            var moment = 0.0
            var completions: [Int64] = []
            while moment < 10 {
                moment += random.exponential(rate: 200)
                completions.append(Int64(moment * 1e9))
            }
            let interval = try #require(
                RateInterval.throughput(completions: completions, window: 0..<10_000_000_000).value)
            if interval.contains(200) { covered += 1 }
        }
        // 95 of 100 expected; below 88 has a chance of one in five hundred.
        #expect(covered >= 88)
    }

    @Test func `completions in one burst have no batch means`() {
        let reading = RateInterval.throughput(
            completions: Array(repeating: 500, count: 1000), window: 0..<1000)
        #expect(reading.reason == "completions came at 1 distinct moments, fewer than 20")
    }

    @Test func `Wilson's interval of 81 in 100 is the textbook one`() throws {
        let interval = try #require(RateInterval.wilson(successes: 81, trials: 100).value)

        #expect(abs(interval.low - 0.7222) < 5e-4)
        #expect(abs(interval.high - 0.8749) < 5e-4)
        #expect(RateInterval.wilson(successes: 0, trials: 0).value == nil)
        #expect(RateInterval.wilson(successes: 50, trials: 50).value?.high == 1)
    }
}

@Suite("Host contention")
struct HostContentionTests {
    @Test func `pressure and steal are read from the kernel's text`() {
        let pressure = "some avg10=0.00 avg60=1.30 avg300=2.20 total=123456\nfull avg10=0.00 total=7\n"
        let stat = "cpu  100 0 50 1000 5 0 3 250 0 0\ncpu0 50 0 25 500 2 0 1 125 0 0\n"

        #expect(ContentionReading.pressureTotal(in: pressure) == .microseconds(123_456))
        #expect(ContentionReading.stealTime(in: stat, ticksPerSecond: 100) == .milliseconds(2500))
        #expect(ContentionReading.pressureTotal(in: "garbage") == nil)
        #expect(ContentionReading.stealTime(in: "cpu  1 2 3\n", ticksPerSecond: 100) == nil)
    }

    @Test func `two readings of this machine give shares or reasons`() {
        let contention = HostContention(from: .now(), to: .now())

        #expect(contention.involuntarySwitches.value != nil)
        #expect(contention.stealShare.value.map { $0 >= 0 } ?? (contention.stealShare.reason != nil))
        #expect(contention.pressureShare.value.map { $0 >= 0 } ?? (contention.pressureShare.reason != nil))
    }

    @Test func `a file that is not there is a reason, not a zero`() {
        #expect(
            readKernelFile("/proc/no-such-file").reason == "/proc/no-such-file: No such file or directory")
    }
}
