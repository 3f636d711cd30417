package import Essentials

/// The seeds of a property test: few enough to stay quick, fixed so that a failure repeats.
package let propertySeeds: [UInt64] = (0..<100).map { UInt64($0) }

extension SeededGenerator {
    /// One of the elements; the collection must not be empty.
    package mutating func pick<Elements: RandomAccessCollection>(_ elements: Elements) -> Elements.Element {
        precondition(!elements.isEmpty, "nothing to pick from")
        return elements[elements.index(elements.startIndex, offsetBy: below(elements.count))]
    }
}
