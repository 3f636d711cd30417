import Essentials
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Jobs that are cut short", .timeLimit(.minutes(20)))
struct InterruptedJobTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    /// A job all of whose ranks sleep, in two processes each, after they have printed a line.
    private func sleeper(_ options: [String]) throws -> Child {
        let script = "echo \"on $HENG_LOCAL_CPUS\"; sleep 1000 & wait"
        let job = try sandbox.start(
            ["heng", "submit", "--cores", "0.5"] + options + ["--", "sh", "-c", script])
        try until("the job runs") { try job.outputSoFar.contains("on ") && living().contains("RUNNING") }
        return job
    }

    private func rows() throws -> [[String: Any]] {
        let value = try json(sandbox.heng("jobs", "--json")) as? [String: [[String: Any]]]
        return try #require(value?["rows"])
    }

    /// Jobs that wait or hold something.
    private func living() throws -> [String] {
        try rows().compactMap { $0["state"] as? String }.filter {
            ["PENDING", "HELD", "LAUNCHING", "RUNNING", "COMPLETING"].contains($0)
        }
    }

    @Test(arguments: [(SIGINT, 1), (SIGTERM, 1), (SIGINT, 2)])
    func `an interrupt ends the job, its processes and its entry`(signal: Int32, ranks: Int) throws {
        let job = try sleeper(["--ranks", "\(ranks)"])

        job.signal(signal)
        let run = try job.wait()

        #expect(run.status == 130)
        #expect(run.errors.contains("stopped on request"))
        #expect(try sandbox.processes() == [])
        #expect(try living() == [])
        #expect(try sandbox.temporaryFiles() == [])
    }

    @Test func `an interrupt takes a waiting job out of the queue`() throws {
        let topology = try json(sandbox.heng("topology", "--json")) as? [String: Any]
        let node = try #require((topology?["numaNodes"] as? [[String: Any]])?.first)
        let most = try #require(node["memory"] as? Int) / 3 * 2
        let place = ["--numa", "\(try #require(node["osIndex"] as? Int))", "--mem", "\(most)B"]
        let first = try sleeper(place)
        let waiting = try sandbox.start(
            ["heng", "submit", "--cores", "0.1"] + place + ["--", "echo", "never"])
        try until("the second job waits") { waiting.errorsSoFar.contains("it waits") }

        waiting.signal(SIGINT)
        let run = try waiting.wait()

        #expect(run.status == 130)
        #expect(run.output == "")
        #expect(try living() == ["RUNNING"])
        first.signal(SIGINT)
        _ = try first.wait()
    }

    @Test(arguments: [1, 2])
    func `when heng is killed its job ends, and its cores are free again`(ranks: Int) throws {
        let job = try sleeper(["--ranks", "\(ranks)"])
        let cpus = try #require(job.outputSoFar.split(separator: "\n").first?.split(separator: " ").last)

        job.signal(SIGKILL)
        #expect(try job.wait().status == 128 + SIGKILL)

        try until("its processes are gone") { try sandbox.processes() == [] }
        try until("its files are gone") { try sandbox.temporaryFiles() == [] }
        #expect(try living() == [])
        #expect(try rows().count == 1)
        let next = try sandbox.heng(
            "submit", "--cores", "0.5", "--ranks", "\(ranks)", "--", "sh", "-c",
            "echo \"on $HENG_LOCAL_CPUS\"")
        #expect(next.status == 0)
        #expect(next.lines.first?.split(separator: " ").last == cpus)
        #expect(!next.errors.contains("it waits"))
    }
}
