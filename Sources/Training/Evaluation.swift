internal import ComputeGraph
internal import Execution

/// Measures a model on held-out data, again and again with the parameters of the moment.
struct Evaluation {
    private let session: Session
    private let data: ClassificationData
    private let labels: [Int64]
    private let batchSize: Int

    init(of scores: Executable, parameters: ParameterSet, on data: ClassificationData) throws {
        guard data.count > 0 else {
            throw TrainingError.invalidPlan("A model cannot be evaluated on no samples.")
        }
        session = try Session(scores, parameters: parameters)
        batchSize = scores.graph.type(of: scores.graph.inputs[0]).shape[0]
        self.data = data
        labels = data.labels.integers
    }

    /// The share of samples whose highest score is at their label.
    func accuracy() throws -> Double {
        var correct = 0
        for first in stride(from: 0, to: data.count, by: batchSize) {
            // Rows beyond the data keep what was there before; their scores are not read.
            let places = first..<min(first + batchSize, data.count)
            session.withInput(0, as: Float.self) { data.copySamples(at: places, to: &$0) }
            try session.run()
            correct += session.withOutput(0, as: Float.self) { scores in
                places.count { isCorrect($0, scores, row: $0 - first) }
            }
        }
        return Double(correct) / Double(data.count)
    }

    /// A NaN among the scores is never correct.
    private func isCorrect(_ place: Int, _ scores: Span<Float>, row: Int) -> Bool {
        let start = row * data.classCount
        let own = scores[start + Int(labels[place])]
        return (0..<data.classCount).allSatisfy {
            $0 == Int(labels[place]) || scores[start + $0] < own
        }
    }
}
