import ControlAPI
import Essentials
import MachineAgent
import Scheduling
import Testing

#if canImport(Glibc)
import Glibc
#endif

private let machine = Isolation.detect()

private var hasMemoryGroup: Bool {
    if case .missing = machine.home(of: .memory) { false } else { true }
}

/// Every way in which an attempt can end, each as real processes.
@Suite("Ends of attempts", .timeLimit(.minutes(20)))
struct AttemptEndingTests {
    private let scratch: Scratch
    private let host: TestHost
    private let id = AttemptID(JobID(1), 1)

    init() throws {
        scratch = try Scratch()
        host = try TestHost(scratch)
    }

    // MARK: By itself

    @Test(arguments: [0, 1, 85, 127, 255]) func `an exit code is the outcome`(code: Int32) async throws {
        #expect(try await host.run(host.script("exit \(code)")).outcome == .exited(code: code))
    }

    @Test(arguments: [
        SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGFPE, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1,
    ])
    func `a signal is the outcome`(signal: Int32) async throws {
        let end = try await host.run(host.script("ulimit -c 0; kill -\(signal) $$"))

        #expect(end.outcome == .signalled(signal))
    }

    @Test func `SIGKILL that nobody here sent is called that`() async throws {
        #expect(try await host.run(host.script("kill -9 $$")).outcome == .killedFromOutside)

        let run = try await host.started(host.script("exec sleep 1000", job: 2))
        kill(run.processes[0], SIGKILL)
        #expect(try await host.end(AttemptID(JobID(2), 1)).outcome == .killedFromOutside)
    }

    // MARK: Not started

    @Test func `what cannot start says why, and nothing of it runs`() async throws {
        let missing = try await host.run(
            host.script("") { $0.launch.command = ["no-such-command-of-heng"] })
        guard case .launchFailed(let why) = missing.outcome else { throw Failure("\(missing.outcome)") }
        #expect(why.contains("no-such-command-of-heng"))

        let folder = try await host.run(
            host.script("echo ran", job: 2) { $0.launch.workingDirectory = "/no/such" })
        guard case .launchFailed(let reason) = folder.outcome else { throw Failure("\(folder.outcome)") }
        #expect(reason.contains("/no/such"))

        let output = try await host.run(host.script("echo ran", job: 3, output: "/no/such/folder/out"))
        guard case .launchFailed = output.outcome else { throw Failure("\(output.outcome)") }
        #expect(scratch.text("out").isEmpty)
    }

    @Test func `a file that is no program, an empty command and a zero byte are refused`() async throws {
        try writeText("hello\n", to: scratch.file("plain"))
        for (job, command) in [[scratch.file("plain")], [], ["echo", "a\0b"]].enumerated() {
            let end = try await host.run(host.script("", job: job + 1) { $0.launch.command = command })
            guard case .launchFailed = end.outcome else { throw Failure("\(end.outcome)") }
        }
    }

    // MARK: Stopped

    @Test func `a stop that is obeyed shows how it was obeyed`() async throws {
        try await host.started(host.script("trap 'exit 85' TERM; echo ready; while :; do sleep 0.01; done"))
        try await eventually { scratch.text("out") == "ready\n" }

        host.host.perform(.stop(id, signal: SIGTERM, grace: .seconds(100)))

        #expect(try await host.end(id).outcome == .exited(code: 85))
    }

    @Test func `a stop may begin with another signal`() async throws {
        try await host.started(host.script("trap 'exit 3' USR2; echo ready; while :; do sleep 0.01; done"))
        try await eventually { scratch.text("out") == "ready\n" }

        host.host.perform(.stop(id, signal: SIGUSR2, grace: .seconds(100)))

        #expect(try await host.end(id).outcome == .exited(code: 3))
    }

    @Test func `what ignores the stop is ended by force after the grace, stopped or not`() async throws {
        let deaf = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
        try await host.started(host.script(deaf))
        try await eventually { scratch.text("out") == "ready\n" }
        host.host.perform(.stop(id, signal: SIGTERM, grace: .milliseconds(50)))
        #expect(try await host.end(id).outcome == .signalled(SIGKILL))

        let run = try await host.started(host.script("exec sleep 1000", job: 2))
        kill(run.processes[0], SIGSTOP)
        host.host.perform(.stop(AttemptID(JobID(2), 1), signal: SIGTERM, grace: .seconds(100)))
        #expect(try await host.end(AttemptID(JobID(2), 1)).outcome == .signalled(SIGTERM))
    }

    // MARK: Time

    @Test func `over its time a job gets a warning, the request to end, and the grace`() async throws {
        let script = "trap 'echo warned' USR1; trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done"

        let end = try await host.run(
            host.script(
                script, timeLimit: .milliseconds(300),
                warning: WarningSignal(SIGUSR1, before: .milliseconds(200), isBatchOnly: true)))

        #expect(end.outcome == .overTime)
        // The shell may say that what it waited for was ended too.
        #expect(scratch.lines("out").filter { $0 != "Terminated" } == ["warned", "asked"])
    }

    @Test func `over its time a job that does not listen is ended by force`() async throws {
        let end = try await host.run(
            host.script(
                "trap '' TERM; while :; do sleep 0.01; done", timeLimit: .milliseconds(50),
                grace: .milliseconds(50)))

        #expect(end.outcome == .overTime)
    }

    // MARK: Memory

    @Test func `over its memory limit, as the supervisor sees it`() async throws {
        let hold =
            "head -c 41m /dev/zero > file; for i in 1 2 3; do (cat file; sleep 1000) | tail -c 40m & done; wait"
        let device = testDevice(cpus: try usableCPUs().units, memory: .mebibytes(64))

        let end = try await host.run(host.script(hold, ranks: [device]))

        guard case .outOfMemory(let death) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(death.cause == .quota && death.limit == .mebibytes(64))
        #expect(try #require(death.peak) > .mebibytes(64))
    }

    @Test(.enabled(if: hasMemoryGroup, "no memory group can be made here"))
    func `over its memory limit, as the kernel enforces it`() async throws {
        let host = try TestHost(scratch, isolation: machine)
        let device = testDevice(cpus: try usableCPUs().units, memory: .mebibytes(64))

        let end = try await host.run(
            host.script("exec dd if=/dev/zero of=/dev/null bs=400M count=1", ranks: [device]))

        guard case .outOfMemory(let death) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(death.cause == .quota && death.limit == .mebibytes(64))
        #expect(try #require(death.peak) <= .mebibytes(64))
    }

    @Test func `an accelerator's last words are its cause of death, and an earlier attempt's are not`()
        async throws
    {
        let words = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
        let end = try await host.run(host.script("echo '\(words)' >&2; exit 1"))
        #expect(end.outcome == .outOfMemory(MemoryDeath(.device)))

        let again = try await host.run(
            host.script("exit 1", job: 2) { $0.launch.appendsOutput = true })
        #expect(again.outcome == .exited(code: 1))
        #expect(scratch.text("out") == words + "\n")
    }

    // MARK: What is left running

    @Test func `children, daemons and those who left the session end with the main process`() async throws {
        let script = """
            sleep 1000 & echo $! >> pids
            setsid -f sh -c 'trap "" HUP; echo $$ >> pids; exec sleep 1000'
            (sh -c 'echo $$ >> pids; exec sleep 1000' &) &
            (trap '' TERM; sh -c 'echo $$ >> pids; exec sleep 1000') &
            while [ $(wc -l < pids) -lt 4 ]; do sleep 0.01; done
            """

        let end = try await host.run(host.script(script, grace: .milliseconds(200)))

        #expect(end.outcome == .exited(code: 0))
        #expect(end.remarks.contains { $0.contains("outlived the main one") })
        let pids = scratch.lines("pids").compactMap { Int32($0) }
        #expect(pids.count == 4 && !pids.contains(where: isAlive))
    }

    @Test func `a storm of processes that ignore SIGTERM is ended whole`() async throws {
        let script =
            "trap '' TERM; i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; echo ready; wait"
        try await host.started(host.script(script))
        try await eventually { scratch.text("out") == "ready\n" }

        host.host.perform(.stop(id, signal: SIGTERM, grace: .milliseconds(20)))

        #expect(try await host.end(id).outcome == .signalled(SIGKILL))
        #expect(!isAlive(try supervisorIfAny() ?? 0))
    }

    private func supervisorIfAny() throws -> Int32? {
        let pid = try supervisor(host, id)
        // It ends at once after its last word.
        for _ in 0..<1000 where isAlive(pid) { usleep(1000) }
        return pid
    }

    // MARK: Files

    @Test func `a full and a closed output are the job's own affair`() async throws {
        #expect(
            try await host.run(host.script("echo text || exit 9", output: "/dev/full")).outcome
                == .exited(code: 9))
        #expect(try await host.run(host.script("exec >&- 2>&-; exit 4", job: 2)).outcome == .exited(code: 4))
    }

    @Test func `a job that removes its working directory ends as it ends`() async throws {
        unsafe mkdir(scratch.file("work"), 0o755)
        let end = try await host.run(
            host.script("rm -rf \"$PWD\"; exit 6", output: scratch.file("out")) {
                $0.launch.workingDirectory = scratch.file("work")
            })

        #expect(end.outcome == .exited(code: 6))
    }

    @Test func `a job that removes its attempt's folder is found again with its end`() async throws {
        let end = try await host.run(host.script("rm -rf '\(host.folder(id))'; exit 7"))
        #expect(end.outcome == .exited(code: 7))
        host.host.close()

        let next = try TestHost(scratch)

        guard case .ended(let found)? = next.host.adopted.first?.state else {
            throw Failure("no end was found")
        }
        #expect(found.outcome == .exited(code: 7))
    }

    @Test func `an end that cannot be written is told, and kept by the supervisor until it is forgotten`()
        async throws
    {
        // Something else takes the folder's place for good.
        let end = try await host.run(
            host.script("rm -rf '\(host.folder(id))'; echo > '\(host.folder(id))'; echo $PPID; exit 8"))
        #expect(end.outcome == .exited(code: 8))
        let supervisor = try #require(Int32(scratch.text("out").dropLast()))
        #expect(isAlive(supervisor))

        host.host.perform(.forget(id))

        try await eventually { !isAlive(supervisor) }
    }

    // MARK: Supervisors

    @Test(arguments: [false, true]) func `a killed supervisor is reported, and nothing stays behind`(
        withGroups: Bool
    )
        async throws
    {
        let host = try TestHost(scratch, isolation: withGroups ? machine : noGroups)
        let script = """
            setsid -f sh -c 'trap "" HUP TERM; echo $$ >> pids; exec sleep 1000'
            (sh -c 'echo $$ >> pids; exec sleep 1000' &) &
            sh -c 'echo $$ >> pids; exec sleep 1000'
            """
        let device = testDevice(cpus: try usableCPUs().units, memory: .mebibytes(256))
        try await host.started(host.script(script, ranks: [device]))
        try await eventually { scratch.lines("pids").count == 3 }

        kill(try supervisor(host, id), SIGKILL)

        let end = try await host.end(id)
        #expect(end.outcome == .supervisorLost)
        let pids = scratch.lines("pids").compactMap { Int32($0) }
        try await eventually { !pids.contains(where: isAlive) }
    }

    @Test func `garbage on a supervisor's socket, and many who connect, do nothing`() async throws {
        try await host.started(host.script("while [ ! -e go ]; do sleep 0.01; done; exit 5"))
        let path = "\(host.folder(id))/rank-0.socket"
        for length in [1, 4, 5, 4096] {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: 7 &* $0) | 128 }
            let descriptor = try connectTo(path)
            _ = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            close(descriptor)
        }
        let crowd = try (0..<40).map { _ in try connectTo(path) }
        try writeText("", to: scratch.file("go"))

        #expect(try await host.end(id).outcome == .exited(code: 5))
        for descriptor in crowd { close(descriptor) }
    }

    private func connectTo(_ path: String) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
            unsafe target.copyBytes(from: path.utf8.prefix(target.count - 1))
        }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let failure = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard failure == 0 else { throw Failure("no connection to \(path) (errno \(errno))") }
        return descriptor
    }
}
