import Backends
import BenchmarkSuite
import Essentials
import LoadGeneration
import Results
import Testing

/// A model of one GFLOP per sample whose weights are 100 MB; a batch of 8 moves 160 MB.
private func model(labels: [Int32] = [], reference: Double = 0.9, hasSameClasses: Bool = true)
    -> PreparationAnswer
{
    PreparationAnswer(
        version: "1", modelSHA256: "m", dataSHA256: "d", weightCount: 25_000_000, labels: labels,
        referenceAccuracy: reference, flopPerSample: 1e9, bytesAlone: 1e8, bytesPerBatch: 1.6e8, batch: 8,
        agreement: Agreement(samples: 2, largestDifference: 1e-7, hasSameClasses: hasSameClasses), seconds: 1)
}

private func node(_ operations: Double, _ bytes: Double) -> MeasuredCeilings {
    MeasuredCeilings(
        device: DeviceID(kind: "cpu", index: 0), operationsPerSecond: operations, matrixProduct: operations,
        bytesPerSecond: bytes, how: "told")
}

@Suite("Bounds of a model's work")
struct WorkBoundsTests {
    @Test func `the slower of arithmetic and memory decides`() {
        let one = WorkBounds(model(), ceilings: [node(100e9, 10e9)], shareOfNode: 0.5)
        // Half of 100 GFLOP/s takes 20 ms for a GFLOP; 100 MB at 10 GB/s take 10 ms.
        #expect(abs(one.secondsAlone - 0.02) < 1e-12)
        // In a batch a sample moves 20 MB in 2 ms, and 10 ms of arithmetic decide.
        #expect(abs(one.rate - 100) < 1e-9)

        let narrow = WorkBounds(model(), ceilings: [node(100e9, 1e9)], shareOfNode: 0.5)
        #expect(abs(narrow.secondsAlone - 0.1) < 1e-12)
        #expect(abs(narrow.rate - 50) < 1e-9)
    }

    @Test func `nodes add up, and one sample alone is on the fastest`() {
        let two = WorkBounds(model(), ceilings: [node(100e9, 10e9), node(200e9, 10e9)], shareOfNode: 1)
        #expect(abs(two.rate - 300) < 1e-9)
        #expect(abs(two.secondsAlone - 0.01) < 1e-12)
    }
}

@Suite("Judgement of an accuracy run")
struct AccuracyJudgementTests {
    /// A run over 100 samples of class 3, of which the first `right` are answered so.
    private func judgement(
        right: Int, reference: Double = 0.9, hasSameClasses: Bool = true, answered: Int = 100
    ) -> AccuracyJudgement {
        let samples = (0..<100).map { index in
            IssuedSample(
                sample: Int32(index), scheduled: 0, issued: 0, end: index < answered ? 1000 : nil,
                result: index < right ? 3 : 4)
        }
        let facts = LoadFacts(
            settings: LoadSettings(
                scenario: .singleStream, mode: .accuracy, minimumDuration: .zero, minimumQueries: 1,
                seeds: RunSeeds(data: 1, order: 2, schedule: 3, challenge: 4)),
            systemName: "told", libraryName: "threes", librarySize: 100, samples: samples,
            elapsed: .seconds(1),
            elapsedOnSystemClock: .seconds(1))
        return AccuracyJudgement(
            facts,
            model: model(
                labels: [Int32](repeating: 3, count: 100), reference: reference,
                hasSameClasses: hasSameClasses),
            fraction: 0.99)
    }

    private func failures(_ judgement: AccuracyJudgement) -> [String] {
        judgement.checks.filter { !$0.pass }.map(\.rule)
    }

    @Test func `99 % of the reference passes, and a little less does not`() {
        let good = judgement(right: 90)
        #expect(good.quality.value == 0.9)
        #expect(abs(good.quality.target - 0.891) < 1e-12)
        #expect(good.quality.pass)
        #expect((good.quality.low ?? 1) < 0.9 && (good.quality.high ?? 0) > 0.9)
        #expect(failures(good) == [])

        #expect(failures(judgement(right: 89)) == ["quality.target"])
    }

    @Test func `a sample without an answer is a wrong one, and is named`() {
        let holes = judgement(right: 100, reference: 1, answered: 99)
        #expect(holes.quality.value == 0.99)
        #expect(failures(holes) == ["accuracy-run.completion.all"])
    }

    @Test func `outputs other than the reference's fail however right they are`() {
        #expect(failures(judgement(right: 100, hasSameClasses: false)) == ["outputs.reference"])
    }
}
