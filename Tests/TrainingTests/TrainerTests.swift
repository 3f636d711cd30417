import AcceleratorAPI
import Backends
import Collectives
import ComputeGraph
import Execution
import Foundation
import Synchronization
import TestSupport
import Testing
import Training

@Suite("Training", .serialized)
struct TrainerTests {
    static let plan = TrainingPlan.digits(seed: 7)

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

    @Test(arguments: propertySeeds.prefix(8)) func `every seed reaches 97 percent`(seed: UInt64) throws {
        let digits = try DigitsDataset.load()
        let trainer = try Self.trainer(.digitsPerceptron, .digits(seed: seed, targetAccuracy: 0.97))

        let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)

        let accuracy = try #require(history.accuracy)
        print("seed \(seed): \(accuracy) after \(history.records.count) steps and \(history.seconds) s")
        #expect(accuracy >= 0.97)
    }

    @Test(arguments: [Classifier.digitsPerceptron, .digitsConvolutional])
    func `a step on the device moves the parameters as the references do`(model: Classifier) throws {
        let digits = try DigitsDataset.load()
        let plan = Self.shortPlan(steps: 1, .sgd(weightDecay: 0.01))
        var loader = try DataLoader(count: digits.training.count, batchSize: plan.batchSize, seed: plan.seed)
        let gradientGraph = try model.gradientGraph(batchSize: plan.batchSize)
        let named = gradientGraph.parameters.map { (gradientGraph.name(of: $0), gradientGraph.type(of: $0)) }
        let update = try UpdateGraph(plan.optimizer, parameters: named)
        var parameters = gradientGraph.initialParameters(seed: plan.seed)
        for (name, type) in named { parameters["\(name)@velocity"] = HostTensor(zeros: type) }
        let gradients = try ReferenceInterpreter.run(
            gradientGraph, inputs: digits.training.batch(at: loader.shard(atStep: 0)), parameters: parameters)
        let expected = try ReferenceInterpreter.run(
            update.graph,
            inputs: [
                .scalar(Float(plan.schedule.rate(atStep: 0))),
                HostTensor(TensorType(.int64, []), integers: [1]),
            ] + gradients.dropFirst(), parameters: parameters)

        let trainer = try Self.trainer(model, plan)
        let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)

        let exactness = Exactness.accumulated(terms: plan.batchSize * 64)
        #expect(exactness.agrees(try #require(history.records.last).loss, gradients[0].doubles[0]))
        for (name, tensor) in zip(update.assignedParameters, expected) {
            let difference = exactness.firstDifference(try trainer.parameters.value(of: name), from: tensor)
            #expect(difference == nil, "\(name): \(difference.map(String.init(describing:)) ?? "")")
        }
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

extension ClassificationData {
    /// The samples and labels at the given places as tensors.
    fileprivate func batch(at places: ArraySlice<Int>) -> [HostTensor] {
        var samples = HostTensor(zeros: TensorType(.float32, Shape([places.count] + sampleShape.extents)))
        var labels = HostTensor(zeros: TensorType(.int64, [places.count]))
        samples.withMutableElements(Float.self) { copySamples(at: places, to: &$0) }
        labels.withMutableElements(Int64.self) { copyLabels(at: places, to: &$0) }
        return [samples, labels]
    }
}
