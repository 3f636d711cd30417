/// What RNN, GRU and LSTM have in common: directions, layout, functions, and which inputs are given.
package struct RecurrentLayer: Hashable, Sendable {
    package var direction: Direction
    package var hiddenSize: Int
    /// Those of the first direction, then those of the second.
    package var activations: [RecurrentActivation]
    /// Every function's argument is held between minus this and this.
    package var clip: Double?
    /// Whether the batch is the first axis of X and of all states, and not the second.
    package var isBatchFirst: Bool
    /// Which optional inputs follow X, W and R, in their order.
    package var given: Inputs

    package enum Direction: String, Hashable, Sendable {
        case forward
        case reverse
        case bidirectional

        package var count: Int { self == .bidirectional ? 2 : 1 }

        /// Whether the direction with the given number walks from the end.
        func isReversed(_ index: Int) -> Bool { self == .reverse || index == 1 }
    }

    /// The optional inputs; those of larger raw value come later.
    package struct Inputs: OptionSet, Hashable, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let bias = Inputs(rawValue: 1)
        package static let lengths = Inputs(rawValue: 2)
        package static let initialHidden = Inputs(rawValue: 4)
        package static let initialCell = Inputs(rawValue: 8)
        package static let peepholes = Inputs(rawValue: 16)

        static let all: [Inputs] = [.bias, .lengths, .initialHidden, .initialCell, .peepholes]
    }

    package init(
        direction: Direction = .forward, hiddenSize: Int, activations: [RecurrentActivation],
        clip: Double? = nil, isBatchFirst: Bool = false, given: Inputs = []
    ) {
        self.direction = direction
        self.hiddenSize = hiddenSize
        self.activations = activations
        self.clip = clip
        self.isBatchFirst = isBatchFirst
        self.given = given
    }

    /// Where an optional input stands among those that are given.
    func index(of input: Inputs) -> Int? {
        guard given.contains(input) else { return nil }
        return 3 + Inputs.all.count { $0.rawValue < input.rawValue && given.contains($0) }
    }

    func clipped(_ x: Double) -> Double {
        guard let clip else { return x }
        return x.isNaN ? x : min(max(x, -clip), clip)
    }

    /// The function's value at the clipped argument.
    func apply(_ activation: Int, direction: Int, to x: Double) -> Double {
        activations[direction * (activations.count / self.direction.count) + activation].value(at: clipped(x))
    }

}

/// The sizes of one use of a recurrent layer.
struct RecurrentExtents {
    var steps: Int
    var batch: Int
    var inputSize: Int

    init(_ x: Shape, isBatchFirst: Bool) {
        steps = x[isBatchFirst ? 1 : 0]
        batch = x[isBatchFirst ? 0 : 1]
        inputSize = x[2]
    }
}

/// An operator that walks along sequences with a state: RNN, GRU or LSTM.
///
/// Inputs are X, W, R and those that the layer says are given; outputs are Y, all hidden states, and then the last
/// one of each state. What lies beyond the length of a sequence is 0 in Y. Sums are not rounded between the steps.
package protocol RecurrentOperator: Operator {
    /// Gates in W and R.
    static var gateCount: Int { get }
    /// Functions that each direction has.
    static var activationCount: Int { get }
    /// Whether there is a cell beside the hidden state.
    static var hasCell: Bool { get }

    var layer: RecurrentLayer { get }

    /// The states after a step.
    func advance(_ state: inout RecurrentState, _ x: [Double], _ weights: RecurrentWeights)
}

/// The states of one sequence between two steps.
package struct RecurrentState: Sendable {
    package var hidden: [Double]
    package var cell: [Double]
}

/// What one direction of a recurrent layer multiplies with and adds.
package struct RecurrentWeights: Sendable {
    package let direction: Int
    /// `gates * hidden` rows of `inputs`.
    let input: [Double]
    /// `gates * hidden` rows of `hidden`.
    let recurrence: [Double]
    let inputBias: [Double]
    let recurrenceBias: [Double]
    let peepholes: [Double]

    /// The product of x with the rows of all gates, and their bias.
    func inputSums(_ x: [Double]) -> [Double] { input.times(x, rows: 0..<inputBias.count, plus: inputBias) }

    /// The product of a hidden state with the rows of some gates, and their bias.
    func recurrenceSums(_ hidden: [Double], gates: Range<Int>) -> [Double] {
        let rows = gates.lowerBound * hidden.count..<gates.upperBound * hidden.count
        return recurrence.times(hidden, rows: rows, plus: recurrenceBias)
    }
}

extension [Double] {
    /// Some rows of this matrix, as long as the vector, times the vector, plus a number for each row.
    fileprivate func times(_ vector: [Double], rows: Range<Int>, plus bias: [Double]) -> [Double] {
        rows.map { row in
            let first = row * vector.count
            return vector.indices.reduce(bias[row]) { $0 + self[first + $1] * vector[$1] }
        }
    }
}
