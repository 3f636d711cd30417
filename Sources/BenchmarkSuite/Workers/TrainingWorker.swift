internal import AcceleratorAPI
internal import Backends
internal import Collectives
internal import ComputeGraph
internal import Essentials
internal import Training

/// What a training process reports.
struct TrainingAnswer: Codable {
    var history: TrainingHistory
    /// From the first touch of the data to the end.
    var seconds: Double
    var seed: UInt64
    var ranks: Int
    /// Over all ranks.
    var batchSize: Int
    var heldOutCount: Int
    var dataSHA256: String
    /// The operations of a step forward and backward, and the bytes that it must move, for each of its samples.
    var flopPerSample: Double
    var bytesPerSample: Double
}

enum TrainingWorker {
    /// Every rank trains; the first one reports.
    static func run(seed: UInt64, target: Double?, steps: Int?, answer: String) throws {
        let start = TimePoint.monotonicNow()
        let context = try RankContext.fromEnvironment()
        let ranks: (any Communicator)? = try context?.joinCommunicator()
        let device = try ownDevice()
        let digits = try DigitsDataset.load()
        var plan = TrainingPlan.digits(seed: seed, targetAccuracy: target)
        if let steps { plan.steps = steps }
        let trainer = try Trainer(
            .digitsPerceptron, plan: plan, device: device, kernels: try Backends.kernels(for: device),
            ranks: ranks)
        let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)
        guard (context?.rank ?? 0) == 0 else { return }
        let step = try Classifier.digitsPerceptron.gradientGraph(batchSize: plan.batchSize)
        let seconds = (TimePoint.monotonicNow() - start).inSeconds
        try WorkerAnswer.write(
            TrainingAnswer(
                history: history, seconds: seconds, seed: seed, ranks: context?.worldSize ?? 1,
                batchSize: plan.batchSize, heldOutCount: digits.heldOut.count, dataSHA256: hash(of: digits),
                flopPerSample: Double(step.floatingPointOperations) / Double(plan.batchSize),
                bytesPerSample: Double(step.compulsoryBytes) / Double(plan.batchSize)),
            to: answer)
    }

    private static func hash(of digits: DigitsDataset) -> String {
        var hash = ContentHash()
        for part in [digits.training, digits.heldOut] {
            hash.update(part.samples)
            hash.update(part.labels)
        }
        return hash.hexadecimal
    }
}
