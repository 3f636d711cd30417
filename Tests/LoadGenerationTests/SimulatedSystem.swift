import Essentials
import LoadGeneration
import Results
import Synchronization

/// A queue with one server in virtual time, whose waiting times theory knows, and which can be made to misbehave.
final class SimulatedSystem: SystemUnderTest {
    enum Fault {
        case answersTwice(id: Int)
        case forgets(id: Int)
        case notFinite(id: Int)
        case fails(id: Int)
        case refuses(id: Int)
        case invents(id: Int)
    }

    private struct State {
        var busyUntil = TimePoint.zero
        var random: SeededGenerator
        var asked: [Int32] = []
        var flushes = 0
    }

    let name = "simulated"
    private let clock: VirtualClock
    private let service: @Sendable (inout SeededGenerator) -> Double
    private let fault: Fault?
    private let state: Mutex<State>

    /// `service` gives the seconds of work of the next sample.
    init(
        clock: VirtualClock, seed: UInt64 = 1, fault: Fault? = nil,
        service: @escaping @Sendable (inout SeededGenerator) -> Double
    ) {
        self.clock = clock
        self.service = service
        self.fault = fault
        state = Mutex(State(random: SeededGenerator(seed: seed, purpose: "service")))
    }

    var asked: [Int32] { state.withLock { $0.asked } }
    var flushes: Int { state.withLock { $0.flushes } }

    func issue(_ query: Span<QuerySample>, completions: Completions) throws {
        for index in query.indices {
            let sample = query[index]
            if case .refuses(sample.id) = fault { throw Failure("no memory for sample \(sample.index)") }
            let begin = clock.now()
            let (start, end) = state.withLock { state in
                let start = max(begin, state.busyUntil)
                state.busyUntil = start + .nanoseconds(Int64(service(&state.random) * 1e9))
                state.asked.append(sample.index)
                return (start, state.busyUntil)
            }
            clock.schedule(at: end) { [self] in answer(sample, start: start, completions) }
        }
    }

    func flush() { state.withLock { $0.flushes += 1 } }

    private func answer(_ sample: QuerySample, start: TimePoint, _ completions: Completions) {
        var response = Response(
            id: sample.id, result: sample.index % 10, outputHash: UInt64(sample.index), start: start)
        switch fault {
        case .forgets(sample.id): return
        case .fails(sample.id): return completions.fail(sample.id, because: "the device was lost")
        case .notFinite(sample.id): response.isFinite = false
        case .answersTwice(sample.id): completions.complete(response)
        case .invents(sample.id): completions.complete(Response(id: 1 << 40))
        default: break
        }
        completions.complete(response)
    }
}

let testSeeds = RunSeeds(data: 11, order: 22, schedule: 33, challenge: 44)

/// A Server run of `count` queries at `rate` against one server, in virtual time.
func simulateServer(
    rate: Double, count: Int, scheduleSeed: UInt64 = 33, fault: SimulatedSystem.Fault? = nil,
    service: @escaping @Sendable (inout SeededGenerator) -> Double
) throws -> LoadFacts {
    let clock = VirtualClock()
    var seeds = testSeeds
    seeds.schedule = scheduleSeed
    return try LoadGenerator(
        system: SimulatedSystem(clock: clock, seed: scheduleSeed, fault: fault, service: service),
        library: ResidentLibrary(name: "numbers", count: 100),
        settings: LoadSettings(
            scenario: .server(queriesPerSecond: rate), minimumDuration: .zero, minimumQueries: count,
            seeds: seeds),
        clock: clock
    ).run()
}

/// A SingleStream run in virtual time.
func simulateSingleStream(
    count: Int, fault: SimulatedSystem.Fault? = nil, picking: SamplePicking = .uniform,
    service: @escaping @Sendable (inout SeededGenerator) -> Double
) throws -> LoadFacts {
    let clock = VirtualClock()
    return try LoadGenerator(
        system: SimulatedSystem(clock: clock, fault: fault, service: service),
        library: ResidentLibrary(name: "numbers", count: 100),
        settings: LoadSettings(
            scenario: .singleStream, picking: picking, minimumDuration: .zero, minimumQueries: count,
            seeds: testSeeds),
        clock: clock
    ).run()
}

/// The rules that failed.
func failedRules(_ facts: LoadFacts, _ rules: LoadRules) -> [String] {
    LoadJudgement.validity(of: facts, under: rules).failures.map(\.rule)
}
