import BenchmarkSuite
import Essentials
import Foundation
import LoadGeneration
import MachineAgent
import Results
import Testing

@Suite("What ends a run early")
struct RunStopperTests {
    /// Blocks until the jobs of the run are told to stop.
    private func waitForStop(_ stopper: RunStopper) throws {
        #expect(stopper.jobs.wait(or: try LedgerInterrupt(), until: .monotonicNow() + .seconds(60)) == .this)
    }

    @Test func `the user ends generators, jobs and the run`() throws {
        let user = try LedgerInterrupt()
        let stopper = try RunStopper(user: user, deadline: .monotonicNow() + .seconds(600))
        #expect(stopper.why == nil)
        #expect(!stopper.load.isSet)

        user.trigger()
        try waitForStop(stopper)

        #expect(stopper.why == .interrupted)
        #expect(stopper.load.isSet)
    }

    @Test func `so does the end of the budget`() throws {
        let stopper = try RunStopper(user: LedgerInterrupt(), deadline: .monotonicNow() + .milliseconds(5))
        try waitForStop(stopper)

        #expect(stopper.why == .overBudget)
        let error = RunStopped(reason: .overBudget, folder: "/tmp/run")
        #expect(error.exitCode == .inconclusive)
        #expect(error.summary.contains("/tmp/run/result.json"))
        #expect(RunStopped(reason: .interrupted, folder: "x").exitCode == .interrupted)
    }
}

@Suite("Run folder")
struct RunFolderTests {
    private func scratch() -> String { NSTemporaryDirectory() + "heng-run-\(UUID().uuidString)" }

    @Test func `a folder is made with its parents, and a result in it is never overwritten`() throws {
        let root = scratch()
        defer { try? FileManager.default.removeItem(atPath: root) }
        let folder = try RunFolder(root + "/a/b", suite: "server", tier: .quick, at: .wallNow())
        #expect(folder.path == root + "/a/b")
        try DurableFile.write([1], to: folder.file("result.json"))

        let error = #expect(throws: Failure.self) {
            try RunFolder(root + "/a/b", suite: "server", tier: .quick, at: .wallNow())
        }
        #expect(error?.exitCode == .wrongUse)
        #expect(error?.nextStep?.contains("--output") == true)
    }

    @Test func `a place where no folder can be is one sentence`() throws {
        let error = #expect(throws: Failure.self) {
            try RunFolder("/proc/nowhere/run", suite: "server", tier: .quick, at: .wallNow())
        }
        #expect(error?.exitCode == .setupMissing)
    }
}

@Suite("Suite rules")
struct SuiteRulesTests {
    @Test func `the suite that is compiled in has every tier, and its hash is that of the file`() throws {
        let rules = try SuiteRules.load("server")
        #expect(rules.record.sha256.count == 64)
        for tier in Tier.allCases {
            let own = try rules.rules(for: tier)
            #expect(own.accuracySamples > 0 && own.scenarioSeconds > 0 && own.trainingRuns > 0)
        }
        #expect(try rules.rules(for: .full).accuracySamples >= 5000)
        #expect(rules.training.targetAccuracy >= 0.97)
        #expect(rules.inference.allSatisfy { $0.accuracyFraction >= 0.99 })
    }

    @Test func `another name is wrong use, with a next step`() {
        let error = #expect(throws: Failure.self) { try SuiteRules.load("nosuch") }
        #expect(error?.exitCode == .wrongUse)
        #expect(error?.nextStep?.contains("heng bench list") == true)
    }
}
