internal import Essentials

/// Numbers at which programs break.
enum Extremes {
    static let integers: [Int64] = [
        .min, .min + 1, -1 << 62, -1 << 32, -1 << 31, -65537, -1000, -64, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8,
        16,
        63, 64, 65, 1000, 65536, 1 << 20, 1 << 24, 1 << 31 - 1, 1 << 31, 1 << 32, 1 << 33, 1 << 44,
        1 << 44 + 1,
        1 << 61, 1 << 62, .max - 1, .max,
    ]
    static let floats: [Double] = [
        0, -0.0, 1, -1, 0.5, 2, -3, .nan, .infinity, -.infinity, 1e-45, 1e-30, 1e10, -1e10, 0x1p31, 0x1p63,
        -0x1p63,
        3.4e38, 1e300,
    ]
    static let elementTypes: [Int32] = Array(-1...28) + [.min, .max, 100]
    static let versions: [Int64] = Array(0...28) + [100, 1000, -1, .min, .max]
}

extension SeededGenerator {
    mutating func pick<Elements: RandomAccessCollection>(_ elements: Elements) -> Elements.Element? {
        elements.isEmpty
            ? nil : elements[elements.index(elements.startIndex, offsetBy: below(elements.count))]
    }

    /// True in one of so many draws.
    mutating func isOne(in count: Int) -> Bool { below(count) == 0 }

    mutating func integer() -> Int64 { pick(Extremes.integers) ?? 0 }
    mutating func float() -> Double { pick(Extremes.floats) ?? 0 }

    /// Mostly a small number, as sizes are.
    mutating func integerNear(_ value: Int64) -> Int64 {
        isOne(in: 2) ? integer() : value &+ Int64(below(5)) &- 2
    }
}
