package import AcceleratorAPI

/// How results are computed beyond what operators mean: what a caller demands, or what a kernel promises.
package struct Arithmetic: Hashable, Sendable {
    /// How far the same bits come again, each level including those before; by the header's numbers.
    package enum Determinism: Int32, Comparable, CaseIterable, Sendable {
        case none = 0
        /// Run again on the same device.
        case run = 1
        /// On any number of threads or compute units.
        case threads = 2
        /// Whatever else is in the batch.
        case batch = 3
        /// On every device that claims it.
        case devices = 4

        package static func < (one: Determinism, other: Determinism) -> Bool {
            one.rawValue < other.rawValue
        }
    }

    /// What sums of products and of elements are added up in; by the header's numbers.
    package enum Accumulation: Int32, CaseIterable, Sendable {
        /// At least as exact as the output's type.
        case standard = 0
        case float32 = 1
        case float64 = 2
        /// Less exact sums are welcome.
        case fast = 3
    }

    package var determinism: Determinism
    package var accumulation: Accumulation

    package init(determinism: Determinism = .none, accumulation: Accumulation = .standard) {
        self.determinism = determinism
        self.accumulation = accumulation
    }

    /// What a kernel promises that adds nothing up and computes each element by itself.
    package static let exact = Arithmetic(determinism: .devices, accumulation: .float64)

    /// Why a kernel that promises this does not meet a demand; nil where it does.
    package func shortfall(from demand: Arithmetic) -> Refusal? {
        guard determinism >= demand.determinism else {
            return Refusal(
                .determinism,
                "It meets the determinism level `\(determinism)`, and `\(demand.determinism)` is asked for.")
        }
        if demand.accumulation == .float64, accumulation != .float64 {
            return Refusal(.accumulation, "It adds up in less than float64.")
        }
        if demand.accumulation == .float32, accumulation != .float32, accumulation != .float64 {
            return Refusal(.accumulation, "It adds up in less than float32.")
        }
        return nil
    }
}

extension Arithmetic {
    /// A demand as the C interface writes it, by the numbers of `HENG_DETERMINISM_...` and `HENG_ACCUMULATION_...`.
    package init(
        determinism: Int32, accumulation: Int32, _ operation: StaticString
    ) throws(DeviceError) {
        guard let level = Determinism(rawValue: determinism) else {
            throw DeviceError(
                .invalidArgument, operation: "\(operation)",
                text: "There is no determinism level \(determinism); the levels are 0 to 4.")
        }
        guard let sums = Accumulation(rawValue: accumulation) else {
            throw DeviceError(
                .invalidArgument, operation: "\(operation)",
                text: "There is no accumulation \(accumulation); there are 0 to 3.")
        }
        self.init(determinism: level, accumulation: sums)
    }
}
