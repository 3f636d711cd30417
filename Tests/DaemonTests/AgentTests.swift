internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport
internal import Testing

#if canImport(Glibc)
internal import Glibc
#endif

@Suite("Agents of several machines")
final class AgentTests {
    private let port: UInt16
    private let daemon: TestDaemon
    private let scratch: String
    private var client: DaemonClient

    init() throws {
        port = try TestAgent.freePort()
        daemon = try TestDaemon([
            "--name", "home", "--listen", "127.0.0.1:\(port)", "--silent-after", "1", "--lost-after", "8",
        ])
        client = daemon.client()
        scratch = daemon.paths.folder + "/scratch"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        // Only the agents are to run something.
        try client.drain("home", why: "for the agents")
    }

    @Test
    func `jobs go to the class they ask for, from a killed agent elsewhere, and a cut one is reconciled`()
        throws
    {
        let big = try agent("big", "cloud")
        let edge = try agent("edge", "edge")
        let desk = try agent("desk", "terminal")
        try eventually("three machines have joined") { try self.machines(["big", "edge", "desk"]) == 3 }

        // Each class has one machine.
        for (place, machineClass) in [(big, MachineClass.cloud), (edge, .edge), (desk, .terminal)] {
            let file = scratch + "/" + place.name
            let job = try submit(
                "until test -e \(file); do sleep 0.02; done", ResourceRequest(machineClass: machineClass))
            try eventually("the job of \(place.name) runs") { try self.state(of: job) == "RUNNING" }
            #expect(place.has("\(job).1"))
            _ = FileManager.default.createFile(atPath: file, contents: nil)
            try eventually("the job of \(place.name) has ended") { try self.state(of: job) == "COMPLETED" }
            let row = try client.status().machines.first { $0.name == place.name }
            #expect(row?.machineClass == machineClass)
        }

        // One agent is killed. Its job goes on there until the machine is given up.
        let long = try submit("exec sleep 1000", ResourceRequest(machines: ["big", "desk"]))
        try eventually("the long job runs") { try self.state(of: long) == "RUNNING" }
        let (killed, other) = big.has("\(long).1") ? (big, desk) : (desk, big)
        #expect(killed.has("\(long).1"))
        killed.kill()
        #expect(!killed.processes.isEmpty)

        try cutOff(edge)

        try eventually("the long job runs again elsewhere") {
            try self.client.job(long).attempt == 2 && self.state(of: long) == "RUNNING"
        }
        #expect(other.has("\(long).2"))
        // The killed one comes back, and what it has left is not wanted any more.
        try killed.start()
        try eventually("the first attempt is ended") { killed.processes.isEmpty }
        #expect(try client.job(long).attempt == 2)
        #expect(!other.processes.isEmpty)
        _ = try client.act(JobActionRequest(.cancel, JobSelection(jobs: [JobReference(long)])))
        try eventually("the long job is cancelled") { try self.state(of: long) == "CANCELLED" }
        #expect(other.processes.isEmpty)
    }

    /// A machine that says nothing gets no new work, its job goes on, and its end is heard of later.
    private func cutOff(_ edge: TestAgent) throws {
        let file = scratch + "/cut"
        let job = try submit(
            "echo begun >> \(file); while ! test -e \(scratch)/go; do sleep 0.05; done; echo done >> \(file)",
            ResourceRequest(machineClass: .edge))
        try eventually("the job runs on edge") { try self.state(of: job) == "RUNNING" }
        edge.signal(SIGSTOP)
        try eventually("edge is silent") { try self.isOpen("edge") == false }
        let waiting = try submit("true", ResourceRequest(machineClass: .edge))
        _ = FileManager.default.createFile(atPath: scratch + "/go", contents: nil)
        try eventually("the job has ended by itself") { self.lines(file) == ["begun", "done"] }
        #expect(try state(of: job) == "RUNNING")
        #expect(try state(of: waiting) == "PENDING")

        edge.signal(SIGCONT)

        try eventually("the end is heard of") { try self.state(of: job) == "COMPLETED" }
        try eventually("edge works again") { try self.state(of: waiting) == "COMPLETED" }
        #expect(try client.job(job).attempt == 1)
        #expect(lines(file) == ["begun", "done"])
    }

    @Test func `a wrong token is refused, and the right one is in no list of processes`() throws {
        let file = scratch + "/token"
        try Data("0123456789abcdefghij\n".utf8).write(to: URL(fileURLWithPath: file))
        let stranger = try TestAgent("stranger", "cloud", port: port, tokenFile: file)
        let friend = try agent("friend", "cloud")
        let double = try agent("home", "cloud")

        try eventually("it is refused") { stranger.output.contains("join token is missing or wrong") }
        try eventually("it does not try again") { stranger.program?.isRunning == false }
        #expect(stranger.program.map { $0.end() >> 8 & 0xFF } == 3)
        try eventually("the other one is not") { try self.machines(["friend"]) == 1 }
        try eventually("nobody takes the daemon's own name") { double.output.contains("another name") }
        #expect(try machines(["stranger"]) == 0)
        let token = try String(contentsOfFile: daemon.paths.joinToken, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(token.count >= 16)
        #expect(friend.words.contains("--agent-only"))
        #expect(!friend.words.contains(token))
    }

    @Test func `of two agents of one name the second waits until the first is gone`() throws {
        let first = try agent("twin", "cloud")
        try eventually("it has joined") { try self.machines(["twin"]) == 1 }
        let second = try agent("twin", "edge")
        try eventually("the second is told") { second.output.contains("Another agent lends a machine") }
        let job = try submit("exec sleep 1000", ResourceRequest(machines: ["twin"]))
        try eventually("the job runs") { try self.state(of: job) == "RUNNING" }

        #expect(first.has("\(job).1"))
        #expect(!second.has("\(job).1"))
        #expect(try client.status().machines.first { $0.name == "twin" }?.machineClass == .cloud)
        #expect(!first.output.contains("is gone"))

        first.kill()
        try eventually("the second is let in") {
            try self.client.status().machines.first { $0.name == "twin" }?.machineClass == .edge
        }
    }

    @Test func `a time limit that is changed while the job runs reaches its supervisor`() throws {
        let lone = try agent("lone", "cloud")
        try eventually("it has joined") { try self.machines(["lone"]) == 1 }
        let job = try submit("exec sleep 1000", ResourceRequest(machines: ["lone"]))
        try eventually("its job runs") { try self.state(of: job) == "RUNNING" }

        // Nobody hears of it now: the agent is told when it comes back.
        lone.kill()
        let change = JobActionRequest.Verb.change(.timeLimit(.seconds(1)))
        _ = try client.act(JobActionRequest(change, JobSelection(jobs: [JobReference(job)])))
        try eventually("the daemon wants its end") { try self.state(of: job) != "RUNNING" }
        #expect(!lone.processes.isEmpty)
        try lone.start()

        try eventually("it has ended") { lone.processes.isEmpty }
        try eventually("as it should") { try self.state(of: job) == "TIMEOUT" }
    }

    @Test func `a supervisor ends its job at the changed limit also when everybody else is gone`() throws {
        let lone = try agent("lone", "cloud")
        try eventually("it has joined") { try self.machines(["lone"]) == 1 }
        let job = try submit("exec sleep 1000", ResourceRequest(machines: ["lone"]))
        try eventually("its job runs") { try self.state(of: job) == "RUNNING" }
        let change = JobActionRequest.Verb.change(.timeLimit(.seconds(3)))

        _ = try client.act(JobActionRequest(change, JobSelection(jobs: [JobReference(job)])))
        // What the daemon has sent is on its way: the agent answers what comes behind it.
        _ = try client.act(JobActionRequest(.suspend, JobSelection(jobs: [JobReference(job)])))
        try eventually("it stands still") { try self.state(of: job) == "SUSPENDED" }
        _ = try client.act(JobActionRequest(.resume, JobSelection(jobs: [JobReference(job)])))
        try eventually("it goes on") { try self.state(of: job) == "RUNNING" }
        lone.kill()
        daemon.kill()

        try eventually("it has ended") { lone.processes.isEmpty }
    }

    @Test func `machines whose agents do not come back to a new daemon are given up`() throws {
        let lone = try agent("lone", "cloud")
        try eventually("it has joined") { try self.machines(["lone"]) == 1 }
        let job = try submit("exec sleep 1000", ResourceRequest(machines: ["lone"]))
        try eventually("its job runs") { try self.state(of: job) == "RUNNING" }
        lone.kill()
        daemon.kill()
        try daemon.start()
        client = daemon.client()

        try eventually("the machine is gone") {
            try self.client.status().machines.map(\.name) == ["home"]
        }
        #expect(try state(of: job) == "PENDING")
    }

    // MARK: Help

    private func agent(_ name: String, _ machineClass: String) throws -> TestAgent {
        try TestAgent(name, machineClass, port: port, tokenFile: daemon.paths.joinToken)
    }

    private func submit(_ script: String, _ resources: ResourceRequest) throws -> JobID {
        var resources = resources
        resources.cores = .thousandths(100)
        let command = ["/bin/sh", "-c", script]
        return try client.submit(
            SubmitRequest(
                job: JobRequest(
                    resources: resources, label: JobLabel(user: "", name: "job", command: command),
                    rerun: RerunPolicy(backoff: .milliseconds(100))),
                launch: LaunchSpecification(
                    command: command, environment: ["PATH": "/usr/bin:/bin"], workingDirectory: "/tmp",
                    output: "/dev/null", errorOutput: "/dev/null"))
        ).job
    }

    private func state(of job: JobID) throws -> String { try client.job(job).state }

    /// How many of these machines are known and take work.
    private func machines(_ names: [String]) throws -> Int {
        try names.filter { try isOpen($0) == true }.count
    }

    private func isOpen(_ name: String) throws -> Bool? {
        try client.status().machines.first { $0.name == name }.map { $0.why == nil }
    }

    private func lines(_ path: String) -> [String] {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    private func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        while try !isSo() {
            guard TimePoint.monotonicNow() < deadline else { throw Failure("Not within 60 s: \(what)") }
            usleep(20_000)
        }
    }
}
