package import Essentials
package import Scheduling

/// Amounts of cores and memory, and small counts.
package enum Amounts {
    /// Reads `2GiB`, `512M`, and a plain number as MiB, which it is for sbatch.
    package static func memory(_ text: String, option: String) throws(Failure) -> ByteCount {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
        guard let amount = ByteCount(parsing: isPlain ? text + "MiB" : text) else {
            throw mistake(
                "\(option) \(shown(text)) is not an amount.", "Write it like \(option) 2GiB or 512M.")
        }
        return amount
    }

    package static func cores(_ text: String, option: String) throws(Failure) -> CoreAmount {
        guard let amount = CoreAmount(parsing: text) else {
            throw mistake(
                "\(option) \(shown(text)) is not an amount.", "Write it like \(option) 2 or 0.5.")
        }
        return amount
    }

    package static func share(_ text: String, option: String) throws(Failure) -> DeviceShare {
        guard let amount = DeviceShare(parsing: text) else {
            throw mistake("\(option) \(shown(text)) is not an amount.", "Write it like \(option) 0.5.")
        }
        return amount
    }

    package static func count(_ text: String, in range: ClosedRange<Int>, option: String) throws(Failure)
        -> Int
    {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let sign = text.hasPrefix("-") ? -1 : 1
        guard let size = wholeNumber(digits, in: 0...Int(Int32.max)), range.contains(sign * size) else {
            throw mistake(
                "\(option) \(shown(text)) is not a whole number from \(range.lowerBound) to \(range.upperBound).",
                "Write it like \(option) \(max(1, range.lowerBound)).")
        }
        return sign * size
    }

    /// One of an enumeration's values by its name.
    package static func choice<Value: RawRepresentable & CaseIterable>(
        _ text: String, option: String
    ) throws(Failure) -> Value where Value.RawValue == String {
        if let value = Value(rawValue: text.lowercased()) { return value }
        throw mistake(
            "\(option) \(shown(text)) is unknown.",
            "There are: \(Value.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
}
