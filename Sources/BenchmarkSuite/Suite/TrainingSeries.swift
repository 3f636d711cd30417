internal import Backends
internal import Essentials
internal import MachineAgent
internal import Results
internal import Scheduling
internal import Telemetry
internal import Training

extension BenchmarkRun {
    /// Trains the digits to their target, alone several times, then on several ranks beside the same steps on one.
    func train() async throws {
        try await TrainingSeries(run: self).measure()
    }
}

/// The digits: time to a target accuracy, and what several ranks make of the same steps.
struct TrainingSeries {
    static let name = "digits"
    private static let version = "1"

    let run: BenchmarkRun
    private var rules: SuiteRules.Training { run.rules.training }

    func measure() async throws {
        try await timeToTarget()
        try await ranksFollowOne()
    }

    // MARK: Time to target

    private func timeToTarget() async throws {
        let count = run.tier.trainingRuns
        run.say(
            "\(Self.name): training \(count) times to \(percent(rules.targetAccuracy)) on held-out images")
        var answers: [TrainingAnswer] = []
        for index in 0..<count {
            // A seed of its own each time: runs that are equal by construction would only be timed again.
            answers.append(
                try await oneJob(
                    "\(Self.name)-\(index)", seed: run.result.seeds.data &+ UInt64(index),
                    target: rules.targetAccuracy, resources: run.wholeNode(run.usableNodes[0])))
        }
        try run.add(targetResult(answers))
    }

    private func targetResult(_ answers: [TrainingAnswer]) -> WorkloadResult {
        let runs = answers.map { $0.record(target: rules.targetAccuracy) }
        let least = answers.min { ($0.history.accuracy ?? 0) < ($1.history.accuracy ?? 0) } ?? answers[0]
        var workload = WorkloadResult(
            name: Self.name, version: Self.version, scenario: "train_to_target",
            params: [
                "target_accuracy": .number(rules.targetAccuracy), "runs": .whole(answers.count),
                "held_out_images": .whole(answers[0].heldOutCount),
                "batch_size": .whole(answers[0].batchSize),
            ],
            metrics: metrics(answers, runs), quality: quality(of: least),
            validity: Validity(checks: checks(runs)),
            training: runs)
        workload.dataSHA256 = answers[0].dataSHA256
        setBounds(of: &workload, answers[0])
        return workload
    }

    /// The floor is that of the median run's samples, evaluations left out.
    private func setBounds(of workload: inout WorkloadResult, _ answer: TrainingAnswer) {
        guard let node = run.ceilings.first, let place = run.result.ceilings.first?.place,
            let steps = SortedSamples(workload.training.map { Double($0.steps) }).percentile(0.5),
            let rate = workload.metrics.first(where: { $0.name == "throughput" })?.value
        else { return }
        let perSample = max(
            answer.flopPerSample / node.operationsPerSecond, answer.bytesPerSample / node.bytesPerSecond)
        workload.setCeiling(steps * Double(answer.batchSize) * perSample, floorSeconds: perSample)
        workload.work = WorkRecord(
            flopPerSample: answer.flopPerSample, compulsoryBytesPerSample: answer.bytesPerSample,
            samplesPerSecond: rate, place: place)
    }

    private func metrics(_ answers: [TrainingAnswer], _ runs: [TrainingRun]) -> [Metric] {
        [
            median("time_to_target", "s", .lower, runs.map(\.seconds)),
            median(
                "throughput", "samples/s", .higher,
                answers.map {
                    Double($0.batchSize * $0.history.records.count) / max($0.history.seconds, 1e-9)
                }),
        ]
    }

    private func median(_ name: String, _ unit: String, _ better: Metric.Direction, _ values: [Double])
        -> Metric
    {
        let sorted = SortedSamples(values)
        return Metric(
            name: name, unit: unit, better: better, value: sorted.percentile(0.5) ?? .nan,
            low: sorted.minimum,
            high: sorted.maximum, method: "median and range of \(values.count) runs", n: values.count,
            reason: "a range, not a confidence interval: there are too few runs for one")
    }

    private func quality(of answer: TrainingAnswer) -> Quality {
        let accuracy = answer.history.accuracy ?? 0
        let right = Int((accuracy * Double(answer.heldOutCount)).rounded())
        let interval = RateInterval.wilson(successes: right, trials: answer.heldOutCount).value
        return Quality(
            metric: "held_out_accuracy", value: accuracy, target: rules.targetAccuracy,
            n: answer.heldOutCount,
            low: interval?.low, high: interval?.high, pass: accuracy >= rules.targetAccuracy)
    }

    private func checks(_ runs: [TrainingRun]) -> [Check] {
        let reached = runs.count(where: \.reached)
        let slowest = runs.map(\.seconds).max() ?? 0
        return [
            Check(
                rule: "training.target", measured: "\(reached) of \(runs.count) runs reached the target",
                required: "all", pass: reached == runs.count,
                remedy: "Look at the training curve; a wrong gradient or another rate shows there."),
            Check(
                rule: "training.time", measured: "\(slowest.formatted(significant: 3)) s in the slowest run",
                required: "under \(rules.timeLimitSeconds.formatted(significant: 3)) s",
                pass: slowest < rules.timeLimitSeconds, remedy: "Give the training a core of its own."),
            Check(
                rule: "training.seeds",
                measured: "\(Set(runs.map(\.seed)).count) seeds in \(runs.count) runs",
                required: "a seed of its own for each run", pass: Set(runs.map(\.seed)).count == runs.count,
                remedy: "Runs of one seed are one run."),
        ]
    }

    // MARK: Ranks

    /// The same steps on one rank and on several must give the same losses, up to the order of float sums.
    private func ranksFollowOne() async throws {
        let plan = run.replicaPlan
        // The batch of 32 divides among a power of two.
        let ranks = 1 << Int(Double(min(plan.ranks, 32)).exponent)
        guard ranks > 1 else {
            run.say("\(Self.name): one core only, so there are no ranks to compare")
            return
        }
        run.say("\(Self.name): \(rules.rankSteps) steps on one rank and on \(ranks); \(plan.note)")
        let seed = run.result.seeds.data
        let single = ResourceRequest(cores: .cores(plan.coresPerRank), within: run.allowed)
        let several = ResourceRequest(
            cores: .cores(plan.coresPerRank), ranks: ranks, spread: plan.spread, within: run.allowed)
        let one = try await oneJob(
            "\(Self.name)-1-rank", seed: seed, steps: rules.rankSteps, resources: single)
        let many = try await oneJob(
            "\(Self.name)-\(ranks)-ranks", seed: seed, steps: rules.rankSteps, resources: several)
        var workload = comparison(one, many, seed: seed)
        workload.notes = [plan.note]
        try run.add(workload)
    }

    private func comparison(_ one: TrainingAnswer, _ many: TrainingAnswer, seed: UInt64) -> WorkloadResult {
        let losses = zip(one.history.records, many.history.records)
        let apart = losses.map { abs($0.loss - $1.loss) / max(abs($0.loss), 1e-12) }.max() ?? .infinity
        let isWhole =
            one.history.records.count == rules.rankSteps && many.history.records.count == rules.rankSteps
        return WorkloadResult(
            name: Self.name, version: Self.version, scenario: "train_on_\(many.ranks)_ranks",
            params: ["ranks": .whole(many.ranks), "steps": .whole(rules.rankSteps)],
            metrics: [
                Metric(
                    name: "loss_difference", unit: "ppm", better: .lower, value: apart * 1e6,
                    method: "largest over all steps", n: one.history.records.count),
                Metric(
                    name: "time_ratio", unit: "x", better: .lower,
                    value: many.secondsAfterFirstStep / max(one.secondsAfterFirstStep, 1e-9),
                    method: "to one rank, after the first step",
                    n: 1,
                    reason: "one pair gives no interval"),
            ],
            validity: Validity(checks: [
                Check(
                    rule: "ranks.whole", measured: "\(many.history.records.count) steps",
                    required: "\(rules.rankSteps) steps on one rank and on \(many.ranks)", pass: isWhole,
                    remedy: "A run ended early; its log says why."),
                Check(
                    rule: "ranks.same-loss",
                    measured: "losses differ by up to \(apart.formatted(significant: 2))",
                    required:
                        "at most \(rules.rankTolerance.formatted(significant: 2)) of the loss at each step",
                    pass: apart <= rules.rankTolerance,
                    remedy: "The ranks do not average their gradients, or do not share the batch."),
            ]))
    }

    // MARK: Jobs

    private func oneJob(
        _ name: String, seed: UInt64, target: Double? = nil, steps: Int? = nil, resources: ResourceRequest
    ) async throws -> TrainingAnswer {
        let answer = run.folder.file("answers/\(name).json")
        try await run.runJob(
            .train(seed: seed, target: target, steps: steps, answer: answer), name: name, resources)
        return try WorkerAnswer.read(TrainingAnswer.self, from: answer)
    }
}

extension TrainingAnswer {
    /// Without the first step, in which ranks also wait for each other's start.
    fileprivate var secondsAfterFirstStep: Double {
        history.seconds - (history.records.first?.seconds ?? 0)
    }

    fileprivate func record(target: Double) -> TrainingRun {
        let reached = (history.accuracy ?? 0) >= target
        return TrainingRun(
            seed: seed, target: target, reached: reached, seconds: seconds, steps: history.records.count,
            history: history.records.map {
                TrainingPoint(step: $0.step, seconds: $0.seconds, loss: $0.loss, accuracy: $0.accuracy)
            })
    }
}
