/// How a scattered element joins the one that is there.
package enum ScatterReduction: String, Hashable, Sendable {
    /// It takes its place; of several the last stays.
    case none
    case add, mul, max, min

    init(_ call: OperatorCall) throws {
        let word = try call.string("reduction")
        guard let reduction = ScatterReduction(rawValue: word) else {
            throw call.error("it has no reduction \(word)")
        }
        self = reduction
    }

    static let attribute = OperatorSchema.AttributeParameter.string(
        "reduction", "none",
        "from version 16: none, add or mul, and from 18 max or min: what is done with the element that is there"
    )

    func apply(_ updates: HostTensor, to data: HostTensor, at grid: OffsetGrid) -> HostTensor {
        if self == .none { return data.replacing(updates, at: grid) }
        if data.type.element.isFloating {
            return HostTensor(
                data.type, doubles: joined(data.doubles, updates.doubles, grid.offsets, joined(_:_:)))
        }
        return HostTensor(
            data.type, wrapping: joined(data.wholes, updates.wholes, grid.offsets, joined(_:_:)))
    }

    private func joined<Number>(
        _ data: [Number], _ updates: [Number], _ offsets: [Int], _ join: (Number, Number) -> Number
    ) -> [Number] {
        var result = data
        for (value, offset) in zip(updates, offsets) where offset >= 0 {
            result[offset] = join(result[offset], value)
        }
        return result
    }

    private func joined(_ old: Double, _ new: Double) -> Double {
        switch self {
        case .none: new
        case .add: old + new
        case .mul: old * new
        case .max: old.isNaN || new.isNaN ? .nan : Swift.max(old, new)
        case .min: old.isNaN || new.isNaN ? .nan : Swift.min(old, new)
        }
    }

    private func joined(_ old: Int128, _ new: Int128) -> Int128 {
        switch self {
        case .none: new
        case .add: old &+ new
        case .mul: old &* new
        case .max: Swift.max(old, new)
        case .min: Swift.min(old, new)
        }
    }
}

extension Operator {
    /// Checks that scattered elements are of the type of the data, and that they can be joined with it.
    func requireScatter(
        _ updates: TensorType, into data: TensorType, _ reduction: ScatterReduction
    ) throws(GraphError) {
        try require(updates.element == data.element, "\(updates) cannot be put into \(data)")
        let hasArithmetic = data.element.isFloating || data.element.wholeRange != nil
        try require(reduction == .none || hasArithmetic, "\(data) has no \(reduction.rawValue)")
    }
}
