internal import Essentials
package import Results
internal import Telemetry

/// Holds rules against facts: a pure function, so that an old run can be judged again.
package struct LoadJudgement {
    private let facts: LoadFacts
    private let rules: LoadRules

    /// What the rules say about a run; each check names its rule, what was measured, and what to do about it.
    package static func validity(of facts: LoadFacts, under rules: LoadRules) -> Validity {
        let judgement = LoadJudgement(facts: facts, rules: rules)
        let always = judgement.completionChecks()
        return switch facts.settings.mode {
        case .performance: Validity(checks: always + judgement.performanceChecks())
        case .accuracy: Validity(checks: always + [judgement.coverageCheck()])
        }
    }

    // MARK: Answers

    private func completionChecks() -> [Check] {
        let failed = facts.errorCount
        let notFinite = facts.samples.count { $0.flags.contains(.notFinite) }
        return [
            Check(
                rule: "run.finished", measured: facts.wasInterrupted ? "stopped early" : "ran to its end",
                required: "runs to its end", pass: !facts.wasInterrupted,
                remedy: "Run it again and let it end."),
            none(
                "completion.all", facts.missingAnswers, "samples without an answer",
                "Find where the system loses queries; raise the patience if it is only slow."),
            none(
                "completion.once", facts.repeatedAnswers, "answers beyond the first",
                "The system must answer each sample exactly once."),
            none(
                "completion.known", facts.unknownAnswers, "answers to samples that were never issued",
                "The system must answer with the id it was given."),
            Check(
                rule: "errors.none",
                measured: failed == 0
                    ? "0 errors" : "\(failed) errors, first: \(facts.errors.first ?? "unknown")",
                required: "0 errors", pass: failed == 0,
                remedy: "Repair the first error; a system that skips work looks fast."),
            none(
                "output.finite", notFinite, "answers with NaN or infinity",
                "Look for overflow in the model; such an answer equals nothing."),
        ]
    }

    private func coverageCheck() -> Check {
        let distinct = Set(facts.samples.map(\.sample)).count
        return Check(
            rule: "accuracy.each-once", measured: "\(facts.samples.count) queries for \(distinct) samples",
            required: "one query for each of \(facts.librarySize) samples",
            pass: distinct == facts.samples.count && distinct == facts.librarySize,
            remedy: "Run the accuracy mode over the whole library.")
    }

    private func none(_ rule: String, _ count: Int, _ what: String, _ remedy: String) -> Check {
        Check(rule: rule, measured: "\(count) \(what)", required: "0", pass: count == 0, remedy: remedy)
    }

    // MARK: Speed

    private func performanceChecks() -> [Check] {
        var checks = [durationCheck(), countCheck(), clockCheck(), contentionCheck()]
        if let floor = rules.floor { checks.append(floorCheck(floor)) }
        if case .server(let rate) = facts.settings.scenario {
            checks += [rateCheck(rate), scheduleCheck(rate), slipCheck()]
            if let limit = rules.latencyLimit, let percentile = rules.percentile {
                checks += [
                    limitCheck(limit, percentile: percentile),
                    earlyStoppingCheck(limit, percentile: percentile),
                ]
            }
        } else if case .singleStream = facts.settings.scenario, let percentile = rules.percentile {
            checks.append(estimateCheck(percentile))
        }
        if case .offline = facts.settings.scenario { return checks }
        if let tolerance = rules.halvesTolerance, let percentile = rules.percentile {
            checks.append(halvesCheck(tolerance, percentile: percentile))
        }
        return checks
    }

    private func durationCheck() -> Check {
        let measured = facts.countedDuration
        return Check(
            rule: "duration.minimum", measured: seconds(measured),
            required: "at least \(seconds(rules.minimumDuration))", pass: measured >= rules.minimumDuration,
            remedy: "Let the run last longer, or ask for a shorter tier.")
    }

    private func countCheck() -> Check {
        Check(
            rule: "queries.minimum", measured: "\(facts.samples.count) samples",
            required: "at least \(rules.minimumQueries)", pass: facts.samples.count >= rules.minimumQueries,
            remedy: "Let the run last longer, or ask for a shorter tier.")
    }

    /// Two clocks that disagree by a percent make every duration doubtful.
    private func clockCheck() -> Check {
        let own = facts.elapsed.inSeconds
        let off = own > 0 ? abs(facts.elapsedOnSystemClock.inSeconds - own) / own : 0
        return Check(
            rule: "clock.agreement", measured: "\(percent(off)) apart", required: "at most 1 %",
            pass: off <= 0.01,
            effect: .inconclusive,
            remedy: "The wall clock was set during the run, or a clock drifts; run it again.")
    }

    private func contentionCheck() -> Check {
        let share = facts.contention.map(\.stealShare)
        guard case .available(.available(let steal)) = share else {
            let reason = share.reason ?? share.value?.reason ?? "unknown"
            return Check(
                rule: "host.contention", measured: "not known: \(reason)",
                required: "at most \(percent(rules.stealLimit)) stolen", pass: false, effect: .warning,
                remedy: "Run where the kernel reports stolen time.")
        }
        return Check(
            rule: "host.contention", measured: "\(percent(steal)) of processor time stolen",
            required: "at most \(percent(rules.stealLimit))", pass: steal <= rules.stealLimit,
            effect: rules.contentionEffect, remedy: "Run on a machine that no other guest shares.")
    }

    /// Nothing can be faster than its work on the measured ceilings; a tenth is left for their own noise.
    private func floorCheck(_ floor: Duration) -> Check {
        let least =
            facts.settings.scenario.name == "offline"
            ? facts.completedRate.map { 1 / $0 } : facts.latencies.min().map { $0 / 1e9 }
        return Check(
            rule: "time.floor", measured: least.map(seconds) ?? "no answer",
            required: "at least 90 % of \(seconds(floor))",
            pass: least.map { $0 >= 0.9 * floor.inSeconds } ?? false,
            remedy: "Work is skipped or cached, or FLOP and bytes are miscounted.")
    }

    // MARK: Server

    private func rateCheck(_ target: Double) -> Check {
        let due = ArrivalSchedule.rate(of: facts.samples.map(\.scheduled))
        let sent = ArrivalSchedule.rate(of: facts.samples.map(\.issued))
        let off = max(abs(due - target), abs(sent - target)) / target
        return Check(
            rule: "rate.realised",
            measured: "\(rate(due)) due, \(rate(sent)) sent",
            required: "\(rate(target)) within \(percent(rules.rateTolerance))",
            pass: off <= rules.rateTolerance,
            remedy: "The generator could not keep its schedule: give it a core, or lower the rate.")
    }

    /// The moments must be those that the seed gives, or the load was chosen after the fact.
    private func scheduleCheck(_ target: Double) -> Check {
        let due = facts.samples.map(\.scheduled)
        let expected = due.isEmpty ? [] : plannedOffsets(target)
        let isSame = due.elementsEqual(expected.prefix(due.count))
        return Check(
            rule: "schedule.seed", measured: isSame ? "the seed's schedule" : "another schedule",
            required: "the schedule of seed \(facts.settings.seeds.schedule)", pass: isSame,
            remedy: "The arrival moments were not drawn from the recorded seed; measure again.")
    }

    private func plannedOffsets(_ target: Double) -> [Int64] {
        let planned = LoadJudgement.plannedQueries(rate: target, settings: facts.settings)
        return ArrivalSchedule.poisson(count: planned, rate: target, seed: facts.settings.seeds.schedule)
            .offsets
    }

    /// How many queries a Server run schedules.
    static func plannedQueries(rate: Double, settings: LoadSettings) -> Int {
        max(settings.minimumQueries, Int((rate * settings.minimumDuration.inSeconds).rounded(.up)))
    }

    private func slipCheck() -> Check {
        let slip = SortedSamples(facts.samples.map { Double($0.issueSlip) })
        let late = slip.percentile(0.99) ?? 0
        return Check(
            rule: "issue.slip",
            measured: "p99 \(milliseconds(late)), most \(milliseconds(slip.maximum ?? 0)) late",
            required: "p99 at most \(milliseconds(Double(rules.issueSlipLimit.nanoseconds)))",
            pass: late <= Double(rules.issueSlipLimit.nanoseconds), effect: .inconclusive,
            remedy:
                "The generator was held up: leave it a core, and let the system's issue call return at once.")
    }

    private func limitCheck(_ limit: Duration, percentile: Double) -> Check {
        let measured = SortedSamples(facts.latencies).percentile(percentile)
        return Check(
            rule: "latency.limit",
            measured: measured.map { "\(percentileName(percentile)) \(milliseconds($0))" } ?? "no answer",
            required: "\(percentileName(percentile)) at most \(milliseconds(Double(limit.nanoseconds)))",
            pass: measured.map { $0 <= Double(limit.nanoseconds) } ?? false,
            remedy:
                "The rate is above what the system can serve in time: lower it, or make the system faster.")
    }

    private func earlyStoppingCheck(_ limit: Duration, percentile: Double) -> Check {
        let rule = EarlyStopping(percentile: percentile, confidence: rules.confidence)
        let over = overLimit(limit)
        return Check(
            rule: "early.stopping", measured: "\(over) of \(facts.samples.count) queries over the limit",
            required: "at least \(rule.minimumQueries(over: over)) queries for \(over) over the limit",
            pass: rule.isSatisfied(queries: facts.samples.count, over: over), effect: .invalid,
            remedy: "Let the run last longer, or lower the rate.")
    }

    /// A query without an answer is over every limit.
    private func overLimit(_ limit: Duration) -> Int {
        facts.samples.count { ($0.latency ?? .max) > limit.nanoseconds }
    }

    // MARK: Percentiles

    private func estimateCheck(_ percentile: Double) -> Check {
        let rule = EarlyStopping(percentile: percentile, confidence: rules.confidence)
        let count = facts.latencies.count
        return Check(
            rule: "early.stopping", measured: "\(count) queries",
            required: "at least \(rule.minimumQueries(over: 1)) for a bound of \(percentileName(percentile))",
            pass: (rule.discardable(of: count) ?? 0) > 0,
            remedy: "Let the run last longer, or report a lower percentile.")
    }

    /// Early stopping assumes independent queries.
    ///
    /// A machine whose speed comes in regimes breaks that, and shows
    /// it by halves that differ.
    private func halvesCheck(_ tolerance: Double, percentile: Double) -> Check {
        let rule = EarlyStopping(percentile: percentile, confidence: rules.confidence)
        let latencies = facts.latencies
        let middle = latencies.count / 2
        let bounds = [latencies[..<middle], latencies[middle...]].map {
            rule.estimate(SortedSamples(Array($0))).value?.value
        }
        guard let first = bounds[0], let second = bounds[1], min(first, second) > 0 else {
            return Check(
                rule: "halves.agreement", measured: "\(middle) queries in a half",
                required: "at least \(rule.minimumQueries(over: 1)) in each half", pass: false,
                effect: .inconclusive, remedy: "Let the run last longer.")
        }
        let apart = abs(first - second) / min(first, second)
        return Check(
            rule: "halves.agreement",
            measured: "\(milliseconds(first)) and \(milliseconds(second)), \(percent(apart)) apart",
            required: "less than \(percent(tolerance)) apart", pass: apart < tolerance, effect: .inconclusive,
            remedy: "The machine's speed changed during the run: keep other work away, or run longer.")
    }

    // MARK: Words

    private func seconds(_ duration: Duration) -> String { seconds(duration.inSeconds) }
    private func seconds(_ value: Double) -> String {
        value < 1 ? milliseconds(value * 1e9) : "\(value.formatted(significant: 4)) s"
    }
    private func milliseconds(_ nanoseconds: Double) -> String {
        "\((nanoseconds / 1e6).formatted(significant: 4)) ms"
    }
    private func percent(_ share: Double) -> String { "\((share * 100).formatted(digits: 1)) %" }
    private func rate(_ value: Double) -> String { "\(value.formatted(significant: 5))/s" }
}
