import Conformance
import DeviceConformance
import Essentials
import Foundation
import TestSupport
import Testing

/// A worker in the language of the shell: what it does with a case depends on the case's name.
private let worker = """
    echo '{}'
    while read -r line; do
      case "$line" in
      *test_segmentation*) kill -SEGV $$ ;;
      *test_message*) echo 'the index   is out of range' >&2; kill -ABRT $$ ;;
      *test_exit*) exit 3 ;;
      *test_hang*) exec sleep 1000 ;;
      *test_nonsense*) echo nonsense ;;
      *test_fail*) echo '{"outcome":"fail","reason":"It is wrong.","seconds":0.25,"strict":false,"standard":true}' ;;
      *test_threads*) echo "{\\"outcome\\":\\"pass\\",\\"seconds\\":1,\\"digest\\":$HENG_THREADS}" ;;
      *) echo '{"outcome":"pass","seconds":0.5,"strict":true,"standard":true,"worst_ulp":3,"nmse":0.5}' ;;
      esac
    done
    """

private func program(_ script: String = worker) -> WorkerProgram {
    WorkerProgram(path: "/bin/sh", arguments: ["-c", script])
}

private func someCase(_ name: String) -> ConformanceCase {
    ConformanceCase(name: name, group: .node, model: "/nowhere/\(name)", data: .folders([]))
}

private func reports(
    _ names: [String], count: Int = 2, timeLimit: Duration = .seconds(60)
) throws -> [CaseReport] {
    try WorkerPool<ConformanceCase, CaseReport>(program(), count: count, timeLimit: timeLimit).run(
        names.map(someCase))
}

@Suite("Workers", .timeLimit(.minutes(20)))
struct WorkerPoolTests {
    @Test func `reports come in the order of the cases`() throws {
        let reports = try reports(["test_a", "test_fail", "test_b"])

        #expect(reports.map(\.outcome) == [.pass, .fail("It is wrong."), .pass])
        #expect(reports[1].passes == [.strict: false, .standard: true])
        #expect(reports[0].worstSteps == 3)
        #expect(reports[0].worstError == 0.5)
        #expect(reports[0].seconds == 0.5)
    }

    @Test func `a crash is the failure of its case alone`() throws {
        let reports = try reports([
            "test_a", "test_segmentation", "test_b", "test_message", "test_exit", "test_c",
        ])

        #expect([0, 2, 5].allSatisfy { reports[$0].outcome == .pass })
        #expect(
            reports[1].outcome
                == .crashed("The process was ended by signal 11 (Segmentation fault)."))
        #expect(
            reports[3].outcome
                == .crashed("The process was ended by signal 6 (Aborted): the index is out of range"))
        #expect(reports[4].outcome == .crashed("The process ended with the exit code 3."))
    }

    @Test func `a case that takes too long is ended, and the rest goes on`() throws {
        let reports = try reports(["test_a", "test_hang", "test_b"], count: 1, timeLimit: .seconds(1))

        #expect(reports.map(\.outcome.word) == [.pass, .timedOut, .pass])
        #expect(reports[1].outcome.reason == "It was not done after 1.00 s.")
    }

    @Test func `an answer that is no report is a crash`() throws {
        let reports = try reports(["test_nonsense", "test_a"], count: 1)

        #expect(reports.map(\.outcome.word) == [.crashed, .pass])
    }

    @Test func `a worker that never gets ready ends the run`() throws {
        let pool = WorkerPool<ConformanceCase, CaseReport>(
            program("echo no memory >&2; exit 7"), count: 2, timeLimit: .seconds(60))

        let error = try #require(throws: Failure.self) { try pool.run([someCase("test_a")]) }

        #expect(error.summary.contains("exit code 7: no memory"))
    }

    @Test func `a program that is not there ends the run`() throws {
        let missing = WorkerProgram(path: "/no/such/program", arguments: [])

        let error = try #require(throws: Failure.self) {
            try WorkerPool<ConformanceCase, CaseReport>(missing, count: 1, timeLimit: .seconds(60)).run([
                someCase("test_a")
            ])
        }

        #expect(error.exitCode == .setupMissing)
    }

    @Test func `excluded cases are not run`() throws {
        let pool = WorkerPool<ConformanceCase, CaseReport>(
            program(), count: 1, timeLimit: .seconds(60),
            exclusion: { $0 == "test_segmentation" ? "Because." : nil })

        let reports = try pool.run([someCase("test_segmentation"), someCase("test_a")])

        #expect(reports.map(\.outcome) == [.excluded("Because."), .pass])
    }

    @Test func `after an interruption the rest is not run`() throws {
        let names = (0..<20).map { "test_\($0)" }
        var told = 0
        let isInterrupted = Counter()
        let pool = WorkerPool<ConformanceCase, CaseReport>(
            program(), count: 1, timeLimit: .seconds(60), isInterrupted: { isInterrupted.value >= 3 })

        let reports = try pool.run(names.map(someCase)) { _, _ in
            told += 1
            isInterrupted.value += 1
        }

        #expect(told == 3)
        #expect(reports.count { $0.outcome == .pass } == 3)
        #expect(reports.count { $0.outcome.word == .notRun } == 17)
    }

    @Test func `a hanging case is interrupted too`() throws {
        let start = TimePoint.monotonicNow()
        let pool = WorkerPool<ConformanceCase, CaseReport>(
            program(), count: 1, timeLimit: .seconds(600),
            isInterrupted: { TimePoint.monotonicNow() - start > .seconds(1) })

        let reports = try pool.run([someCase("test_hang")])

        #expect(reports.map(\.outcome.word) == [.notRun])
    }

    @Test(arguments: propertySeeds.prefix(10))
    func `whatever happens to the others, every case gets its own report`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let kinds: [(name: String, word: CaseOutcome.Word)] = [
            ("test_a", .pass), ("test_fail", .fail), ("test_segmentation", .crashed), ("test_exit", .crashed),
            ("test_nonsense", .crashed),
        ]
        let chosen = (0..<20).map { _ in random.pick(kinds) }

        let reports = try reports(chosen.map(\.name), count: 1 + random.below(3))

        #expect(reports.map(\.outcome.word) == chosen.map(\.word))
    }
}

private final class Counter {
    var value = 0
}

@Suite("Runs", .timeLimit(.minutes(20)))
struct ConformanceRunTests {
    private func results(
        _ names: [String], modes: [ConformanceMode], threads: [Int] = [1, 2]
    ) throws -> [CaseResult] {
        let options = ConformanceOptions(
            folder: "/my cases", modes: modes, rule: .standard, timeLimit: .seconds(60), memoryLimit: nil,
            workers: 2, threadCounts: threads)
        return try ConformanceRun(options, program: { _ in program() }).results(of: names.map(someCase))
    }

    @Test func `every case is run in every mode`() throws {
        let results = try results(["test_a", "test_fail"], modes: [.asIs, .symbolic])

        #expect(results.map(\.mode) == [.asIs, .asIs, .symbolic, .symbolic])
        #expect(results.map(\.name) == ["test_a", "test_fail", "test_a", "test_fail"])
    }

    @Test func `a result says how to repeat it`() throws {
        let results = try results(["test_fail"], modes: [.constants])

        #expect(
            results.first?.command
                == "heng conform onnx --cases '/my cases' --filter '^test_fail$' --mode constants "
                + "--tolerance standard")
    }

    @Test func `outputs of other bits on other threads are a failure`() throws {
        let results = try results(["test_threads", "test_a"], modes: [.threads])

        #expect(
            results.map(\.outcome) == [
                .fail("The outputs on 2 threads have not the same bits as those on 1."), .pass,
            ])
        #expect(results[0].report.seconds == 2)
    }

    @Test func `a crash on some threads is worse than other bits`() throws {
        let results = try results(["test_segmentation", "test_fail"], modes: [.threads], threads: [1, 2, 4])

        #expect(results.map(\.outcome.word) == [.crashed, .fail])
    }

    @Test func `one, two and all threads, as far as they are there`() {
        #expect(ConformanceOptions.threadCounts(processors: 1) == [1])
        #expect(ConformanceOptions.threadCounts(processors: 2) == [1, 2])
        #expect(ConformanceOptions.threadCounts(processors: 64) == [1, 2, 64])
    }
}
