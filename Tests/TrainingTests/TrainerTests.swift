import AcceleratorAPI
import Backends
import Collectives
import ComputeGraph
import Foundation
import Synchronization
import Testing
import Training

@Suite("Training", .serialized)
struct TrainerTests {
    static let plan = TrainingPlan(
        batchSize: 32, steps: 900, optimizer: .sgd(momentum: 0.9),
        schedule: .cosine(peak: 0.1, warmUpSteps: 50, steps: 900), seed: 7, evaluationInterval: 100)

    static func trainer(
        _ model: Classifier, _ plan: TrainingPlan = plan, ranks: (any Communicator)? = nil
    ) throws -> Trainer {
        let device = try Backends.devices()[0]
        return try Trainer(
            model, plan: plan, device: device, kernels: Backends.kernels(for: device), ranks: ranks)
    }

    static func shortPlan(steps: Int, _ optimizer: Optimizer = .sgd()) -> TrainingPlan {
        TrainingPlan(
            batchSize: 32, steps: steps, optimizer: optimizer,
            schedule: .cosine(peak: 0.02, warmUpSteps: 5, steps: 40), seed: 3, evaluationInterval: 10)
    }

    @Test(arguments: [Classifier.digitsPerceptron, .digitsConvolutional])
    func `digits reach 97 percent on held-out images, twice with the same bits`(model: Classifier) throws {
        let digits = try DigitsDataset.load()

        let runs = try (0..<2).map { _ in
            let trainer = try Self.trainer(model)
            let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)
            return (history, try trainer.checkpoint().bytes)
        }

        let accuracy = try #require(runs[0].0.accuracy)
        print("\(model.name): held-out accuracy \(accuracy) after \(runs.map(\.0.seconds)) s")
        #expect(accuracy >= 0.97)
        #expect(runs[0].1 == runs[1].1)
        #expect(runs[0].0.records.map(\.loss) == runs[1].0.records.map(\.loss))
    }

    @Test func `a run stops at its target accuracy`() throws {
        let digits = try DigitsDataset.load()
        var plan = Self.plan
        plan.targetAccuracy = 0.9
        let trainer = try Self.trainer(.digitsPerceptron, plan)

        let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)

        let accuracy = try #require(history.accuracy)
        #expect(accuracy >= 0.9)
        #expect(history.records.count < plan.steps)
        #expect(try trainer.accuracy(on: digits.heldOut) == accuracy)
    }

    @Test(arguments: [Optimizer.sgd(usesNesterov: true), .adam(), .adamW()])
    func `a resumed run ends with the bits of one that never stopped`(optimizer: Optimizer) throws {
        let digits = try DigitsDataset.load()
        let folder = try TemporaryFolder()
        let through = try Self.trainer(.digitsPerceptron, Self.shortPlan(steps: 40, optimizer))
        _ = try through.train(on: digits.training, heldOut: digits.heldOut)
        let first = try Self.trainer(.digitsPerceptron, Self.shortPlan(steps: 17, optimizer))
        _ = try first.train(on: digits.training, heldOut: digits.heldOut)
        try first.checkpoint().write(to: folder.path("checkpoint"))

        let second = try Self.trainer(.digitsPerceptron, Self.shortPlan(steps: 40, optimizer))
        try second.resume(from: Checkpoint(readingFrom: folder.path("checkpoint")))
        let history = try second.train(on: digits.training, heldOut: digits.heldOut)

        #expect(history.records.first?.step == 18)
        #expect(try second.checkpoint().bytes == through.checkpoint().bytes)
    }

    @Test func `a checkpoint of another model, optimizer or seed is refused`() throws {
        let plan = Self.shortPlan(steps: 1)
        let checkpoint = try Self.trainer(.digitsPerceptron, plan).checkpoint()
        var otherSeed = plan
        otherSeed.seed = 4

        for other in [
            try Self.trainer(.digitsConvolutional, plan),
            try Self.trainer(.digitsPerceptron, Self.shortPlan(steps: 1, .adam())),
            try Self.trainer(.digitsPerceptron, otherSeed),
        ] {
            #expect(throws: TrainingError.self) { try other.resume(from: checkpoint) }
        }
        var incomplete = checkpoint
        incomplete.tensors["hidden.bias"] = nil
        let error = #expect(throws: TrainingError.self) {
            try Self.trainer(.digitsPerceptron, plan).resume(from: incomplete)
        }
        #expect(error?.summary.contains("hidden.bias is missing") == true)
    }

    @Test func `a training that diverges ends with a sentence`() throws {
        let digits = try DigitsDataset.load()
        var plan = Self.shortPlan(steps: 40)
        plan.schedule = .constant(1e30)
        let trainer = try Self.trainer(.digitsPerceptron, plan)

        let error = #expect(throws: TrainingError.self) {
            try trainer.train(on: digits.training, heldOut: digits.heldOut)
        }

        #expect(error?.summary.contains("diverged") == true)
    }

    @Test func `two ranks follow the loss of one within the order of sums`() throws {
        let digits = try DigitsDataset.load()
        let plan = Self.shortPlan(steps: 30)
        let alone = try Self.trainer(.digitsPerceptron, plan).train(
            on: digits.training, heldOut: digits.heldOut)

        let folder = try TemporaryFolder()
        let region = try SharedCommunicator.createRegion(path: folder.path("ranks"), worldSize: 2)
        let ranks = try onThreads(2) { rank in
            let communicator = try SharedCommunicator(region: region, rank: rank)
            let trainer = try Self.trainer(.digitsPerceptron, plan, ranks: communicator)
            let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)
            return (history.records.map(\.loss), try trainer.checkpoint().bytes)
        }

        #expect(ranks[0].0 == ranks[1].0)
        #expect(ranks[0].1 == ranks[1].1)
        for (one, two) in zip(alone.records.map(\.loss), ranks[0].0) {
            #expect(Exactness.accumulated(terms: plan.batchSize * plan.steps).agrees(two, one))
        }
    }
}

/// Runs the body once per rank, each on a thread of its own, and returns what each returned.
private func onThreads<Answer: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Answer
) throws -> [Answer] {
    let answers = Mutex<[Int: Swift.Result<Answer, any Error>]>([:])
    let threads = DispatchGroup()
    for rank in 0..<count {
        threads.enter()
        Thread.detachNewThread {
            let answer = Swift.Result { try body(rank) }
            answers.withLock { $0[rank] = answer }
            threads.leave()
        }
    }
    threads.wait()
    return try answers.withLock { answers in try answers.sorted { $0.key < $1.key }.map { try $0.value.get() }
    }
}
