internal import Essentials
internal import Results
internal import Synchronization
internal import Telemetry

/// Asks a running generator to end early, from any thread or a signal's handler thread.
package final class StopFlag: Sendable {
    private let value = Atomic<Bool>(false)

    package init() {}

    package var isSet: Bool { value.load(ordering: .relaxed) }
    package func set() { value.store(true, ordering: .relaxed) }
}

/// Puts a load on a system and writes down what happened.
///
/// Inputs are loaded before the clock runs, and the schedule is made before that. Queries are issued from a
/// thread that belongs to the run alone, so that nothing else of this process delays them.
package struct LoadGenerator: Sendable {
    package var system: any SystemUnderTest
    package var library: any SampleLibrary
    package var settings: LoadSettings
    package var clock: any LoadClock

    package init(
        system: any SystemUnderTest, library: any SampleLibrary, settings: LoadSettings,
        clock: any LoadClock = MachineClock()
    ) {
        self.system = system
        self.library = library
        self.settings = settings
        self.clock = clock
    }

    /// Runs to the end and returns the facts.
    ///
    /// Blocks the calling thread: never call it on the pool that answers. Throws only when the library cannot
    /// load or no thread can be had; whatever the system does wrong is in the facts.
    package func run(stop: StopFlag = StopFlag()) throws -> LoadFacts {
        try onThreadOfItsOwn {
            let run = LoadRun(generator: self, stop: stop)
            switch settings.mode {
            case .performance: try run.performance()
            case .accuracy: try run.accuracy()
            }
            return run.facts()
        }
    }
}

/// One run in progress; belongs to its thread.
private final class LoadRun {
    let system: any SystemUnderTest
    let library: any SampleLibrary
    let settings: LoadSettings
    let clock: any LoadClock
    let stop: StopFlag
    let completions: Completions
    /// The samples issued so far, and so the next sample's id.
    var issuedCount = 0
    var origin = TimePoint.zero
    var systemOrigin = TimePoint.zero
    var elapsed = Duration.zero
    var elapsedOnSystemClock = Duration.zero
    var drawnRate: Double?
    var contention = Reading<HostContention>.unavailable(reason: "the run did not end")
    var single = [QuerySample(id: 0, index: 0)]

    init(generator: LoadGenerator, stop: StopFlag) {
        system = generator.system
        library = generator.library
        settings = generator.settings
        clock = generator.clock
        self.stop = stop
        completions = Completions(clock: clock)
    }

    func facts() -> LoadFacts {
        LoadFacts(
            settings: settings, systemName: system.name, libraryName: library.name,
            librarySize: library.count,
            samples: completions.samples(), drawnRate: drawnRate, elapsed: elapsed,
            elapsedOnSystemClock: elapsedOnSystemClock, repeatedAnswers: completions.repeatedCount,
            unknownAnswers: completions.unknownCount, errorCount: completions.errorCount,
            errors: completions.firstErrors, wasInterrupted: stop.isSet, contention: contention)
    }

    // MARK: Performance

    func performance() throws {
        let loaded = SampleOrder.loadedSet(
            count: library.count, loadable: library.loadableCount, seed: settings.seeds.data)
        try library.load(loaded)
        defer { library.unload(loaded) }
        var order = SampleOrder(picking: settings.picking, loaded: loaded, seed: settings.seeds.order)
        switch settings.scenario {
        case .singleStream: singleStream(&order)
        case .server(let rate): server(&order, rate: rate)
        case .offline(let count): offline((0..<count).map { _ in order.next() })
        }
    }

    private func singleStream(_ order: inout SampleOrder) {
        completions.reserve(settings.minimumQueries)
        timed {
            var lastIssue = Int64(0)
            while !stop.isSet, !isLongEnough(lastIssue: lastIssue) {
                completions.reserve(issuedCount + 1)
                lastIssue = offsetNow()
                ask(order.next(), scheduled: lastIssue, issued: lastIssue)
                guard waitForAnswers(issuedCount) else { return }
            }
        }
    }

    /// The minimum duration counts to the last issue, so that a slow last answer cannot fill it up.
    private func isLongEnough(lastIssue: Int64) -> Bool {
        if let limit = settings.maximumDuration, clock.now() - origin >= limit { return true }
        return issuedCount >= settings.minimumQueries && lastIssue >= settings.minimumDuration.nanoseconds
    }

    private func server(_ order: inout SampleOrder, rate: Double) {
        let enough = LoadJudgement.plannedQueries(rate: rate, settings: settings)
        let schedule = ArrivalSchedule.poisson(count: enough, rate: rate, seed: settings.seeds.schedule)
        drawnRate = schedule.drawnRate
        let samples = schedule.offsets.map { _ in order.next() }
        completions.reserve(enough)
        timed {
            for (offset, sample) in zip(schedule.offsets, samples) {
                if let limit = settings.maximumDuration, offset > limit.nanoseconds { break }
                wait(until: origin + .nanoseconds(offset))
                guard !stop.isSet else { break }
                ask(sample, scheduled: offset, issued: offsetNow())
            }
        }
    }

    private func offline(_ samples: [Int32]) {
        completions.reserve(issuedCount + samples.count)
        let query = samples.enumerated().map { QuerySample(id: issuedCount + $0, index: $1) }
        timed { askAll(query) }
    }

    /// Runs the issuing part under the clock, then waits for the answers that are open.
    private func timed(_ issue: () -> Void) {
        let before = ContentionReading.now()
        systemOrigin = clock.systemNow()
        origin = clock.now()
        completions.begin(at: origin)
        issue()
        system.flush()
        _ = waitForAnswers(issuedCount)
        elapsed = clock.now() - origin
        elapsedOnSystemClock = clock.systemNow() - systemOrigin
        contention = .available(HostContention(from: before, to: .now()))
    }

    // MARK: Accuracy

    /// Every sample of the library once, in parts that fit into memory; the speed of this does not count.
    func accuracy() throws {
        let all = (0..<Int32(library.count)).map { $0 }
        systemOrigin = clock.systemNow()
        origin = clock.now()
        completions.begin(at: origin)
        completions.reserve(library.count)
        for start in stride(from: 0, to: all.count, by: library.loadableCount) where !stop.isSet {
            let part = Array(all[start..<min(start + library.loadableCount, all.count)])
            try library.load(part)
            defer { library.unload(part) }
            askOnce(part)
            system.flush()
            guard waitForAnswers(issuedCount) else { break }
        }
        elapsed = clock.now() - origin
        elapsedOnSystemClock = clock.systemNow() - systemOrigin
    }

    private func askOnce(_ part: [Int32]) {
        let openLimit: Int
        switch settings.scenario {
        case .offline:
            askAll(part.enumerated().map { QuerySample(id: issuedCount + $0, index: $1) })
            return
        case .singleStream: openLimit = 1
        // Enough to keep a system busy that answers several queries at once, few enough to need no long queue.
        case .server: openLimit = 16
        }
        for sample in part where !stop.isSet {
            guard waitForAnswers(issuedCount - openLimit + 1) else { return }
            let now = offsetNow()
            ask(sample, scheduled: now, issued: now)
        }
    }

    // MARK: Single steps

    private func offsetNow() -> Int64 { clock.now().nanoseconds - origin.nanoseconds }

    private func ask(_ sample: Int32, scheduled: Int64, issued: Int64) {
        let id = issuedCount
        completions.ask(id: id, sample: sample, scheduled: scheduled, issued: issued)
        issuedCount += 1
        completions.publish(upTo: issuedCount)
        single[0] = QuerySample(id: id, index: sample)
        hand(over: single, ids: id..<issuedCount)
    }

    private func askAll(_ query: [QuerySample]) {
        let first = issuedCount
        let now = offsetNow()
        for sample in query {
            completions.ask(id: sample.id, sample: sample.index, scheduled: now, issued: now)
        }
        issuedCount += query.count
        completions.publish(upTo: issuedCount)
        hand(over: query, ids: first..<issuedCount)
    }

    private func hand(over query: [QuerySample], ids: Range<Int>) {
        do {
            try system.issue(query.span, completions: completions)
        } catch {
            completions.noteError("\(error)")
            completions.failOpen(ids)
        }
    }

    /// Pauses are cut into parts of this length, so that a stop is heard.
    private static let pause = Duration.milliseconds(200)

    private func wait(until moment: TimePoint) {
        while !stop.isSet {
            let now = clock.now()
            guard moment - now > LoadRun.pause else {
                clock.wait(until: moment)
                return
            }
            clock.wait(until: now + LoadRun.pause)
        }
    }

    /// Waits until so many answers have come; false when the run was stopped or none came for too long.
    private func waitForAnswers(_ count: Int) -> Bool {
        completions.gate.close(untilCount: count)
        var seen = completions.gate.count
        var lastProgress = clock.now()
        while !completions.gate.isOpen {
            let now = clock.now()
            if completions.gate.count > seen {
                seen = completions.gate.count
                lastProgress = now
            }
            guard !stop.isSet, now - lastProgress < settings.patience else { return false }
            clock.wait(for: completions.gate, until: now + LoadRun.pause)
        }
        return true
    }
}
