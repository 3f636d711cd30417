internal import Essentials

/// An amount of compute on processor cores, counted in ten-thousandths of one core's time.
///
/// The unit is fine enough that both a thousandth of a core and a ten-thousandth of a NUMA node with whole cores are
/// whole numbers, so sums are exact and never drift.
package struct CoreAmount: Hashable, Comparable, Sendable {
    package var units: Int

    package static let unitsPerCore = 10_000
    package static let zero = CoreAmount(units: 0)

    package init(units: Int) { self.units = units }

    package static func cores(_ count: Int) -> CoreAmount { CoreAmount(units: count * unitsPerCore) }
    package static func thousandths(_ count: Int) -> CoreAmount {
        CoreAmount(units: count * (unitsPerCore / 1000))
    }

    /// Reads `2`, `0.5` or `1.25`: whole cores and thousandths.
    ///
    /// Returns nil for anything else, for negative amounts, and for more than three decimals.
    package init?(parsing text: String) {
        guard let units = fixedPoint(text, decimals: 3) else { return nil }
        self = .thousandths(units)
    }

    package var wholeCores: Int { units / CoreAmount.unitsPerCore }
    package var inCores: Double { Double(units) / Double(CoreAmount.unitsPerCore) }

    package static func < (left: CoreAmount, right: CoreAmount) -> Bool { left.units < right.units }
    package static func + (left: CoreAmount, right: CoreAmount) -> CoreAmount {
        CoreAmount(units: left.units + right.units)
    }
}

/// A part of one device's compute, counted in ten-thousandths of the device.
package struct DeviceShare: Hashable, Comparable, Sendable {
    package var units: Int

    package static let unitsPerDevice = 10_000
    package static let zero = DeviceShare(units: 0)
    package static let whole = DeviceShare(units: unitsPerDevice)

    package init(units: Int) { self.units = units }

    /// Reads `1`, `0.5` or `0.0001`.
    ///
    /// Amounts over one parse, so that the check of a request can say that they are too much.
    package init?(parsing text: String) {
        guard let units = fixedPoint(text, decimals: 4) else { return nil }
        self.init(units: units)
    }

    package var fraction: Double { Double(units) / Double(DeviceShare.unitsPerDevice) }

    package static func < (left: DeviceShare, right: DeviceShare) -> Bool { left.units < right.units }
}

extension CoreAmount: CustomStringConvertible {
    /// The number alone, without trailing zeros: `2`, `0.5`.
    package var description: String { decimalText(units) }

    /// The amount with its noun: `1 core`, `2.5 cores`.
    package var phrase: String { units == CoreAmount.unitsPerCore ? "1 core" : "\(self) cores" }
}

extension DeviceShare: CustomStringConvertible {
    /// The number alone, without trailing zeros: `1`, `0.25`.
    package var description: String { decimalText(units) }
}

extension CoreAmount: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(units: try decoder.singleValueContainer().decode(Int.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(units)
    }
}

extension DeviceShare: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(units: try decoder.singleValueContainer().decode(Int.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(units)
    }
}

/// Reads a plain decimal number as a whole count of its last allowed decimal, so that no rounding hides a digit.
private func fixedPoint(_ text: String, decimals: Int) -> Int? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.contains(where: { !$0.isEmpty }),
        parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } })
    else { return nil }
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    guard fraction.count <= decimals, parts[0].count <= 9 else { return nil }
    return Int(parts[0] + fraction + String(repeating: "0", count: decimals - fraction.count))
}

private func decimalText(_ units: Int) -> String {
    var text = (Double(units) / 10_000).formatted(digits: 4)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
}
