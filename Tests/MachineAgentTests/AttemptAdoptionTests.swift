import ControlAPI
import Essentials
import MachineAgent
import Scheduling
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Attempts outlive their agent", .timeLimit(.minutes(20)))
struct AttemptAdoptionTests {
    private let scratch: Scratch
    private let id = AttemptID(JobID(1), 1)

    init() throws { scratch = try Scratch() }

    /// Starts an agent of its own that runs `count` jobs, each of which notes that it ran.
    private func agent(_ count: Int, script: String, output: String) throws -> pid_t {
        let program = try #require(SupervisorProgram.runningProgramFolder()) + "/agent-test-program"
        return try spawn(
            [program, "host", scratch.file("attempts"), scratch.path, "\(count)", script],
            output: scratch.file(output))
    }

    private func killAgent(_ pid: pid_t) {
        kill(pid, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(pid, &status, 0)
    }

    @Test func `a job that runs while its agent is killed is found, and can be ended`() async throws {
        let agent = try agent(1, script: "echo $$ > pid; exec sleep 1000", output: "log")
        try await eventually { scratch.text("log").contains("started 1.1") && !scratch.text("pid").isEmpty }
        let pid = try #require(Int32(scratch.text("pid").dropLast()))

        killAgent(agent)
        #expect(isAlive(pid))
        let host = try TestHost(scratch)
        try await eventually { host.run(id)?.processes == [pid] }
        #expect(host.host.statuses.first?.state == .running)
        host.host.perform(.stop(id, signal: SIGTERM, grace: .seconds(100)))

        #expect(try await host.end(id).outcome == .signalled(SIGTERM))
    }

    @Test func `a job that ends while no agent is there has its end kept, with limits and time`() async throws
    {
        let agent = try agent(
            1, script: "echo > began; while [ ! -e go ]; do sleep 0.01; done; exit 9", output: "log")
        try await eventually { scratch.text("log").contains("started 1.1") && exists(scratch.file("began")) }
        killAgent(agent)
        try writeText("", to: scratch.file("go"))
        try await eventually { exists(scratch.file("attempts/1.1/rank-0.end")) }

        let host = try TestHost(scratch)

        guard case .ended(let end)? = host.host.adopted.first?.state else {
            throw Failure("\(host.host.adopted)")
        }
        #expect(end.outcome == .exited(code: 9))
        #expect(end.usage.elapsed > .zero)
    }

    @Test func `a supervisor that is killed while no agent is there leaves nothing running`() async throws {
        let agent = try agent(
            1, script: "setsid -f sh -c 'echo $$ >> pids; exec sleep 1000'; echo $$ >> pids; exec sleep 1000",
            output: "log")
        try await eventually { scratch.lines("pids").count == 2 }
        killAgent(agent)
        let text = try readText(scratch.file("attempts/1.1/rank-0.manifest"))
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("pid=") })
        kill(try #require(Int32(line.dropFirst(4))), SIGKILL)
        try await eventually { !isAlive(Int32(line.dropFirst(4)) ?? 0) }

        let host = try TestHost(scratch)

        #expect(try await host.adoptedEnd(id).outcome == .supervisorLost)
        let pids = scratch.lines("pids").compactMap { Int32($0) }
        try await eventually { !pids.contains(where: isAlive) }
        // Decided once: the next agent hears the same.
        host.host.close()
        #expect(try await TestHost(scratch).adoptedEnd(id).outcome == .supervisorLost)
    }

    @Test func `an attempt that never came to a supervisor has not run, and never will`() async throws {
        unsafe mkdir(scratch.file("attempts"), 0o700)
        unsafe mkdir(scratch.file("attempts/1.1"), 0o700)

        let host = try TestHost(scratch)

        #expect(try await host.adoptedEnd(id).outcome == .supervisorLost)
        host.host.perform(.start(try host.script("echo ran")))
        try await eventually { host.ended(id) != nil }
        #expect(!exists(scratch.file("out")))
    }

    @Test func `after the machine's restart everything of before is over`() async throws {
        let first = try TestHost(scratch)
        try await first.started(first.script("exec sleep 1000"))
        let supervisor = try supervisor(first, id)
        first.host.close()
        for name in ["start.json", "rank-0.manifest"] {
            let path = scratch.file("attempts/1.1/\(name)")
            let boot = try readText("/proc/sys/kernel/random/boot_id").filter { $0 != "\n" }
            let parts = try readText(path).split(separator: boot, omittingEmptySubsequences: false)
            #expect(parts.count == 2)
            try writeText(parts.joined(separator: "another"), to: path)
        }

        let host = try TestHost(scratch)

        #expect(try await host.adoptedEnd(id).outcome == .supervisorLost)
        kill(supervisor, SIGTERM)
        try await eventually { !isAlive(supervisor) }
    }

    @Test func `an agent that is killed at any moment loses no job, runs none twice, and leaves none behind`()
        async throws
    {
        let count = 50
        var random = SeededGenerator(seed: 20_261_122, purpose: "kills")
        let script = "echo x >> ran-$HENG_JOB_ID; sleep 0.0$((HENG_JOB_ID % 5)); exit 0"
        var rounds = 0
        while rounds < 12 {
            rounds += 1
            let agent = try agent(count, script: script, output: "log-\(rounds)")
            // Early moments are the interesting ones: folders, supervisors and manifests are being made.
            try await Task.sleep(for: .microseconds(5000 + random.below(150_000)))
            killAgent(agent)
        }
        let last = try agent(count, script: script, output: "log")
        var status: Int32 = 0
        unsafe waitpid(last, &status, 0)

        let ends = scratch.lines("log").filter { $0.hasPrefix("ended ") }
        #expect(status == 0 && Set(ends.map { $0.split(separator: " ")[1] }).count == count)
        for job in 1...count {
            let runs = scratch.lines("ran-\(job)").count
            let end = ends.first { $0.hasPrefix("ended \(job).1 ") } ?? ""
            if end.contains("supervisorLost") {
                #expect(runs == 0, "job \(job) ran \(runs) times, and is said not to have started")
            } else {
                #expect(end.contains("exited(code: 0)") && runs == 1, "job \(job) ran \(runs) times: \(end)")
            }
        }
        #expect(try leftRunning() == [])
    }

    /// Processes that stand in this test's folder.
    private func leftRunning() throws -> [Int32] {
        names(in: "/proc").compactMap { Int32($0) }.filter { pid in
            guard pid != getpid(), let text = try? readText("/proc/\(pid)/environ") else { return false }
            return text.contains("HENG_ATTEMPT=") && text.contains("SCRATCH=\(scratch.path)\0")
        }
    }
}

extension TestHost {
    /// The end that was found, at once or in the first rounds of the loop.
    func adoptedEnd(_ id: AttemptID) async throws -> AttemptEnd {
        try await eventually {
            if case .ended? = self.host.statuses.first(where: { $0.attempt == id })?.state {
                true
            } else {
                false
            }
        }
        guard case .ended(let end)? = host.statuses.first(where: { $0.attempt == id })?.state else {
            throw Failure("\(id) has not ended")
        }
        return end
    }
}
