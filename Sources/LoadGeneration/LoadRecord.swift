internal import Essentials
package import Results
package import Telemetry

extension LoadFacts {
    /// The run as a result records it: settings, figures and the rules' verdict.
    ///
    /// Quality, audits, work, ceiling and the file of raw samples are the caller's to add; this module cannot know
    /// them.
    package func workloadResult(name: String, version: String, rules: LoadRules) -> WorkloadResult {
        var params = settings.parameters
        params["latency_limit_ns"] = rules.latencyLimit.map { .whole(Int($0.nanoseconds)) }
        params["percentile"] = rules.percentile.map { .number($0) }
        return WorkloadResult(
            name: name, version: version, scenario: settings.scenario.name,
            arrival: settings.scenario.arrival, params: params, metrics: metrics(under: rules),
            validity: LoadJudgement.validity(of: self, under: rules))
    }
}

extension NoiseRecord {
    /// What a run's contention says of the machine; what could not be read stays out.
    package init(_ contention: HostContention) {
        self.init(
            steal: contention.stealShare.value, pressure: contention.pressureShare.value,
            involuntarySwitches: contention.involuntarySwitches.value)
    }
}
