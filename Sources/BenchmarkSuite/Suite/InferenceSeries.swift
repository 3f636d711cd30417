internal import Essentials
internal import LoadGeneration
internal import Results
internal import Telemetry

extension BenchmarkRun {
    /// Prepares a model, starts its replicas as one job, and asks them in every scenario.
    func serve(_ inference: SuiteRules.Inference) async throws {
        let name = inference.model
        say("\(name): generating weights and fitting the head, or taking them from the cache")
        let answer = folder.file("answers/\(name).json")
        try await runJob(
            .prepare(
                model: name, tier: options.tier, samples: tier.accuracySamples, batch: rules.batch,
                cache: options.cache, answer: answer),
            name: "\(name)-prepare", wholeNode(usableNodes[0]))
        let model = try WorkerAnswer.read(PreparationAnswer.self, from: answer)
        say(
            "\(name): \((Double(model.weightCount) / 1e6).formatted(significant: 3)) M weights ready after "
                + "\(model.seconds.formatted(digits: 1)) s; outputs agree with the reference: "
                + "\(model.agreement)")
        let replicas = try await ReplicaJob.start(
            .serve(
                model: name, tier: options.tier, samples: tier.accuracySamples, batch: rules.batch,
                cache: options.cache),
            model: name, batch: rules.batch, in: self)
        do {
            try InferenceSeries(run: self, inference: inference, model: model, system: replicas.system)
                .measure()
        } catch {
            // When the replicas failed, what became of them says more than what the asking side saw.
            try require(try await replicas.end(), name: "\(name)-replicas", ranks: replicaPlan.ranks)
            throw error
        }
        try require(try await replicas.end(), name: "\(name)-replicas", ranks: replicaPlan.ranks)
    }
}

/// Asks the replicas of one model in every scenario, and judges the answers.
struct InferenceSeries {
    let run: BenchmarkRun
    let inference: SuiteRules.Inference
    let model: PreparationAnswer
    let system: ReplicaSystem

    private var duration: Duration { .milliseconds(Int64(run.tier.scenarioSeconds * 1000)) }
    private var bounds: WorkBounds {
        WorkBounds(model, ceilings: run.ceilings, shareOfNode: run.replicaPlan.shareOfNode)
    }

    func measure() throws {
        run.say("\(inference.model): accuracy over \(model.labels.count) samples")
        // One by one, as Server asks: this run also tells the rate that Server asks at.
        let accuracy = try ask(.server(queriesPerSecond: 1), mode: .accuracy, lasting: .zero, atLeast: 1)
        let judged = AccuracyJudgement(accuracy, model: model, fraction: inference.accuracyFraction)
        guard let rate = accuracy.completedRate else {
            throw Failure("The replicas of \(inference.model) answered nothing: \(accuracy.errors).")
        }
        try singleStream(judged)
        try server(judged, rate: inference.serverLoad * rate)
        try offline(judged, expected: rate)
    }

    private func singleStream(_ accuracy: AccuracyJudgement) throws {
        try report(.singleStream, accuracy, floor: bounds.secondsAlone) { timed in
            [try noCaching(), OutputAudit.sameOutputs(timed: timed, accuracy: accuracy.facts)]
        }
    }

    private func server(_ accuracy: AccuracyJudgement, rate: Double) throws {
        try report(.server(queriesPerSecond: rate), accuracy, floor: bounds.secondsAlone) { timed in
            [OutputAudit.sameOutputs(timed: timed, accuracy: accuracy.facts)]
        }
    }

    /// A short query first tells how many samples the real one needs to last long enough.
    private func offline(_ accuracy: AccuracyJudgement, expected rate: Double) throws {
        let probe = try ask(
            .offline(sampleCount: max(4 * model.batch, Int(rate / 2))), lasting: .zero, atLeast: 1)
        let scenario = Scenario.offline(
            lasting: duration, expectedSamplesPerSecond: 1.2 * (probe.completedRate ?? rate),
            atLeast: model.batch)
        try report(scenario, accuracy, floor: 1 / bounds.rate) { timed in
            [OutputAudit.sameOutputs(timed: timed, accuracy: accuracy.facts)]
        }
    }

    /// Runs a scenario, and adds what came of it to the run's record.
    private func report(
        _ scenario: Scenario, _ accuracy: AccuracyJudgement, floor: Double,
        audits: (LoadFacts) throws -> [Audit]
    ) throws {
        run.say(
            "\(inference.model): \(scenario.name) for \(duration.inSeconds.formatted(significant: 2)) s or more"
        )
        let rules = loadRules(scenario, floor: floor)
        let facts = try askLongEnough(scenario, under: rules)
        var workload = facts.workloadResult(name: inference.model, version: model.version, rules: rules)
        workload.modelSHA256 = model.modelSHA256
        workload.dataSHA256 = model.dataSHA256
        workload.quality = accuracy.quality
        workload.audits = try audits(facts)
        workload.validity = workload.validity.adding(accuracy.checks + workload.audits.map(\.check))
        workload.samples = try keep(facts)
        workload.notes = [run.replicaPlan.note]
        setBounds(of: &workload, facts)
        try run.add(workload)
    }

    /// One query of Offline is over when its samples are; where the replicas were faster than expected, a larger one
    /// is asked instead, and the short one does not count.
    private func askLongEnough(_ scenario: Scenario, under rules: LoadRules) throws -> LoadFacts {
        var facts = try ask(scenario, lasting: rules.minimumDuration, atLeast: rules.minimumQueries)
        for _ in 0..<3 {
            guard case .offline = scenario, facts.countedDuration < rules.minimumDuration,
                let rate = facts.completedRate
            else { break }
            run.say(
                "\(inference.model): that was too short at \(rate.formatted(significant: 3)) samples/s; asking for more"
            )
            let larger = Scenario.offline(
                lasting: rules.minimumDuration, expectedSamplesPerSecond: 1.2 * rate, atLeast: model.batch)
            facts = try ask(larger, lasting: rules.minimumDuration, atLeast: rules.minimumQueries)
        }
        return facts
    }

    private func loadRules(_ scenario: Scenario, floor: Double) -> LoadRules {
        var rules = LoadRules.standard(for: run.options.tier, scenario: scenario)
        rules.minimumDuration = duration
        rules.floor = .seconds(floor)
        if case .server = scenario { rules.latencyLimit = .milliseconds(inference.latencyLimitMilliseconds) }
        return rules
    }

    private func ask(
        _ scenario: Scenario, mode: LoadMode = .performance, picking: SamplePicking = .uniform,
        lasting: Duration, atLeast: Int
    ) throws -> LoadFacts {
        let facts = try LoadGenerator(
            system: system,
            library: ResidentLibrary(
                name: "\(inference.model) evaluation samples", count: model.labels.count),
            settings: LoadSettings(
                scenario: scenario, mode: mode, picking: picking, minimumDuration: lasting,
                minimumQueries: atLeast,
                seeds: run.result.seeds)
        ).run(stop: run.stopper.load)
        try run.checkStops()
        if let failure = system.failure { throw Failure("Asking \(inference.model) ended: \(failure).") }
        return facts
    }

    /// TEST04 in short turns, so that a machine whose speed changes meets both kinds alike.
    private func noCaching() throws -> Audit {
        let turn = duration / 10
        let turns = try (0..<5).map { _ in
            (
                different: try ask(.singleStream, lasting: turn, atLeast: 4),
                repeated: try ask(.singleStream, picking: .repeated, lasting: turn, atLeast: 4)
            )
        }
        return OutputAudit.noCaching(turns)
    }

    private func keep(_ facts: LoadFacts) throws -> SamplesRecord {
        let file = "samples/\(inference.model)-\(facts.settings.scenario.name).csv"
        let bytes = SampleFile.encoded(facts.records(device: facts.systemName))
        try DurableFile.write(bytes, to: run.folder.file(file))
        return SamplesRecord(file: file, sha256: sha256Hex(bytes), columns: SampleFile.columns)
    }

    private func setBounds(of workload: inout WorkloadResult, _ facts: LoadFacts) {
        let inMilliseconds = workload.metrics.first?.unit == "ms"
        workload.setCeiling(
            inMilliseconds ? bounds.secondsAlone * 1000 : bounds.rate, floorSeconds: bounds.secondsAlone)
        guard let rate = facts.completedRate, let place = run.result.ceilings.first?.place else { return }
        let alone = facts.settings.scenario.name != "offline"
        workload.work = WorkRecord(
            flopPerSample: model.flopPerSample,
            compulsoryBytesPerSample: alone ? model.bytesAlone : model.bytesPerBatch / Double(model.batch),
            // The roofline is that of one node; the nodes share the work evenly.
            samplesPerSecond: rate / Double(run.ceilings.count), place: place)
    }
}

extension Audit {
    /// The audit as a check, so that the verdict heeds it.
    fileprivate var check: Check {
        Check(
            rule: "audit.\(id)", measured: detail, required: "the audit passes", pass: pass,
            remedy: "The system answers differently, or faster, when it is only asked for speed.")
    }
}
