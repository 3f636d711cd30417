import Essentials
import MachineAgent
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Steps as real processes", .timeLimit(.minutes(20)))
struct StepTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    // MARK: Endings

    @Test(arguments: [0, 1, 7, 127, 255]) func `reports the exit code`(code: Int32) async throws {
        let outcome = try await start(shell("exit \(code)", in: folder)).wait()

        #expect(outcome.evidence.ending == .exited(code: code))
        #expect(outcome.verdict == (code == 0 ? .completed : .failed(code: code)))
        #expect(outcome.shellExitCode == code)
    }

    @Test(arguments: [SIGSEGV, SIGABRT, SIGTERM, SIGUSR1]) func `reports the signal`(signal: Int32)
        async throws
    {
        let outcome = try await start(shell("ulimit -c 0; kill -\(signal) $$", in: folder)).wait()

        #expect(outcome.evidence.ending == .signalled(signal))
        #expect(outcome.verdict == .signalled(signal))
    }

    @Test func `a kill -9 that nobody here asked for is called that`() async throws {
        let outcome = try await start(shell("kill -9 $$", in: folder)).wait()

        #expect(outcome.verdict == .killedExternally)
    }

    @Test func `counts time and memory of all its processes`() async throws {
        let script = "head -c 50000000 /dev/zero | tail -c 40000000 >/dev/null"

        let outcome = try await start(shell(script, in: folder)).wait()

        // tail holds 40 MB, so some process of the step was at least that large.
        #expect(outcome.usage.peakResidentSet > .bytes(40_000_000))
        #expect(outcome.usage.cpuTime > .zero)
        #expect(outcome.usage.ended > outcome.usage.started)
    }

    // MARK: What does not start

    @Test func `an unknown command is an error that names PATH`() throws {
        var step = shell("", in: folder)
        step.command = ["no-such-command-of-heng"]

        #expect(throws: StepError.commandNotFound("no-such-command-of-heng", path: "/usr/bin:/bin")) {
            try start(step)
        }
    }

    @Test func `a missing file is an error, and a missing interpreter is another one`() async throws {
        var step = shell("", in: folder)
        step.command = [folder.file("absent")]
        #expect(throws: StepError.commandNotFound(folder.file("absent"), path: nil)) { try start(step) }

        // Written by another process: a child that another test is just starting would hold our descriptor for a
        // moment, and a file that is open for writing cannot be executed.
        _ = try await start(shell("echo '#!/no/such/interpreter' > script; chmod +x script", in: folder))
            .wait()
        step.command = [folder.file("script")]
        #expect(throws: StepError.interpreterMissing(command: folder.file("script"))) { try start(step) }
    }

    @Test func `a file that is no program is an error`() throws {
        try writeText("hello\n", to: folder.file("plain"))
        var step = shell("", in: folder)
        step.command = [folder.file("plain")]

        #expect(throws: StepError.notExecutable(command: folder.file("plain"), code: EACCES)) {
            try start(step)
        }
    }

    @Test func `a missing working folder is an error`() throws {
        var step = shell("true", in: folder)
        step.workingDirectory = "/no/such/folder"

        #expect(throws: StepError.workingDirectory("/no/such/folder", code: ENOENT)) { try start(step) }
    }

    @Test func `an output that cannot be opened is an error that names it`() throws {
        var step = shell("true", in: folder)
        step.output = .file("/no/such/folder/out")
        #expect(throws: StepError.file("/no/such/folder/out", code: ENOENT)) { try start(step) }

        step.output = .discarded
        step.errorOutput = .file(folder.path)
        #expect(throws: StepError.file(folder.path, code: EISDIR)) { try start(step) }
    }

    @Test func `nothing to run, a zero byte and a bad share are refused`() {
        var step = shell("true", in: folder)
        step.command = []
        #expect(throws: StepError.emptyCommand) { try start(step) }

        step.command = ["echo", "a\0b"]
        #expect(throws: StepError.unusableText(what: "An argument")) { try start(step) }

        step = shell("true", in: folder, cpuShare: 1.5)
        #expect(throws: StepError.badShare(1.5)) { try start(step) }
    }

    @Test func `a missing supervisor is an error that says where it was looked for`() throws {
        let supervisor = SupervisorProgram(path: folder.file("heng-step"))

        #expect(throws: StepError.supervisorFailed(call: "starting \(supervisor.path)", code: ENOENT)) {
            try RunningStep.start(shell("true", in: folder), isolation: noGroups, supervisor: supervisor)
        }
    }

    // MARK: Surroundings

    @Test func `has exactly the given environment, folder, arguments and input`() async throws {
        try writeText("from a file", to: folder.file("in"))
        var step = shell("", in: folder)
        step.command = [
            "sh", "-c", "env | grep -v -e ^PWD= -e ^SHLVL= -e ^_=; pwd; cat; echo; echo \"$0|$1\"", "a b",
            "c=d\n",
        ]
        step.environment = ["PATH": "/usr/bin:/bin", "HENG_RANK": "3", "EMPTY": ""]
        step.input = .file(folder.file("in"))

        _ = try await start(step).wait()

        let text = try folder.text(of: "out")
        #expect(
            Set(text.split(separator: "\n").prefix(3)) == ["PATH=/usr/bin:/bin", "HENG_RANK=3", "EMPTY="])
        #expect(text.hasSuffix("\(folder.path)\nfrom a file\na b|c=d\n\n"))
    }

    @Test func `keeps both outputs apart, whole and in order, also when they are large`() async throws {
        let outcome = try await start(
            shell("seq 1 400000; seq 1 1000 >&2", in: folder)
        ).wait()

        let expected = (1...400_000).map { "\($0)\n" }.joined()
        #expect(outcome.verdict == .completed)
        #expect(try folder.text(of: "out") == expected)
        #expect(try folder.text(of: "err").hasSuffix("999\n1000\n"))
    }

    @Test func `one file may take both outputs`() async throws {
        var step = shell("echo one; echo two >&2; echo three", in: folder)
        step.errorOutput = step.output

        _ = try await start(step).wait()

        #expect(try folder.text(of: "out") == "one\ntwo\nthree\n")
    }

    @Test func `a step starts with default signals and only its own descriptors`() async throws {
        let script = "grep -E '^Sig(Blk|Ign):' /proc/self/status; exec ls /proc/self/fd"

        _ = try await start(shell(script, in: folder)).wait()

        let text = try folder.text(of: "out")
        #expect(field("SigBlk", of: text) == "0000000000000000")
        #expect(field("SigIgn", of: text) == "0000000000000000")
        // ls itself opens descriptor 3 to read the folder.
        #expect(text.hasSuffix("0\n1\n2\n3\n"))
    }

    // MARK: Ends

    @Test func `a request to stop reaches every process and is the verdict`() async throws {
        let step = try start(shell("trap 'exit 0' TERM; sleep 1000 & echo $!; wait", in: folder))
        try await until { try folder.text(of: "out").hasSuffix("\n") }
        let child = try #require(Int32(try folder.text(of: "out").dropLast()))
        // Until then the child is the shell with the shell's trap, and would lose the request.
        try await until { try readText("/proc/\(child)/comm") == "sleep\n" }

        step.terminate()
        let outcome = await step.wait()

        #expect(outcome.verdict == .stopped)
        #expect(!isAlive(child))
    }

    @Test func `what ignores the request is ended by force after the grace`() async throws {
        let step = try start(
            shell("trap '' TERM; echo ready; while :; do sleep 1000; done", in: folder))
        try await until { try folder.text(of: "out") == "ready\n" }

        step.terminate(grace: .milliseconds(50))
        let outcome = await step.wait()

        #expect(outcome.evidence.ending == .signalled(SIGKILL))
        #expect(outcome.verdict == .stopped)
    }

    @Test func `what outlives the main process, even in a session of its own, is ended with it`() async throws
    {
        let script =
            "setsid -f sh -c 'trap \"\" HUP; echo $$ > stray; exec sleep 1000'; while [ ! -s stray ]; do :; done"

        let outcome = try await start(shell(script, in: folder)).wait()

        let stray = try #require(Int32(try folder.text(of: "stray").dropLast()))
        #expect(outcome.verdict == .completed)
        #expect(outcome.remarks == ["1 processes outlived the main one and were ended."])
        #expect(!isAlive(stray))
    }

    @Test func `a killed supervisor takes the step along, and the outcome says so`() async throws {
        let step = try start(shell("echo $PPID; exec sleep 1000", in: folder))
        try await until { try folder.text(of: "out").hasSuffix("\n") }
        let supervisor = try #require(Int32(try folder.text(of: "out").dropLast()))

        kill(supervisor, SIGKILL)
        let outcome = await step.wait()

        #expect(outcome.verdict == .supervisorLost)
        try await until { !isAlive(step.pid) }
    }

    @Test func `a waiter that comes late gets the outcome at once`() async throws {
        let step = try start(shell("exit 4", in: folder))
        let first = await step.wait()

        let second = await step.wait()

        #expect(first == second)
        #expect(step.outcome == first)
        step.terminate()
    }

    @Test func `two hundred steps leave no descriptor and no process behind`() async throws {
        let step = shell("exit 0", in: folder)
        _ = try await start(step).wait()  // the watching thread and its descriptor exist from here on
        let before = descriptors()

        for _ in 0..<20 {
            let running = try (0..<10).map { _ in try start(step) }
            for step in running { #expect(await step.wait().verdict == .completed) }
        }

        // Other tests open some at the same time, far fewer than the two hundred that could leak here.
        #expect(descriptors() < before + 100)
        try await until { try unreapedSupervisors() == 0 }
    }

    private func descriptors() -> Int {
        (0..<Int32(4096)).count { fcntl($0, F_GETFD) >= 0 }
    }

    /// How many supervisors of this process have ended and were not waited for.
    private func unreapedSupervisors() throws -> Int {
        let own = getpid()
        return names(in: "/proc").compactMap { Int32($0) }.count { pid in
            guard let text = try? readText("/proc/\(pid)/stat") else { return false }  // gone meanwhile
            return text.contains("(heng-step) Z \(own) ")
        }
    }
}
