extension HostTensor {
    /// For each element an integer, so that the integers are ordered as the elements are.
    ///
    /// All NaNs are equal, and above all numbers unless they are asked for below; both zeros are equal. Strings are
    /// ordered by their code points.
    func orderKeys(nanIsLowest: Bool = false) -> [Int64] {
        switch type.element.kind {
        case .floating:
            let nan = nanIsLowest ? Int64.min : Int64.max
            return doubles.map { $0.isNaN ? nan : $0.orderKey }
        case .string: return stringRanks
        case .unsigned where type.element == .uint64:
            return elements(UInt64.self).map { Int64(bitPattern: $0 ^ (1 << 63)) }
        case .signed where type.element == .int64: return integers
        case .signed, .unsigned, .bool: return wholes.map { Int64(truncatingIfNeeded: $0) }
        case .complex: preconditionFailure("complex numbers have no order")
        }
    }

    /// For each string its place among all that differ; strings differ by their bytes.
    private var stringRanks: [Int64] {
        let bytes = strings.map { Array($0.utf8) }
        let sorted = Set(bytes).sorted { $0.lexicographicallyPrecedes($1) }
        let ranks = Dictionary(uniqueKeysWithValues: zip(sorted, 0...).map { ($0, Int64($1)) })
        return bytes.map { ranks[$0] ?? 0 }
    }
}

extension Double {
    /// An integer that orders as the numbers do; both zeros have the same.
    fileprivate var orderKey: Int64 {
        let magnitude = Int64(bitPattern: bitPattern & ~(1 << 63))
        return self < 0 ? -magnitude : magnitude
    }
}
