import Essentials
import Foundation
import TestSupport
import Testing

/// The value that a command printed as JSON.
func json(_ finished: Finished) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(finished.output.utf8))
}

@Suite("Commands that show something", .timeLimit(.minutes(20)))
struct CommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func `the version is a number with points`() throws {
        let run = try sandbox.heng("--version")

        #expect(run.status == 0)
        #expect(run.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }

    @Test(arguments: [
        [], ["--help"], ["help"], ["help", "submit"], ["submit", "--help"], ["devices", "-h"],
    ])
    func `help goes to standard output`(arguments: [String]) throws {
        let run = try sandbox.run(["heng"] + arguments)

        #expect(run.status == 0)
        #expect(run.output.contains("USAGE: heng"))
        #expect(run.errors == "")
    }

    @Test(arguments: [
        "topology", "devices", "submit", "run", "jobs", "show", "explain", "logs", "wait", "cancel", "hold",
        "release",
        "suspend", "resume", "requeue", "signal", "checkpoint", "change", "vdev", "queue", "account", "drain",
        "undrain",
        "describe", "backup", "up", "down", "status", "doctor", "agent", "bench", "conform", "model",
    ]) func `the help of a command has an example`(command: String) throws {
        let run = try sandbox.heng(command, "--help")

        let examples = run.output.components(separatedBy: "Example").dropFirst().joined()
        #expect(run.status == 0)
        #expect(examples.contains("heng \(command)"), "\(run.output)")
    }

    @Test func `topology shows this machine`() throws {
        let text = try sandbox.heng("topology")
        let value = try #require(try json(sandbox.heng("topology", "--json")) as? [String: Any])

        #expect(text.status == 0)
        #expect(text.output.contains("core"))
        #expect(
            Set(value.keys) == [
                "caches", "cores", "devices", "distances", "machineName", "numaNodes", "packages", "source",
            ])
        #expect((value["cores"] as? [Any])?.isEmpty == false)
        #expect((value["numaNodes"] as? [Any])?.isEmpty == false)
    }

    @Test func `devices lists one device per NUMA node`() throws {
        let text = try sandbox.heng("devices")
        let rows = try #require(try json(sandbox.heng("devices", "--json")) as? [[String: Any]])
        let probed = try #require(try json(sandbox.heng("devices", "--probe", "--json")) as? [[String: Any]])

        #expect(text.status == 0)
        #expect(text.lines[0].split(separator: " ").prefix(2) == ["DEVICE", "NAME"])
        #expect(text.lines.count == rows.count + 1)
        #expect(rows.first?["id"] as? String == "cpu:0")
        #expect(probed.map { $0["id"] as? String } == rows.map { $0["id"] as? String })
        let description = try #require(rows.first?["description"] as? [String: Any])
        #expect(
            Set(["kind", "name", "vendor", "memory", "cpus", "computeUnits"]).isSubset(of: description.keys))
    }

    @Test func `simulated devices are listed where they are asked for, and never measured`() throws {
        let configuration = "\(sandbox.work)/sim.json"
        try Data("{\"devices\": [{\"name\": \"Tester\"}]}".utf8).write(
            to: URL(fileURLWithPath: configuration))
        let variables = ["HENG_SIMDEV": configuration]

        let list = try sandbox.heng("devices", with: variables)
        let bench = try sandbox.heng("bench", "run", "server", "--tier", "smoke", with: variables)

        #expect(list.status == 0)
        #expect(list.lines.contains { $0.hasPrefix("simdev:0") && $0.contains("Tester (simulated)") })
        #expect(bench.status == 2)
        #expect(
            bench.errors.contains("simdev:0 is a simulated device, and benchmarks measure only real ones."))
        #expect(try !sandbox.heng("devices").output.contains("simdev"))
    }

    @Test(arguments: ["/proc/no/such", "/dev/null"])
    func `devices needs no cache folder`(folder: String) throws {
        let run = try sandbox.heng("devices", with: ["HOME": folder, "XDG_CACHE_HOME": folder])

        #expect(run.status == 0)
        #expect(run.errors == "")
    }

    @Test func `jobs of a fresh machine are none, and later the ended ones`() throws {
        #expect(try json(sandbox.heng("jobs", "--json")) as? [String: [String]] == ["rows": []])

        _ = try sandbox.heng("submit", "--name", "hello", "--", "true")

        let value = try #require(try json(sandbox.heng("jobs", "--json")) as? [String: [[String: Any]]])
        let row = try #require(value["rows"]?.first)
        #expect(row["name"] as? String == "hello")
        #expect(row["state"] as? String == "COMPLETED")
        #expect(row["command"] as? [String] == ["true"])
        #expect(try sandbox.heng("jobs").output.contains("COMPLETED"))
    }
}
