import Essentials
import Foundation
import Results
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Generated models, kept from one test to the next.
private let cache = Sandbox.sharedCache

private struct BenchRun {
    let sandbox: Sandbox
    let finished: Finished

    func file(_ name: String) -> String { "\(sandbox.work)/run/\(name)" }
    var result: RunResult { get throws { try ResultFile.read(file("result.json")) } }
}

extension Sandbox {
    /// The phases of this sandbox's jobs.
    fileprivate func phases() throws -> [String] {
        let value = try json(heng("jobs", "--json")) as? [String: [[String: Any]]]
        return try #require(value?["rows"]).compactMap { $0["state"] as? String }
    }

    /// A job of another command that has every core until it is interrupted.
    fileprivate func holdAllCores() throws -> Child {
        let topology = try json(heng("topology", "--json")) as? [String: Any]
        let cores = try #require(topology?["cores"] as? [Any]).count
        let job = try start(["heng", "submit", "--cores", "\(cores)", "--span", "--", "sleep", "1000"])
        try until("the job that holds all cores runs") { try phases() == ["RUNNING"] }
        return job
    }

    fileprivate func startBench(_ arguments: String...) throws -> Child {
        try start(
            ["heng", "bench", "run", "server", "--output", "run"] + arguments, with: ["XDG_CACHE_HOME": cache]
        )
    }
}

@Suite("heng bench", .timeLimit(.minutes(20)))
struct BenchCommandTests {
    /// Rules that depend on how busy the machine is; all others must be kept whatever else runs here.
    private let timed = [
        "duration.", "queries.", "rate.", "issue.", "latency.", "early.", "host.", "clock.", "audit.TEST04",
        "training.time", "time.floor",
    ]

    @Test func `a smoke run of everything leaves a record that holds against its raw samples`() throws {
        let sandbox = try Sandbox()
        let run = BenchRun(sandbox: sandbox, finished: try sandbox.startBench("--tier", "smoke").wait())
        let result = try run.result

        #expect(result.complete)
        #expect(run.finished.status == result.exitCode.rawValue, "\(run.finished.errors)")
        let served = ["single_stream", "server", "offline"]
        #expect(
            result.workloads.filter { $0.name != "digits" }.map { "\($0.name) \($0.scenario)" }
                == ["resnet50", "encoder"].flatMap { model in served.map { "\(model) \($0)" } })
        #expect(result.workloads.contains { $0.name == "digits" && $0.scenario == "train_to_target" })
        for workload in result.workloads {
            let broken = workload.validity.failures.filter { check in
                !timed.contains { check.rule.hasPrefix($0) }
            }
            #expect(broken.isEmpty, "\(workload.name) \(workload.scenario): \(broken)")
            #expect(workload.quality?.pass != false)
            #expect(workload.metrics.first?.value != nil)
        }
        try checkSamples(of: result, run)
        try checkFaces(of: result, run)
        #expect(try Set(sandbox.phases()) == ["COMPLETED"])
        #expect(try sandbox.processes() == [])
    }

    /// Throughput and hashes follow from the files alone.
    private func checkSamples(of result: RunResult, _ run: BenchRun) throws {
        let served = result.workloads.filter { $0.samples != nil }
        #expect(served.count == 6)
        for workload in served {
            let record = try #require(workload.samples)
            let hash = try run.sandbox.run(["sha256sum", run.file(record.file)])
            #expect(hash.output.hasPrefix(record.sha256))
            let samples = try SampleFile.read(run.file(record.file))
            #expect(samples.allSatisfy { $0.end != nil && $0.flags == [] })
            let last = try #require(samples.compactMap(\.end).max())
            let answers = Double(workload.scenario == "server" ? samples.count - 1 : samples.count)
            let metric = try #require(workload.metrics.first { $0.unit == "samples/s" })
            let claimed = try #require(metric.value)
            #expect(abs(claimed * Double(last) / 1e9 / answers - 1) < 1e-6)
        }
    }

    private func checkFaces(of result: RunResult, _ run: BenchRun) throws {
        let page = String(decoding: try DurableFile.read(run.file("report.html")), as: UTF8.self)
        #expect(page.components(separatedBy: "<svg").count - 1 >= 6)
        #expect(!page.contains("src=\"http") && !page.contains("href=\"http"))
        for name in ["resnet50", "encoder", "digits"] {
            #expect(page.contains(name))
            #expect(run.finished.lines.contains { $0.hasPrefix(name) })
        }
        #expect(run.finished.output.contains("NUMA node 0"))
        #expect(run.finished.lines.last == "The report is \(run.file("report.html"))")
        for (format, part) in [
            ("table", "Workload"), ("markdown", "| Workload |"), ("csv", "workload,scenario"),
            ("json", "\"run_id\""),
            ("html", "run/report.html"),
        ] {
            let report = try run.sandbox.heng("bench", "report", "run", "--format", format)
            #expect(report.status == 0 && report.errors == "")
            #expect(report.output.contains(part))
        }
    }

    @Test func `the digits alone, as JSON and without progress`() throws {
        let sandbox = try Sandbox()
        let run = try sandbox.startBench("--tier", "smoke", "--filter", "digits", "--quiet", "--json").wait()

        #expect(run.errors == "")
        let record = try #require(try json(run) as? [String: Any])
        #expect(record["complete"] as? Bool == true)
        #expect(record["suite"] as? String == "server")
        let workloads = try #require(record["workloads"] as? [[String: Any]])
        #expect(workloads.allSatisfy { $0["name"] as? String == "digits" })
    }

    @Test func `a run waits for the jobs of others, and never takes their cores`() throws {
        let sandbox = try Sandbox()
        let other = try sandbox.holdAllCores()

        let bench = try sandbox.startBench("--tier", "smoke", "--filter", "digits")
        try until("the run waits") { bench.errorsSoFar.contains("waits:") }
        #expect(try Set(sandbox.phases()) == ["RUNNING", "PENDING"])
        other.signal(SIGINT)
        _ = try other.wait()

        let run = try bench.wait()
        #expect(run.errors.contains("ceilings: node 0 reaches"))
        #expect(try ResultFile.read(sandbox.work + "/run/result.json").complete)
    }

    // MARK: Cut short

    /// A run whose replicas have begun to answer.
    private func serving(_ sandbox: Sandbox) throws -> Child {
        let bench = try sandbox.startBench("--tier", "quick", "--filter", "encoder")
        try until("the replicas answer") { bench.errorsSoFar.contains("encoder: single_stream for") }
        return bench
    }

    private func expectPartial(_ sandbox: Sandbox, because reason: String) throws {
        let result = try ResultFile.read(sandbox.work + "/run/result.json")
        #expect(!result.complete)
        #expect(result.incompleteReason?.contains(reason) == true, "\(result.incompleteReason ?? "")")
        #expect(ResultTableFace(sandbox).lastLine.hasPrefix("INCOMPLETE"))
        #expect(try sandbox.processes() == [])
        #expect(
            try sandbox.phases().allSatisfy {
                !["RUNNING", "PENDING", "LAUNCHING", "COMPLETING"].contains($0)
            })
    }

    @Test(arguments: [SIGINT, SIGTERM]) func `an interrupt leaves a partial record and no process`(
        signal: Int32
    ) throws {
        let sandbox = try Sandbox()
        let bench = try serving(sandbox)

        bench.signal(signal)
        let run = try bench.wait()

        #expect(run.status == 130)
        #expect(run.errorLines.last?.contains("marked incomplete") == true)
        try expectPartial(sandbox, because: "interrupted")
        #expect(try sandbox.phases().last == "CANCELLED")
    }

    @Test func `a run that is killed leaves the same`() throws {
        let sandbox = try Sandbox()
        let bench = try serving(sandbox)

        bench.signal(SIGKILL)
        _ = try bench.wait()

        try until("its jobs are gone") { try sandbox.processes() == [] }
        try expectPartial(sandbox, because: "has not ended")
    }

    @Test func `a replica that dies ends the run with its name and its end`() throws {
        let sandbox = try Sandbox()
        let bench = try serving(sandbox)
        let replica = try #require(
            try sandbox.processes().last {
                let line = FileManager.default.contents(atPath: "/proc/\($0)/cmdline") ?? Data()
                let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                return words.dropFirst().starts(with: ["bench-worker", "serve"])
            })

        kill(replica, SIGKILL)
        let run = try bench.wait()

        #expect(run.status == 4)
        #expect(
            run.errorLines.last?.hasPrefix("heng: The job encoder-replicas failed: ") == true, "\(run.errors)"
        )
        #expect(run.errorLines.last?.contains("SIGKILL") == true, "\(run.errors)")
        try expectPartial(sandbox, because: "encoder-replicas")
    }

    @Test func `a budget that is used up ends the run as undecided`() throws {
        let sandbox = try Sandbox()
        let other = try sandbox.holdAllCores()

        let run = try sandbox.startBench("--tier", "smoke", "--filter", "digits", "--budget", "1s").wait()

        #expect(run.status == 5)
        #expect(run.errorLines.last?.contains("The budget is used up") == true)
        #expect(try !ResultFile.read(sandbox.work + "/run/result.json").complete)
        #expect(try sandbox.phases() == ["RUNNING", "CANCELLED"])
        other.signal(SIGINT)
        _ = try other.wait()
    }
}

/// What `heng bench report` says of a partial run.
private struct ResultTableFace {
    let lastLine: String

    init(_ sandbox: Sandbox) {
        // A report that cannot be made shows as an empty line.
        lastLine = (try? sandbox.heng("bench", "report", "run"))?.lines.last ?? ""
    }
}
