package import AcceleratorAPI
package import Collectives
internal import ComputeGraph
internal import Essentials
package import Execution
package import KernelInterface

/// Trains a classifier on one device, alone or as one of several ranks.
///
/// Two executables share the parameters: one computes the loss and its gradients, one turns gradients into new
/// parameters in place. Between them the mean of the ranks' gradients is taken; every rank gets the same bits, so
/// that their parameters stay equal. Everything a step needs is a function of the seed and the step, so the same
/// seed gives the same bits on the same device, also across a checkpoint.
///
///     let trainer = try Trainer(.digitsPerceptron, plan: plan, device: device, kernels: kernels)
///     let history = try trainer.train(on: digits.training, heldOut: digits.heldOut)
package final class Trainer {
    package let model: Classifier
    package let plan: TrainingPlan
    /// The model's parameters and the optimizer's state.
    package let parameters: ParameterSet
    /// Steps done since the first start, over all resumptions.
    package private(set) var step = 0

    private let gradients: Session
    private let updates: Session
    private let scores: Executable
    private let ranks: (any Communicator)?
    private var flatGradients: FlatGradients

    /// Prepares all executables and gives the parameters their first values.
    package init(
        _ model: Classifier, plan: TrainingPlan, device: Device, kernels: any KernelProvider,
        ranks: (any Communicator)? = nil
    ) throws {
        let rankCount = ranks?.worldSize ?? 1
        guard plan.steps >= 1, plan.evaluationInterval >= 1, plan.batchSize % rankCount == 0,
            plan.batchSize >= rankCount
        else {
            throw TrainingError.invalidPlan(
                "A run has at least one step, evaluates after one or more, and its batch of \(plan.batchSize) "
                    + "divides among \(rankCount) ranks.")
        }
        guard device.description.isHostAddressable else {
            throw TrainingError.invalidPlan(
                "\(device.id) keeps its memory to itself, and training fills its inputs from the host.")
        }
        let gradientGraph = try model.gradientGraph(batchSize: plan.batchSize / rankCount)
        let named = gradientGraph.parameters.map { (gradientGraph.name(of: $0), gradientGraph.type(of: $0)) }
        let update = try UpdateGraph(plan.optimizer, parameters: named)
        let assignments = update.assignedParameters.enumerated().map {
            Executable.Assignment(output: $0.offset, parameter: $0.element)
        }
        let changing = Executable.Options(parametersAreFrozen: false)
        self.model = model
        self.plan = plan
        self.ranks = ranks
        flatGradients = FlatGradients(
            parameterCount: named.count, elementCount: named.reduce(0) { $0 + $1.1.shape.count })
        parameters = try ParameterSet(for: [gradientGraph, update.graph], on: device)
        try parameters.load(gradientGraph.initialParameters(seed: plan.seed))
        gradients = try Session(
            Executable(graph: gradientGraph, device: device, kernels: kernels, options: changing),
            parameters: parameters)
        updates = try Session(
            Executable(graph: update.graph, device: device, kernels: kernels, assignments: assignments),
            parameters: parameters)
        scores = try Executable(
            graph: try model.scoreGraph(batchSize: Trainer.evaluationBatchSize), device: device,
            kernels: kernels, options: changing)
    }

    private static let evaluationBatchSize = 128
}

extension Trainer {
    /// Trains up to the plan's last step, or until the target accuracy is reached.
    ///
    /// `observe` sees every record as it is made, and may end the run by throwing.
    package func train(
        on data: ClassificationData, heldOut: ClassificationData,
        observe: (TrainingRecord) throws -> Void = { _ in }
    ) throws -> TrainingHistory {
        let evaluation = try Evaluation(of: scores, parameters: parameters, on: heldOut)
        var loader = try DataLoader(
            count: data.count, batchSize: plan.batchSize, seed: plan.seed, rank: ranks?.rank ?? 0,
            rankCount: ranks?.worldSize ?? 1)
        var history = TrainingHistory()
        let start = TimePoint.monotonicNow()
        while step < plan.steps {
            let rate = plan.schedule.rate(atStep: step)
            let loss = try runStep(loader.shard(atStep: step), of: data, learningRate: rate)
            var record = TrainingRecord(step: step, loss: loss, learningRate: rate, seconds: 0)
            if step % plan.evaluationInterval == 0 || step == plan.steps {
                record.accuracy = try evaluation.accuracy()
            }
            record.seconds = (TimePoint.monotonicNow() - start).inSeconds
            history.records.append(record)
            try observe(record)
            if let accuracy = record.accuracy, let target = plan.targetAccuracy, accuracy >= target { break }
        }
        return history
    }

    /// The share of samples whose highest score is at their label.
    package func accuracy(on data: ClassificationData) throws -> Double {
        try Evaluation(of: scores, parameters: parameters, on: data).accuracy()
    }

    /// Does one step on the given samples and returns their loss.
    private func runStep(
        _ places: ArraySlice<Int>, of data: ClassificationData, learningRate: Double
    ) throws -> Double {
        gradients.withInput(0, as: Float.self) { data.copySamples(at: places, to: &$0) }
        gradients.withInput(1, as: Int64.self) { data.copyLabels(at: places, to: &$0) }
        try gradients.run()
        flatGradients.gather(from: gradients)
        if let ranks { try flatGradients.average(over: ranks) }
        let loss = flatGradients.scatter(to: updates)
        guard loss.isFinite else { throw TrainingError.diverged(step: step) }
        step += 1
        updates.withInput(0, as: Float.self) { $0[0] = Float(learningRate) }
        updates.withInput(1, as: Int64.self) { $0[0] = Int64(step) }
        try updates.run()
        return loss
    }
}

extension Trainer {
    /// The state from which `resume` goes on exactly as this run would.
    package func checkpoint() throws -> Checkpoint {
        Checkpoint(
            model: model.name, optimizer: "\(plan.optimizer)", seed: plan.seed, step: step,
            tensors: try parameters.values())
    }

    /// Takes over a state that a run of the same model, optimizer and seed has saved.
    package func resume(from checkpoint: Checkpoint) throws {
        func require(_ what: String, _ saved: String, _ own: String) throws(TrainingError) {
            guard saved == own else {
                throw .otherModel(reason: "its \(what) is \(saved), and this run's is \(own)")
            }
        }
        try require("model", checkpoint.model, model.name)
        try require("optimizer", checkpoint.optimizer, "\(plan.optimizer)")
        try require("seed", "\(checkpoint.seed)", "\(plan.seed)")
        for (name, type) in parameters.types.sorted(by: { $0.key < $1.key }) {
            try require(
                "tensor \(name)", checkpoint.tensors[name].map { "\($0.type)" } ?? "missing", "\(type)")
        }
        for name in checkpoint.tensors.keys.sorted() where parameters.types[name] == nil {
            throw TrainingError.otherModel(reason: "it has a tensor \(name) that this run lacks")
        }
        try parameters.load(checkpoint.tensors)
        step = checkpoint.step
    }
}
