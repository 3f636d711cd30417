internal import Essentials
internal import FoundationEssentials

#if canImport(Glibc)
internal import Glibc
#endif

/// A case that a worker process can be given.
package protocol WorkerCase: Codable, Sendable {
    var name: String { get }
    /// Whether it must be the first that its process works on, and the last.
    var needsFreshProcess: Bool { get }
    /// Whether one that fails may have left its process in disorder, so that it gets no further case.
    var endsProcessByFailing: Bool { get }
}

extension WorkerCase {
    package var needsFreshProcess: Bool { false }
    package var endsProcessByFailing: Bool { false }
}

/// What a worker process answers.
package protocol WorkerReport: Codable, Sendable {
    init(outcome: CaseOutcome, seconds: Double)
    var outcome: CaseOutcome { get set }
}

/// Runs cases in some worker processes at once, one case at a time in each.
///
/// A case that ends its process is `crashed`, one that takes too long `timedOut`, and a new process goes on with the
/// rest. All of it happens on the calling thread, which waits.
package struct WorkerPool<Case: WorkerCase, Report: WorkerReport> {
    private let program: WorkerProgram
    private let count: Int
    private let timeLimit: Duration
    private let exclusion: (String) -> String?
    private let isInterrupted: () -> Bool

    /// `exclusion` gives the reason why a case of that name is not to be run.
    package init(
        _ program: WorkerProgram, count: Int, timeLimit: Duration,
        exclusion: @escaping (String) -> String? = { _ in nil },
        isInterrupted: @escaping () -> Bool = { false }
    ) {
        self.exclusion = exclusion
        self.program = program
        self.count = max(1, count)
        self.timeLimit = timeLimit
        self.isInterrupted = isInterrupted
    }

    /// The reports in the order of the cases; `tell` hears of each when it is there.
    ///
    /// After an interruption what is left was not run.
    package func run(
        _ cases: [Case], tell: (Int, Report) -> Void = { _, _ in }
    ) throws -> [Report] {
        let notRun = Report(outcome: .notRun("The run was interrupted."), seconds: 0)
        var reports = [Report](repeating: notRun, count: cases.count)
        var waiting = cases.indices.reversed().filter { index in
            guard let reason = exclusion(cases[index].name) else { return true }
            reports[index].outcome = .excluded(reason)
            tell(index, reports[index])
            return false
        }
        let lanes = (0..<min(count, waiting.count)).map { _ in Lane<Case, Report>(program: program) }
        while !isInterrupted() {
            for lane in lanes { try lane.give(&waiting, of: cases, timeLimit: timeLimit) }
            guard lanes.contains(where: { $0.isBusy }) else { break }
            for lane in ready(lanes) {
                guard let (index, report) = try lane.take() else { continue }
                reports[index] = report
                tell(index, report)
            }
            for lane in lanes {
                guard let (index, report) = try lane.giveUp(after: timeLimit) else { continue }
                reports[index] = report
                tell(index, report)
            }
        }
        return reports
    }
}

/// One worker process after the other, and the case that the present one has.
private final class Lane<Case: WorkerCase, Report: WorkerReport> {
    private let program: WorkerProgram
    private var worker: WorkerProcess?
    private var isReady = false
    private var hasWorked = false
    private var isSpent = false
    private var endsByFailing = false
    private var current: Int?
    private var start = TimePoint.zero
    private(set) var deadline = TimePoint.zero

    init(program: WorkerProgram) { self.program = program }

    var isBusy: Bool { current != nil || worker != nil && !isReady }
    var socket: Int32? { isBusy ? worker?.socket : nil }

    /// Gives the next case to a worker that is idle; starts one where there is none.
    func give(_ waiting: inout [Int], of cases: [Case], timeLimit: Duration) throws {
        guard !isBusy, let next = waiting.last else { return }
        let isFresh = cases[next].needsFreshProcess
        if isSpent || isFresh && hasWorked { worker = nil }
        guard let worker else {
            worker = try WorkerProcess(program)
            isReady = false
            (hasWorked, isSpent) = (false, false)
            start = .monotonicNow()
            deadline = start + .seconds(60)
            return
        }
        let index = waiting.removeLast()
        (hasWorked, isSpent) = (true, isFresh)
        endsByFailing = cases[index].endsProcessByFailing
        worker.send(Array(try JSONEncoder().encode(cases[index])))
        current = index
        start = .monotonicNow()
        deadline = start + timeLimit
    }

    /// What the worker has to say of its case, once its socket can be read.
    func take() throws -> (Int, Report)? {
        guard let worker else { return nil }
        switch worker.receive() {
        case .nothing: return nil
        case .line(let line):
            guard let index = current else {
                isReady = true
                return nil
            }
            current = nil
            guard let report = try? JSONDecoder().decode(Report.self, from: Data(line)) else {
                self.worker = nil
                return (index, ended(.crashed("The process answered with something that is no report.")))
            }
            if endsByFailing, ![.pass, .unsupported].contains(report.outcome.word) { isSpent = true }
            return (index, report)
        case .ended(let how):
            self.worker = nil
            guard isReady else {
                throw Failure(
                    "A worker ended before it was ready. \(how)",
                    nextStep: "With --memory-limit, allow more.")
            }
            guard let index = current else { return nil }
            current = nil
            return (index, ended(.crashed(how)))
        }
    }

    /// Ends the worker when its time is over.
    func giveUp(after limit: Duration) throws -> (Int, Report)? {
        guard isBusy, TimePoint.monotonicNow() >= deadline else { return nil }
        worker?.kill()
        worker = nil
        guard let index = current else { throw Failure("A worker was not ready after a minute.") }
        current = nil
        return (
            index, ended(.timedOut("It was not done after \(limit.inSeconds.formatted(significant: 3)) s."))
        )
    }

    private func ended(_ outcome: CaseOutcome) -> Report {
        Report(outcome: outcome, seconds: (TimePoint.monotonicNow() - start).inSeconds)
    }
}

/// The lanes whose sockets can be read; waits for one until the first deadline, or half a second.
///
/// A signal ends the wait, and so does time: the caller looks for interruptions in between.
private func ready<Case, Report>(_ lanes: [Lane<Case, Report>]) -> [Lane<Case, Report>] {
    let busy = lanes.filter { $0.socket != nil }
    var polled = busy.map { pollfd(fd: $0.socket ?? -1, events: Int16(POLLIN), revents: 0) }
    let left = busy.map { ($0.deadline - TimePoint.monotonicNow()).nanoseconds / 1_000_000 + 1 }.min() ?? 0
    let wait = Int32(clamping: min(max(0, left), 500))
    guard unsafe poll(&polled, nfds_t(polled.count), wait) > 0 else { return [] }
    return zip(busy, polled).filter { $0.1.revents != 0 }.map(\.0)
}
