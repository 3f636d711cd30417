/// A set of processing units by the operating system's numbers, as affinity masks and cpusets use them.
package struct CPUSet: Hashable, Sendable {
    /// Bit `i % 64` of word `i / 64` stands for unit `i`; the last word is never zero, so equal sets are equal.
    private var words: [UInt64] = []

    package init() {}

    package init(_ units: some Sequence<Int>) {
        for unit in units { insert(unit) }
    }

    package mutating func insert(_ unit: Int) {
        precondition(unit >= 0, "a processing unit has a number from 0 up")
        while words.count <= unit / 64 { words.append(0) }
        words[unit / 64] |= 1 << UInt64(unit % 64)
    }

    package mutating func remove(_ unit: Int) {
        guard unit >= 0, unit / 64 < words.count else { return }
        words[unit / 64] &= ~(1 << UInt64(unit % 64))
        trim()
    }

    package func contains(_ unit: Int) -> Bool {
        unit >= 0 && unit / 64 < words.count && words[unit / 64] >> UInt64(unit % 64) & 1 == 1
    }

    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    package var isEmpty: Bool { words.isEmpty }
    package var first: Int? {
        words.firstIndex { $0 != 0 }.map { $0 * 64 + words[$0].trailingZeroBitCount }
    }

    /// The units in rising order.
    package var units: [Int] {
        var units: [Int] = []
        units.reserveCapacity(count)
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                units.append(index * 64 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return units
    }

    package func union(_ other: CPUSet) -> CPUSet { combined(other) { $0 | $1 } }
    package func intersection(_ other: CPUSet) -> CPUSet { combined(other) { $0 & $1 } }
    package func subtracting(_ other: CPUSet) -> CPUSet { combined(other) { $0 & ~$1 } }
    package func isSubset(of other: CPUSet) -> Bool { subtracting(other).isEmpty }
    package func isDisjoint(with other: CPUSet) -> Bool { intersection(other).isEmpty }

    private func combined(_ other: CPUSet, _ combine: (UInt64, UInt64) -> UInt64) -> CPUSet {
        var result = CPUSet()
        result.words = (0..<max(words.count, other.words.count)).map { index in
            combine(
                index < words.count ? words[index] : 0, index < other.words.count ? other.words[index] : 0)
        }
        result.trim()
        return result
    }

    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }
}

extension CPUSet: CustomStringConvertible {
    /// Reads the kernel's list form: `0-3,8`.
    ///
    /// The empty text is the empty set; anything malformed is nil.
    package init?(parsing text: String) {
        self.init()
        let trimmed = text.filter { !$0.isWhitespace }
        guard !trimmed.isEmpty else { return }
        for part in trimmed.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let low = bounds[0], low >= 0, bounds.count <= 2 else { return nil }
            guard let high = bounds.count == 2 ? bounds[1] : low, low <= high, high < 1 << 20 else {
                return nil
            }
            for unit in low...high { insert(unit) }
        }
    }

    /// The kernel's list form: `0-3,8`.
    package var description: String {
        var parts: [String] = []
        var pending = units[...]
        while let low = pending.popFirst() {
            var high = low
            while pending.first == high + 1 { high = pending.removeFirst() }
            parts.append(low == high ? "\(low)" : "\(low)-\(high)")
        }
        return parts.joined(separator: ",")
    }
}

extension CPUSet: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let set = CPUSet(parsing: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(text) is not a CPU list")
        }
        self = set
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
