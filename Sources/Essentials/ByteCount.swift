/// An amount of memory or data in bytes.
///
/// A plain `Int` says nothing about its unit, and requests, quotas and topologies pass many sizes around.
package struct ByteCount: Hashable, Comparable, Sendable {
    package var bytes: Int

    package init(bytes: Int) { self.bytes = bytes }

    package static let zero = ByteCount(bytes: 0)

    package static func bytes(_ count: Int) -> ByteCount { ByteCount(bytes: count) }
    package static func kibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 10) }
    package static func mebibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 20) }
    package static func gibibytes(_ count: Int) -> ByteCount { ByteCount(bytes: count << 30) }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
    package static func + (left: ByteCount, right: ByteCount) -> ByteCount {
        ByteCount(bytes: left.bytes + right.bytes)
    }
    package static func - (left: ByteCount, right: ByteCount) -> ByteCount {
        ByteCount(bytes: left.bytes - right.bytes)
    }
    package static func += (left: inout ByteCount, right: ByteCount) { left.bytes += right.bytes }
    package static func -= (left: inout ByteCount, right: ByteCount) { left.bytes -= right.bytes }

    /// The smallest multiple of `alignment` that is not below this amount.
    ///
    /// `alignment` must be positive.
    package func roundedUp(to alignment: Int) -> ByteCount {
        ByteCount(bytes: (bytes + alignment - 1) / alignment * alignment)
    }
}

extension ByteCount {
    /// Reads sizes as people write them: `512`, `64KiB`, `2GiB`, `1.5G`.
    ///
    /// Suffixes with `i` and bare letters are powers of 1024 (as in Slurm's `--mem`); `KB`, `MB`, `GB`, `TB` are
    /// powers of 1000. Returns nil for anything else, for negative amounts, and for what does not fit in an `Int`.
    package init?(parsing text: String) {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits), number.isFinite else { return nil }
        let suffix = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let unit = ByteCount.unit(named: suffix) else { return nil }
        let bytes = number * unit
        guard bytes < Double(Int.max) else { return nil }
        self.init(bytes: Int(bytes))
    }

    private static func unit(named suffix: String) -> Double? {
        switch suffix {
        case "", "b": 1
        case "k", "ki", "kib": 1024
        case "m", "mi", "mib": 1_048_576
        case "g", "gi", "gib": 1_073_741_824
        case "t", "ti", "tib": 1_099_511_627_776
        case "kb": 1e3
        case "mb": 1e6
        case "gb": 1e9
        case "tb": 1e12
        default: nil
        }
    }
}

extension ByteCount: CustomStringConvertible {
    /// The amount with the largest binary unit that keeps it at or above one: `1.5 GiB`, `640 B`.
    package var description: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(bytes)
        var unit = 0
        while abs(value) >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return
            "\(value.formatted(digits: value == value.rounded() || abs(value) >= 100 ? 0 : 1)) \(units[unit])"
    }
}

extension ByteCount: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(bytes: try decoder.singleValueContainer().decode(Int.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}
