internal import Essentials
package import LoadGeneration
package import Results
internal import Telemetry

/// What the answers of an accuracy run are worth.
package struct AccuracyJudgement {
    package let facts: LoadFacts
    package let quality: Quality
    /// Reasons against every figure that was measured with these answers, and the checks that found none.
    package let checks: [Check]

    package init(_ facts: LoadFacts, model: PreparationAnswer, fraction: Double) {
        let answers = facts.results
        let right = model.labels.indices.count { answers[Int32($0)] == model.labels[$0] }
        let share = Double(right) / Double(model.labels.count)
        let target = fraction * model.referenceAccuracy
        let interval = RateInterval.wilson(successes: right, trials: model.labels.count).value
        self.facts = facts
        quality = Quality(
            metric: "top1", value: share, reference: model.referenceAccuracy, target: target,
            n: model.labels.count,
            low: interval?.low, high: interval?.high, pass: share >= target)
        let ownRules = LoadRules(
            name: "accuracy", version: "1", minimumDuration: .zero, minimumQueries: 1, percentile: nil)
        checks =
            LoadJudgement.validity(of: facts, under: ownRules).checks.map { check in
                var check = check
                check.rule = "accuracy-run.\(check.rule)"
                return check
            } + [
                Check(
                    rule: "quality.target",
                    measured: "\(right) of \(model.labels.count) right, \(percent(share))",
                    required:
                        "at least \(percent(target)), which is \(percent(fraction)) of the reference's "
                        + percent(model.referenceAccuracy),
                    pass: quality.pass,
                    remedy: "Speed does not count without accuracy: look for lost precision."),
                Check(
                    rule: "outputs.reference", measured: "\(model.agreement)",
                    required:
                        "the reference implementation's classes, and its scores within "
                        + "\((Agreement.limit * 1e6).formatted(significant: 3)) ppm of their range",
                    pass: model.agreement.passes,
                    remedy: "A kernel computes something else than its operator says; run make test."),
            ]
    }
}
