/// The remainder of a division, with NumPy's broadcasting.
///
/// It has the sign of the divisor, or with `fmod`, which floats must have, that of the dividend. Division of
/// integers by 0 leaves 0, of floats NaN.
package struct Mod: BroadcastingOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Mod", since: 10, "The remainder of dividing A by B, with the sign of B.", .numbers,
        attributes: [.int("fmod", 0, "whether the remainder has the sign of A; must be 1 for floats")])
    package var fmod: Bool

    package init(fmod: Bool = false) { self.fmod = fmod }

    package init(_ call: OperatorCall) throws {
        self.init(fmod: try call.flag("fmod"))
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireOperands(inputs)
        try require(fmod || !element.isFloating, "fmod is 1 for \(element)")
        return [TensorType(element, try requireBroadcast(inputs))]
    }

    package func value(_ left: Double, _ right: Double) -> Double {
        left.truncatingRemainder(dividingBy: right)
    }

    package func whole(_ left: Int128, _ right: Int128) -> Int128 {
        guard right != 0 else { return 0 }
        let rest = left % right
        return !fmod && rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
    }
}
