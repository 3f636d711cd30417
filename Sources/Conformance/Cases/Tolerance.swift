/// How far a floating-point element may lie from what a case expects: `absolute + relative * |expected|`.
///
/// Everything that is no float of 16 or more bits must be equal.
package struct Tolerance: Codable, Hashable, Sendable {
    package var relative: Double
    package var absolute: Double

    package init(relative: Double, absolute: Double) {
        self.relative = relative
        self.absolute = absolute
    }

    /// What the ONNX project's own runner allows.
    package static let strict = Tolerance(relative: 1e-3, absolute: 1e-7)
    /// What runtimes usually allow: sums that should be zero may miss it by some float32 roundings.
    package static let standard = Tolerance(relative: 1e-3, absolute: 1e-5)
}

/// The two sets of tolerances that cases are judged by.
package enum ToleranceRule: String, Codable, Hashable, Sendable, CaseIterable {
    case strict
    case standard

    /// The tolerance for a case; nil asks for the same bits, NaN aside.
    package func tolerance(for given: ConformanceCase) -> Tolerance? {
        // A cast has one right answer.
        if given.name.hasPrefix("test_cast_") || given.name.hasPrefix("test_castlike_") { return nil }
        switch self {
        case .strict: return given.tolerance ?? .strict
        case .standard:
            let wide = Self.wide.first { given.name.hasPrefix($0.prefix) }?.absolute ?? 0
            let usual = given.tolerance ?? .standard
            return Tolerance(
                relative: usual.relative, absolute: max(usual.absolute, Tolerance.standard.absolute, wide))
        }
    }

    /// Cases by the beginning of their names whose results are sums of many terms that cancel.
    private static let wide: [(prefix: String, absolute: Double)] = [
        ("test_dft", 1e-4),
        ("test_stft", 1e-4),
    ]
}
