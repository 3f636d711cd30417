#if canImport(Glibc)
internal import Glibc
#endif

/// The angle in radians from -pi to pi of the point whose height is the first operand and whose width the
/// second.
///
/// Zeros keep their signs as in IEEE 754; a NaN in either operand gives NaN.
package struct Atan2: BroadcastingOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Atan2", domain: .heng, since: 1, "The angle in radians of the points (B, A), from -pi to pi.",
        .floats)

    package init() {}

    package func value(_ left: Double, _ right: Double) -> Double { atan2(left, right) }
}
