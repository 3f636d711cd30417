internal import ControlAPI
internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Scheduling
internal import Testing

#if canImport(Glibc)
internal import Glibc
#endif

private let hasMemoryGroup: Bool = {
    if case .missing = Isolation.detect().home(of: .memory) { false } else { true }
}()

/// How real jobs die, as their owner is told.
@Suite("Causes of death, from the kernel to the answer")
final class DeathTests {
    private let daemon: TestDaemon
    private let client: DaemonClient

    init() throws {
        daemon = try TestDaemon(["--executor", "agent", "--name", "here"])
        client = daemon.client()
    }

    @Test func `an exit code, a time limit, a kill from outside and a start that fails have their names`()
        throws
    {
        let failed = try submit("exit 3")
        let late = try submit("exec sleep 1000", timeLimit: .milliseconds(200))
        let killed = try submit("kill -9 $$")
        let missing = try submit("", command: ["no-such-command-of-heng"])

        #expect(try story(of: failed) == "FAILED: exit code 3")
        #expect(try story(of: late).hasPrefix("TIMEOUT"))
        #expect(try story(of: killed) == "FAILED: killed by something else on its machine (SIGKILL)")
        #expect(try story(of: missing).hasPrefix("LAUNCH_FAILED: never started: "))
    }

    @Test(.enabled(if: hasMemoryGroup, "no memory group can be made here"))
    func `over its own memory and over that of its virtual device are told apart, with limit and peak`()
        throws
    {
        let take = "exec dd if=/dev/zero of=/dev/null bs=200M count=1"
        let own = try submit(take, ResourceRequest(cores: .thousandths(100), memory: .mebibytes(48)))
        try client.make(
            NamedDeviceRequest(
                name: "small", amounts: .init(cores: .thousandths(500), memory: .mebibytes(64))))
        let inside = try submit(take, ResourceRequest(virtualDevice: .named("small")))

        let first = try story(of: own)
        #expect(
            first.hasPrefix("OUT_OF_MEMORY: OOM_QUOTA: over the job's own memory limit of 48 MiB, peak "),
            "\(first)")
        let second = try story(of: inside)
        #expect(
            second.hasPrefix(
                "OUT_OF_MEMORY: OOM_QUOTA: over the memory limit of 64 MiB of its virtual device, peak "),
            "\(second)")
        try client.deleteDevice("small")
        // The daemon is killed at the end of the test, and would leave the device's groups behind.
        let kept = daemon.paths.folder + "/attempts/devices/small.json"
        while FileManager.default.fileExists(atPath: kept) { usleep(1000) }
        usleep(50_000)
    }

    @Test func `a job that may be tried again is, after pauses that double`() throws {
        let log = daemon.paths.folder + "/times"
        let job = try submit(
            "echo \"$HENG_RESTART_COUNT $(cut -d' ' -f1 /proc/uptime)\" >> \(log); exit 7",
            rerun: RerunPolicy(retries: 2, backoff: .milliseconds(300)))

        #expect(try story(of: job) == "FAILED: exit code 7")
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: " ").compactMap { Double($0) } }
        #expect(lines.map { $0[0] } == [0, 1, 2])
        // The kernel's clock has steps of ten milliseconds here.
        #expect(lines[1][1] - lines[0][1] >= 0.28)
        #expect(lines[2][1] - lines[1][1] >= 0.58)
        #expect(try client.job(job).attempt == 3)
    }

    @Test func `hard isolation of what nothing holds hard is refused, with the reason`() throws {
        let request = NamedDeviceRequest(
            name: "strict", deviceKind: "gpu", amounts: .init(), isolation: .hard)

        #expect(throws: (any Error).self) { try client.make(request) }
        #expect(try client.devices().isEmpty)
    }

    // MARK: Help

    private func submit(
        _ script: String, _ resources: ResourceRequest = ResourceRequest(cores: .thousandths(100)),
        command: [String]? = nil, timeLimit: Duration? = nil, rerun: RerunPolicy = RerunPolicy()
    ) throws -> JobID {
        let command = command ?? ["/bin/sh", "-c", script]
        return try client.submit(
            SubmitRequest(
                job: JobRequest(
                    resources: resources, timeLimit: timeLimit,
                    label: JobLabel(user: "", name: "job", command: command), rerun: rerun),
                launch: LaunchSpecification(
                    command: command, environment: ["PATH": "/usr/bin:/bin"], workingDirectory: "/tmp",
                    output: "/dev/null", errorOutput: "/dev/null", grace: .zero))
        ).job
    }

    /// What is said of its end, once it has come.
    private func story(of job: JobID) throws -> String {
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        let prefix = "It ended as "
        while true {
            let lines = try client.explanation(of: job).lines
            if let line = lines.first(where: { $0.hasPrefix(prefix) }) {
                return String(line.dropFirst(prefix.count).drop { $0 == "." }).trimmingSuffix(".")
            }
            guard TimePoint.monotonicNow() < deadline else { throw Failure("\(lines)\n\(daemon.output)") }
            usleep(10_000)
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(_ end: String) -> String {
        hasSuffix(end) ? String(dropLast(end.count)) : self
    }
}
