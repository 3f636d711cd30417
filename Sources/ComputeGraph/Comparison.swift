extension Exactness {
    /// Where a tensor first differs from the reference by more than this class allows, or nil where it does not.
    ///
    /// NaN agrees with NaN only, and an infinity with itself only. Zeros of both signs agree.
    package func firstDifference(_ tensor: HostTensor, from reference: HostTensor) -> Difference? {
        precondition(tensor.type == reference.type, "\(tensor.type) is compared with \(reference.type)")
        let (found, expected) = (tensor.doubles, reference.doubles)
        if self == .exact, reference.type.element.isInteger {
            // Doubles do not hold every integer of 64 bits.
            return zip(tensor.wholes, reference.wholes).enumerated().first { $1.0 != $1.1 }
                .map { Difference(index: $0.offset, found: found[$0.offset], expected: expected[$0.offset]) }
        }
        return found.indices.first { !agrees(found[$0], expected[$0]) }
            .map { Difference(index: $0, found: found[$0], expected: expected[$0]) }
    }

    /// Whether one value is as close to the reference as this class asks.
    package func agrees(_ found: Double, _ expected: Double) -> Bool {
        if found.isNaN || expected.isNaN { return found.isNaN && expected.isNaN }
        if found == expected { return true }
        guard expected.isFinite, case .within(let relative, let absolute) = self else { return false }
        return abs(found - expected) <= absolute + relative * abs(expected)
    }

    /// One element that is not as the reference has it.
    package struct Difference: Hashable, Sendable, CustomStringConvertible {
        package var index: Int
        package var found: Double
        package var expected: Double

        package var description: String { "element \(index) is \(found), and should be \(expected)" }
    }
}
