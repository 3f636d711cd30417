/// What a training run does, apart from its model and its data.
package struct TrainingPlan: Sendable {
    /// Samples per step, over all ranks.
    package var batchSize: Int
    /// Steps at most.
    package var steps: Int
    package var optimizer: Optimizer
    package var schedule: LearningRateSchedule
    package var seed: UInt64
    /// Steps between evaluations on held-out data; the last step is always evaluated.
    package var evaluationInterval: Int
    /// Held-out accuracy at which the run stops early.
    package var targetAccuracy: Double?

    package init(
        batchSize: Int, steps: Int, optimizer: Optimizer, schedule: LearningRateSchedule, seed: UInt64,
        evaluationInterval: Int, targetAccuracy: Double? = nil
    ) {
        self.batchSize = batchSize
        self.steps = steps
        self.optimizer = optimizer
        self.schedule = schedule
        self.seed = seed
        self.evaluationInterval = evaluationInterval
        self.targetAccuracy = targetAccuracy
    }
}

/// One line of a run's history: the loss of a step, and the held-out accuracy where it was evaluated.
package struct TrainingRecord: Hashable, Sendable, Codable {
    /// Steps done.
    package var step: Int
    /// The mean loss over this step's batch, of all ranks.
    package var loss: Double
    package var learningRate: Double
    package var accuracy: Double?
    /// Since this run or its resumption began, evaluations included.
    package var seconds: Double
}

/// What a training run did.
package struct TrainingHistory: Hashable, Sendable, Codable {
    package var records: [TrainingRecord] = []

    /// The last evaluation's accuracy on held-out data.
    package var accuracy: Double? { records.last { $0.accuracy != nil }?.accuracy }
    package var seconds: Double { records.last?.seconds ?? 0 }
}
