internal import Essentials
package import Results
internal import Telemetry

/// The generator's own cost, measured against systems that take no time: the floor under every figure it reports.
package enum GeneratorCost {
    /// How fast an Offline query of `samples` samples passes through one thread, in samples per second.
    ///
    /// The median of the repetitions with its interval. Loading and making the slots come before the clock, as in
    /// every run.
    package static func offlineRate(samples: Int = 1_000_000, repetitions: Int = 11) throws -> Metric {
        let rates = try (0..<repetitions).map { _ in
            let facts = try run(.offline(sampleCount: samples), queries: 1)
            return Double(samples) / facts.elapsed.inSeconds
        }
        return metric(named: "null_offline_samples_per_second", unit: "samples/s", better: .higher, rates)
    }

    /// How much time of the generator one SingleStream query costs, in nanoseconds: drawing, both time stamps, issue,
    /// answer and the way round the loop.
    package static func queryCost(queries: Int = 100_000, repetitions: Int = 11) throws -> Metric {
        let costs = try (0..<repetitions).map { _ in
            try run(.singleStream, queries: queries).elapsed.inSeconds * 1e9 / Double(queries)
        }
        return metric(named: "null_query_cost", unit: "ns", better: .lower, costs)
    }

    /// How late the 99th of 100 queries of a Server run is issued, in microseconds.
    package static func issueSlip(queriesPerSecond: Double = 1000, queries: Int = 1000, repetitions: Int = 7)
        throws -> Metric
    {
        let slips = try (0..<repetitions).compactMap { _ in
            let facts = try run(.server(queriesPerSecond: queriesPerSecond), queries: queries)
            return SortedSamples(facts.samples.map { Double($0.issueSlip) / 1e3 }).percentile(0.99)
        }
        return metric(named: "null_issue_slip_p99", unit: "us", better: .lower, slips)
    }

    private static func run(_ scenario: Scenario, queries: Int) throws -> LoadFacts {
        try LoadGenerator(
            system: NullSystem(), library: ResidentLibrary(name: "numbers", count: 1024),
            settings: LoadSettings(
                scenario: scenario, minimumDuration: .zero, minimumQueries: queries,
                seeds: RunSeeds(data: 1, order: 2, schedule: 3, challenge: 4))
        ).run()
    }

    private static func metric(
        named name: String, unit: String, better: Metric.Direction, _ values: [Double]
    ) -> Metric {
        let sorted = SortedSamples(values)
        let interval = sorted.interval(ofQuantile: 0.5)
        return Metric(
            name: name, unit: unit, better: better, value: sorted.median ?? .nan, low: interval.value?.low,
            high: interval.value?.high, confidence: interval.value?.confidence,
            method: "median of repetitions", n: values.count, reason: interval.reason)
    }
}
