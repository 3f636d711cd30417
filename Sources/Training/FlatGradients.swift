internal import Collectives
internal import Execution

/// All gradients of a step one after the other, and the loss behind them, as ranks exchange them.
struct FlatGradients {
    private var numbers: [Float]
    private let parameterCount: Int

    init(parameterCount: Int, elementCount: Int) {
        self.parameterCount = parameterCount
        numbers = [Float](repeating: 0, count: elementCount + 1)
    }

    /// Takes over the outputs of a gradient graph: the loss, then a gradient per parameter.
    mutating func gather(from session: Session) {
        var end = 0
        for parameter in 0..<parameterCount {
            session.withOutput(parameter + 1, as: Float.self) { from in
                for place in 0..<from.count { numbers[end + place] = from[place] }
                end += from.count
            }
        }
        numbers[end] = session.withOutput(0, as: Float.self) { $0[0] }
    }

    /// Replaces each number by its mean over the ranks.
    mutating func average(over ranks: any Communicator) throws {
        var span = numbers.mutableSpan
        try ranks.allReduceSum(&span)
        let share = 1 / Float(ranks.worldSize)
        for place in 0..<span.count { span[place] *= share }
    }

    /// Fills the gradient inputs of an update graph, and returns the loss.
    func scatter(to session: Session) -> Double {
        var start = 0
        for parameter in 0..<parameterCount {
            session.withInput(parameter + UpdateGraph.leadingInputs, as: Float.self) { to in
                for place in 0..<to.count { to[place] = numbers[start + place] }
                start += to.count
            }
        }
        return Double(numbers[start])
    }
}
