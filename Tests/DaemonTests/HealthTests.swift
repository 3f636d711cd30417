internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport
internal import Testing

#if canImport(Glibc)
internal import Glibc
#endif

/// Faults from end to end: a real daemon and its agent, real jobs, and a real program that resets.
@Suite("Health of machines and their parts")
final class HealthTests {
    private let daemon: TestDaemon
    private let client: DaemonClient
    private let cpu = DeviceID(kind: "cpu", index: 0)

    init() throws {
        daemon = try TestDaemon(["--executor", "agent", "--name", "here"], isStarted: false)
        client = daemon.client()
        // It fails until somebody says that it may succeed.
        let program = """
            #!/bin/sh
            echo "$1 $HENG_WHY" >> '\(daemon.paths.folder)/resets'
            test -e '\(daemon.paths.folder)/mended' || { echo 'the fan is stuck'; exit 3; }
            """
        try Data(program.utf8).write(to: URL(fileURLWithPath: file("reset-program")))
        let settings = #"{"reset": {"cpu": ["/bin/sh", "\#(file("reset-program"))", "{device}"]}}"#
        try Data(settings.utf8).write(to: URL(fileURLWithPath: file("health.json")))
        try daemon.start()
    }

    private func file(_ name: String) -> String { daemon.paths.folder + "/" + name }

    private func set(_ level: HealthLevel, _ why: String = "hot", of device: DeviceID? = nil) throws {
        try client.setHealth(HealthRequest(device: device ?? cpu, level: level, why: why), of: "here")
    }

    private var faults: [MachineStatus.Fault] {
        get throws { try client.status().machines.flatMap(\.faults) }
    }

    @Test func `a reset that fails isolates the part with the reason, and one that succeeds frees it`() throws
    {
        try set(.resetNow)

        try eventually("the reset has failed") { try self.faults.first?.resetSince == nil }
        let fault = try #require(try faults.first)
        #expect(fault.level == .isolated)
        #expect(fault.why.contains("hot; it could not be reset") && fault.why.contains("the fan is stuck"))
        let job = try submit("true")
        #expect(try client.job(job).state == "PENDING")

        _ = FileManager.default.createFile(atPath: file("mended"), contents: nil)
        try set(.resetWhenIdle, "again")

        try eventually("the job has run") { try self.client.job(job).state == "COMPLETED" }
        #expect(try faults.isEmpty)
        #expect(lines("resets") == ["cpu:0 hot", "cpu:0 again"])
    }

    @Test func `a part is reset when its job has ended, not before`() throws {
        _ = FileManager.default.createFile(atPath: file("mended"), contents: nil)
        let job = try submit("until test -e \(file("go")); do sleep 0.02; done")
        try eventually("it runs") { try self.client.job(job).state == "RUNNING" }
        try set(.resetWhenIdle)
        let next = try submit("true")
        #expect(try client.job(job).state == "RUNNING")
        #expect(try client.job(next).state == "PENDING")
        #expect(lines("resets").isEmpty)

        _ = FileManager.default.createFile(atPath: file("go"), contents: nil)

        try eventually("the next has run") { try self.client.job(next).state == "COMPLETED" }
        #expect(lines("resets") == ["cpu:0 hot"])
        #expect(try client.job(job).state == "COMPLETED")
    }

    @Test func `a daemon that ends during a reset has it done by the next one`() throws {
        let slow =
            "#!/bin/sh\necho x >> '\(file("resets"))'\nuntil test -e '\(file("mended"))'; do sleep 0.02; done\n"
        try Data(slow.utf8).write(to: URL(fileURLWithPath: file("reset-program")))
        try set(.resetNow)
        try eventually("it has begun") { self.lines("resets").count == 1 }
        #expect(try faults.first?.resetSince != nil)
        daemon.kill()
        try daemon.start()

        try eventually("it has begun again") { self.lines("resets").count == 2 }
        _ = FileManager.default.createFile(atPath: file("mended"), contents: nil)

        try eventually("it is healthy") { try self.faults.isEmpty }
    }

    @Test func `an isolated part gives its jobs back, which run again when it is healthy`() throws {
        let job = try submit("echo run >> \(file("runs")); test -e \(file("go")) || exec sleep 1000")
        try eventually("it runs") { self.lines("runs").count == 1 }

        try set(.isolated, "memory errors")

        try eventually("it is queued again") { try self.client.job(job).state == "PENDING" }
        try eventually("the reason is said") {
            try self.client.explanation(of: job).lines.joined().contains(
                "cpu:0 of machine here is isolated: memory errors")
        }
        _ = FileManager.default.createFile(atPath: file("go"), contents: nil)
        try set(.healthy)
        try eventually("it has run again") { try self.client.job(job).state == "COMPLETED" }
        #expect(try client.job(job).attempt == 2)
        #expect(lines("runs").count == 2)
    }

    @Test func `a part that is not there, and a machine that is not, are refused`() throws {
        #expect(throws: (any Error).self) { try set(.isolated, of: DeviceID(kind: "gpu", index: 9)) }
        #expect(throws: (any Error).self) {
            try client.setHealth(HealthRequest(device: nil, level: .isolated, why: ""), of: "nowhere")
        }
        #expect(try faults.isEmpty)
    }

    // MARK: Help

    private func submit(_ script: String) throws -> JobID {
        let command = ["/bin/sh", "-c", script]
        return try client.submit(
            SubmitRequest(
                job: JobRequest(
                    resources: ResourceRequest(cores: .thousandths(100)),
                    label: JobLabel(user: "", name: "job", command: command),
                    rerun: RerunPolicy(backoff: .milliseconds(50))),
                launch: LaunchSpecification(
                    command: command, environment: ["PATH": "/usr/bin:/bin"], workingDirectory: "/tmp",
                    output: "/dev/null", errorOutput: "/dev/null", grace: .zero))
        ).job
    }

    private func lines(_ name: String) -> [String] {
        String(decoding: FileManager.default.contents(atPath: file(name)) ?? Data(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    private func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        while try !isSo() {
            guard TimePoint.monotonicNow() < deadline else {
                throw Failure("Not within 60 s: \(what)\n\(daemon.output)")
            }
            usleep(10_000)
        }
    }
}
