internal import Essentials
package import Results
internal import Telemetry

extension LoadFacts {
    /// The figures of a run, the scenario's headline first; each with an interval or the reason for having none.
    ///
    /// Latencies are in milliseconds and count from the scheduled moment. Without answers there are no figures.
    package func metrics(under rules: LoadRules) -> [Metric] {
        let sorted = SortedSamples(latencies)
        let rate = rateMetric()
        let median = quantileMetric(0.5, of: sorted)
        let tail = rules.percentile.map { boundMetric($0, of: sorted, confidence: rules.confidence) }
        return switch settings.scenario {
        case .singleStream: [tail, median, rate].compactMap { $0 }
        case .server: [rate, tail, median].compactMap { $0 } + [scheduledRateMetric()]
        case .offline: [rate]
        }
    }

    private func rateMetric() -> Metric {
        let name = settings.scenario.name == "server" ? "completed_rate" : "throughput"
        guard let rate = completedRate else {
            return Metric(
                name: name, unit: "samples/s", better: .higher, method: "count over time", n: 0,
                missing: "no sample was answered")
        }
        let ends = samples.compactMap(\.end).sorted()
        let interval = RateInterval.throughput(completions: ends, window: 0..<max(1, ends.last ?? 1))
        return Metric(
            name: name, unit: "samples/s", better: .higher, value: rate, low: interval.value?.low,
            high: interval.value?.high, confidence: interval.value?.confidence,
            method: interval.value?.method ?? "count over time", n: ends.count, reason: interval.reason)
    }

    private func scheduledRateMetric() -> Metric {
        Metric(
            name: "scheduled_rate", unit: "samples/s", better: .higher,
            value: ArrivalSchedule.rate(of: samples.map(\.scheduled)), method: "schedule", n: samples.count,
            reason: drawnRate.map {
                "the draws gave \($0.formatted(significant: 5))/s and were fitted to the target"
            })
    }

    private func quantileMetric(_ fraction: Double, of sorted: SortedSamples) -> Metric {
        let name = "latency_\(percentileName(fraction))"
        guard let value = sorted.percentile(fraction) else {
            return Metric(
                name: name, unit: "ms", better: .lower, method: "order-statistics", n: 0,
                missing: "no sample was answered")
        }
        let interval = sorted.interval(ofQuantile: fraction)
        return Metric(
            name: name, unit: "ms", better: .lower, value: value / 1e6,
            low: interval.value.map { $0.low / 1e6 }, high: interval.value.map { $0.high / 1e6 },
            confidence: interval.value?.confidence, method: "order-statistics", n: sorted.count,
            reason: interval.reason)
    }

    /// A percentile with the upper bound that early stopping allows; below its minimum no percentile at all.
    private func boundMetric(_ fraction: Double, of sorted: SortedSamples, confidence: Double) -> Metric {
        let name = "latency_\(percentileName(fraction))"
        let estimate = EarlyStopping(percentile: fraction, confidence: confidence).estimate(sorted)
        guard let bound = estimate.value, let plain = sorted.percentile(fraction) else {
            return Metric(
                name: name, unit: "ms", better: .lower, method: "early-stopping", n: sorted.count,
                missing: estimate.reason ?? "no sample was answered")
        }
        // SingleStream reports the bound itself; Server is limited by the plain percentile.
        let isLimited = settings.scenario.name == "server"
        return Metric(
            name: name, unit: "ms", better: .lower, value: (isLimited ? plain : bound.value) / 1e6,
            low: isLimited ? nil : plain / 1e6, high: bound.value / 1e6, confidence: confidence,
            method: "early-stopping(\(bound.discarded) discarded)", n: sorted.count)
    }
}

/// Holds the figures that a result claims against those that its raw samples give.
package enum ClaimCheck {
    /// Claims may differ from the recomputed value by rounding only.
    private static let tolerance = 1e-6

    /// One check per claimed figure of the run; a claim that the samples cannot give fails too.
    package static func checks(claims: [Metric], facts: LoadFacts, rules: LoadRules) -> [Check] {
        let computed = facts.metrics(under: rules)
        let fromIssue = facts.countedFromIssue.metrics(under: rules)
        return claims.map { claim in
            let own = computed.first { $0.name == claim.name }
            let isSame = own.map { agree(claim, $0) } ?? false
            let countsFromIssue = fromIssue.contains { $0.name == claim.name && agree(claim, $0) }
            return Check(
                rule: !isSame && countsFromIssue ? "latency.from-scheduled" : "metric.recomputed",
                measured: "\(claim.name) claimed \(text(claim)), recomputed \(own.map(text) ?? "not at all")",
                required: "equal", pass: isSame,
                remedy: !isSame && countsFromIssue
                    ? "Latency counts from the scheduled moment, not from when the query was sent."
                    : "The figure does not follow from the raw samples; measure again.")
        }
    }

    private static func agree(_ claim: Metric, _ computed: Metric) -> Bool {
        zip([claim.value, claim.low, claim.high], [computed.value, computed.low, computed.high])
            .allSatisfy { claimed, computed in
                guard let claimed, let computed else { return claimed == nil && computed == nil }
                return abs(claimed - computed) <= tolerance * max(abs(claimed), abs(computed))
            }
    }

    private static func text(_ metric: Metric) -> String {
        metric.value.map { "\($0.formatted(significant: 6)) \(metric.unit)" } ?? "nothing"
    }
}

extension LoadFacts {
    /// The same run with latency counted from sending: the usual mistake, to recognise it.
    fileprivate var countedFromIssue: LoadFacts {
        var facts = self
        for index in facts.samples.indices { facts.samples[index].scheduled = facts.samples[index].issued }
        return facts
    }
}
