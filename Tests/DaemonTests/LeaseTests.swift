internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport
internal import Testing

#if canImport(Glibc)
internal import Glibc
#endif

/// Commands that run their own jobs, beside a daemon that lends them the machine.
@Suite("Jobs that their command runs")
final class LeaseTests {
    private let daemon: TestDaemon

    init() throws {
        daemon = try TestDaemon(["--executor", "agent"])
    }

    @Test func `a command has what it was lent until it ends or is killed, and its exit code is the job's`()
        throws
    {
        let file = daemon.paths.folder + "/go"
        let first = try run("--mem", "64MiB", "--", "sh", "-c", script(until: file) + "; exit 7")
        try eventually("it runs") { try self.states == ["RUNNING"] }
        let row = try #require(try daemon.client().jobs().rows.first)
        #expect(row.memory == .mebibytes(64))
        #expect(try daemon.client().status().machines.first.map { Double($0.cores) - $0.coresFree } == 1)
        // Nobody but the command could let it go on, or start it again.
        #expect(try act(.suspend, row.job).contains("the command that waits for it runs it"))
        #expect(try act(.requeue, row.job).contains("the command that waits for it runs it"))

        _ = FileManager.default.createFile(atPath: file, contents: nil)
        #expect(try exitCode(first) == 7)
        #expect(try daemon.client().job(row.job).state == "FAILED")
        #expect(try daemon.client().job(row.job).exitCode == 7)

        let second = try run("--", "sleep", "1000")
        try eventually("the second runs") { try self.states == ["RUNNING"] }
        let process = try #require(try processes(of: row.job.number + 1).first)
        second.end(SIGKILL)
        try eventually("its cores are free") { try self.states == [] }
        #expect(try daemon.client().job(JobID(row.job.number + 1)).state == "NODE_FAIL")
        try eventually("nothing of it is left") { Glibc.kill(process, 0) != 0 }
    }

    @Test func `cancelling, a time limit and a signal reach the command`() throws {
        let cancelled = try run("--", "sleep", "1000")
        try eventually("it runs") { try self.states == ["RUNNING"] }
        _ = try act(.cancel, JobID(1))
        #expect(try exitCode(cancelled) == 128 + SIGTERM)

        let limited = try run("--time", "1000", "--", "sleep", "1000")
        try eventually("it runs") { try self.states == ["RUNNING"] }
        _ = try act(.change(.timeLimit(.milliseconds(10))), JobID(2))
        #expect(try exitCode(limited) == 128 + SIGTERM)
        #expect(try daemon.client().job(JobID(2)).state == "TIMEOUT")

        let file = daemon.paths.folder + "/ready"
        let signalled = try run(
            "--", "sh", "-c", "trap 'exit 9' USR1; touch \(file); while :; do sleep 0.02; done")
        try eventually("it is ready") { FileManager.default.fileExists(atPath: file) }
        _ = try act(.signal(SIGUSR1, toFirstOnly: true), JobID(3))
        #expect(try exitCode(signalled) == 9)
    }

    @Test func `a command outlives a killed daemon, and the next one still knows what it has`() throws {
        let file = daemon.paths.folder + "/go"
        let command = try run("--", "sh", "-c", script(until: file) + "; exit 5")
        try eventually("it runs") { try self.states == ["RUNNING"] }

        daemon.kill()
        try daemon.start()

        #expect(try states == ["RUNNING"])
        #expect(command.isRunning)
        try eventually("the command has come back") {
            try self.act(.signal(SIGCONT, toFirstOnly: true), JobID(1)).isEmpty
        }
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        #expect(try exitCode(command) == 5)
        #expect(try daemon.client().job(JobID(1)).exitCode == 5)
    }

    @Test func `a daemon and commands without it keep off each other's machine`() throws {
        // Jobs that a daemon has left behind have their cores, also while it is away.
        let job = try daemon.client().submit(sleeper()).job
        try eventually("the job runs") { try self.states == ["RUNNING"] }
        daemon.stop()
        let refused = try run("--", "true")
        #expect(try exitCode(refused) == 3)
        #expect(output.contains("still runs. Start hengd again"))
        try daemon.start()
        _ = try act(.cancel, job)
        try eventually("the job has ended") { try self.states == [] }
        daemon.stop()

        // And commands that found no daemon have theirs.
        let file = daemon.paths.folder + "/go"
        let command = try run("--", "sh", "-c", "touch \(file)-begun; " + script(until: file))
        try eventually("it runs") { FileManager.default.fileExists(atPath: file + "-begun") }
        try daemon.launch()
        try eventually("the daemon gives up") { self.daemon.program?.isRunning == false }
        #expect(daemon.output.contains("still runs jobs on this machine without hengd"))
        _ = FileManager.default.createFile(atPath: file, contents: nil)
        #expect(try exitCode(command) == 0)
        try daemon.start()
    }

    // MARK: Help

    private var output: String {
        let bytes = FileManager.default.contents(atPath: daemon.paths.folder + "/commands")
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }

    private func run(_ words: String...) throws -> BackgroundProgram {
        let environment = ProcessInfo.processInfo.environment.merging(
            ["HENG_STATE_DIR": daemon.paths.folder]
        ) { $1 }
        return try BackgroundProgram(
            TestDaemon.programs + "/heng", ["run"] + words, environment: environment,
            output: daemon.paths.folder + "/commands")
    }

    private func script(until file: String) -> String { "until test -e \(file); do sleep 0.02; done" }

    private func sleeper() -> SubmitRequest {
        var request = SubmitRequest.small()
        request.launch.command = ["/bin/sleep", "1000"]
        request.launch.output = "/dev/null"
        return request
    }

    private var states: [String] {
        get throws { try daemon.client().jobs().rows.map(\.state) }
    }

    /// The refusals.
    private func act(_ verb: JobActionRequest.Verb, _ job: JobID) throws -> String {
        let selection = JobSelection(jobs: [JobReference(job)])
        let replies = try daemon.client().act(JobActionRequest(verb, selection))
        return replies.compactMap(\.refusal).joined()
    }

    private func processes(of job: Int) throws -> [Int32] {
        let runs = try daemon.client().runs(of: JobID(job))
        return runs.flatMap { $0.start?.processes ?? [] }
    }

    /// As a shell has it.
    private func exitCode(_ program: BackgroundProgram) throws -> Int32 {
        try eventually("the command ends: \(output)") { !program.isRunning }
        return program.end() >> 8 & 0xFF
    }

    private func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        while try !isSo() {
            guard TimePoint.monotonicNow() < deadline else { throw Failure("Not within 60 s: \(what)") }
            usleep(10_000)
        }
    }
}
