internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Synchronization
internal import TestSupport
internal import Testing

#if canImport(Glibc)
internal import Glibc
#endif

/// `make torture` sets HENG_TORTURE_MOMENTS to 1,000; HENG_TORTURE_SEED chooses other moments.
@Suite("Daemon and supervisors that are killed while real jobs run")
struct TortureTests {
    static let moments =
        ProcessInfo.processInfo.environment["HENG_TORTURE_MOMENTS"].flatMap { Int($0) } ?? 50
    static let seed = ProcessInfo.processInfo.environment["HENG_TORTURE_SEED"].flatMap { UInt64($0) } ?? 5

    @Test func `nothing is lost, nothing runs twice, and nobody is left`() throws {
        let torture = try Torture(moments: TortureTests.moments, seed: TortureTests.seed)
        defer { torture.end() }

        try torture.run()
        try torture.waitUntilAllEnded()
        let judgement = try torture.judge()

        #expect(judgement.acknowledged >= TortureTests.moments * Torture.jobsPerMoment)
        #expect(judgement.lost == [])
        #expect(judgement.failed == [])
        #expect(judgement.twice == [])
        #expect(judgement.unexcused == [])
        #expect(judgement.neverRun == [])
        torture.stopDaemon()
        #expect(torture.leftOver() == [])
        print(
            "torture: \(judgement.acknowledged) jobs, \(TortureTests.moments) daemons and \(torture.killed) "
                + "supervisors killed, \(judgement.again) jobs in a second attempt")
    }
}

/// One run of many small jobs, during which a daemon and some of its supervisors are killed again and again.
final class Torture {
    static let jobsPerMoment = 12

    /// What became of the jobs.
    struct Judgement {
        var acknowledged = 0
        /// Acknowledged, and not known or not ended.
        var lost: [JobID] = []
        /// Ended otherwise than completed, with nobody having killed their supervisor.
        var failed: [String] = []
        /// Attempts that ran twice.
        var twice: [String] = []
        /// Jobs that ran in several attempts without a reason.
        var unexcused: [JobID] = []
        /// Said to be completed, and without a trace.
        var neverRun: [JobID] = []
        /// Jobs that ran again for a reason.
        var again = 0
    }

    private let moments: Int
    private let daemon: TestDaemon
    private let mark = "HENG_TORTURE=\(UUID().uuidString)"
    private let record: String
    private var random: SeededGenerator
    private(set) var killed = 0
    /// Jobs whose supervisor was killed, which may run again.
    private var excused: Set<Int> = []
    private let submissions = Submissions(allowed: Torture.jobsPerMoment)

    init(moments: Int, seed: UInt64) throws {
        self.moments = moments
        random = SeededGenerator(seed: seed)
        let parts = mark.split(separator: "=").map(String.init)
        daemon = try TestDaemon(["--executor", "agent"], environment: [parts[0]: parts[1]], isStarted: false)
        record = daemon.paths.folder + "/attempts-begun"
    }

    func end() {
        submissions.abandon()
        daemon.kill()
        for process in ProcessList.withEnvironment(mark) + ranks() { Glibc.kill(process, SIGKILL) }
    }

    func run() throws {
        try daemon.start()
        let done = DispatchSemaphore(value: 0)
        let submitter = Submitter(paths: daemon.paths, record: record, submissions: submissions)
        try startThread {
            submitter.run()
            done.signal()
        }
        for moment in 1...moments {
            usleep(UInt32(random.below(120_000)))
            if random.below(3) == 0 { killSupervisor() }
            daemon.kill()
            if random.below(3) == 0 { killSupervisor() }
            submissions.allow(Torture.jobsPerMoment * (moment + 1))
            // Some daemons are killed while they still read what the last one left.
            if random.below(4) == 0 { try daemon.launch() } else { try daemon.start() }
        }
        try daemon.waitUntilReady()
        submissions.finish()
        guard done.wait(timeout: .now() + 60) == .success else {
            throw Failure("Submissions are not answered: \(daemon.output)")
        }
    }

    // MARK: Killing

    private func killSupervisor() {
        let found = ranks()
        guard !found.isEmpty else { return }
        let rank = found[random.below(found.count)]
        guard let supervisor = ProcessList.parent(of: rank), ProcessList.name(of: supervisor) == "heng-step",
            let job = ProcessList.variable("HENG_JOB_ID", of: rank).flatMap({ Int($0) }),
            // Still its parent, so the number has not passed to another process meanwhile.
            ProcessList.parent(of: rank) == supervisor
        else { return }
        excused.insert(job)
        if Glibc.kill(supervisor, SIGKILL) == 0 { killed += 1 }
    }

    /// Every process of an attempt of this state folder.
    private func ranks() -> [Int32] {
        var status = stat()
        guard unsafe stat(daemon.paths.folder + "/attempts", &status) == 0 else { return [] }
        return ProcessList.withEnvironment("HENG_ATTEMPT=\(status.st_dev)-\(status.st_ino)-")
    }

    // MARK: The end

    func waitUntilAllEnded() throws {
        let deadline = TimePoint.monotonicNow() + .seconds(120)
        let client = daemon.client()
        while true {
            let status = try client.status()
            if status.jobsWaiting == 0, status.jobsRunning == 0 { return }
            guard TimePoint.monotonicNow() < deadline else {
                throw Failure(
                    "\(status.jobsWaiting) jobs wait and \(status.jobsRunning) run still: \(daemon.output)")
            }
            usleep(20_000)
        }
    }

    func stopDaemon() { daemon.stop() }

    /// Processes of this run that are still there; those that are just ending are given a moment.
    func leftOver() -> [String] {
        let deadline = TimePoint.monotonicNow() + .seconds(10)
        while true {
            let left = ProcessList.withEnvironment(mark) + ranks()
            guard !left.isEmpty, TimePoint.monotonicNow() < deadline else {
                return left.map { "\($0) \(ProcessList.name(of: $0) ?? "")" }
            }
            usleep(20_000)
        }
    }

    func judge() throws -> Judgement {
        var judgement = Judgement()
        let rows = try daemon.client().jobs(includingEnded: true).rows
        let states = Dictionary(rows.map { ($0.job.number, ($0.state, $0.remark)) }) { $1 }
        let begun = try attemptsBegun()
        for (attempt, count) in begun where count > 1 { judgement.twice.append(attempt) }
        var attempts: [Int: Int] = [:]
        for attempt in begun.keys {
            if let job = attempt.split(separator: " ").first.flatMap({ Int($0) }) {
                attempts[job, default: 0] += 1
            }
        }
        for reply in submissions.replies {
            judgement.acknowledged += reply.count
            for job in reply.job.number..<reply.job.number + reply.count {
                let isExcused = excused.contains(job)
                guard let (state, remark) = states[job], JobTable.endedStates.contains(state) else {
                    judgement.lost.append(JobID(job))
                    continue
                }
                if state != "COMPLETED", !isExcused { judgement.failed.append("\(job): \(state), \(remark)") }
                if state == "COMPLETED", attempts[job] == nil { judgement.neverRun.append(JobID(job)) }
                if attempts[job] ?? 0 > 1 {
                    judgement.again += 1
                    if !isExcused { judgement.unexcused.append(JobID(job)) }
                }
            }
        }
        return judgement
    }

    /// How often each attempt has begun, by the lines `JOB ATTEMPT` that they wrote.
    private func attemptsBegun() throws -> [String: Int] {
        let text = try String(contentsOfFile: record, encoding: .utf8)
        return Dictionary(text.split(separator: "\n").map { (String($0), 1) }, uniquingKeysWith: +)
    }
}

extension JobTable {
    fileprivate static let endedStates: Set<String> = [
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "DEADLINE", "OUT_OF_MEMORY", "PREEMPTED",
        "LAUNCH_FAILED", "NODE_FAIL",
    ]
}

/// What was acknowledged, and how much may be submitted by now, so that some is at hand at each moment.
private final class Submissions: Sendable {
    private let state: Mutex<State>

    private struct State {
        var replies: [SubmitReply] = []
        var count = 0
        var allowed: Int
        var isOver = false
    }

    init(allowed: Int) { state = Mutex(State(allowed: allowed)) }

    var replies: [SubmitReply] { state.withLock(\.replies) }
    var wantsMore: Bool { state.withLock { $0.count < $0.allowed } }
    var mayGoOn: Bool { state.withLock { !$0.isOver || $0.count < $0.allowed } }

    func allow(_ count: Int) { state.withLock { $0.allowed = count } }
    func finish() { state.withLock { $0.isOver = true } }

    func abandon() {
        state.withLock { state in
            state.isOver = true
            state.allowed = 0
        }
    }

    func note(_ reply: SubmitReply) {
        state.withLock { state in
            state.replies.append(reply)
            state.count += reply.count
        }
    }
}

/// Submits arrays under keys, each until it is answered.
private struct Submitter: Sendable {
    var paths: StatePaths
    var record: String
    var submissions: Submissions

    func run() {
        var client = DaemonClient(paths)
        var count = 0
        while submissions.mayGoOn {
            guard submissions.wantsMore else {
                usleep(2000)
                continue
            }
            do {
                submissions.note(try client.submit(request(count)))
                count += 1
            } catch {
                client = DaemonClient(paths)
                usleep(2000)
            }
        }
    }

    private func request(_ count: Int) -> SubmitRequest {
        // What a job leaves in the background is ended with it.
        let works = ["exec /bin/true", "exec sleep 0.05", "exec sleep 0.2", "sleep 300 & exec sleep 0.02"]
        let command = [
            "/bin/sh", "-c",
            "echo \"$HENG_JOB_ID $HENG_ATTEMPT_NUMBER\" >> \(record); \(works[count % works.count])",
        ]
        return SubmitRequest(
            job: JobRequest(
                resources: ResourceRequest(cores: .thousandths(100)),
                label: JobLabel(user: "", name: "small", command: command),
                array: ArrayRequest(indices: [0...5]), rerun: RerunPolicy(backoff: .milliseconds(100))),
            launch: LaunchSpecification(
                command: command, environment: ["PATH": "/usr/bin:/bin"], workingDirectory: "/tmp",
                output: "/dev/null", errorOutput: "/dev/null"),
            clientKey: "array-\(count)")
    }
}
