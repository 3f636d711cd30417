/// The input moved towards 0 by `bias` where it lies further from 0 than `lambd`, else 0, also for a NaN.
package struct Shrink: ElementwiseOperator {
    package static let schema = OperatorSchema.elementwise(
        "Shrink", since: 9,
        "The input moved towards 0 by bias where it lies further from 0 than lambd, else 0.", .numbers,
        names: ("input", "output"),
        attributes: [.float("lambd", 0.5, "the threshold"), .float("bias", 0, "how far values move")])
    package static let operationsPerElement = 2
    package var lambd: Double
    package var bias: Double

    package init(lambd: Double = 0.5, bias: Double = 0) {
        self.lambd = lambd
        self.bias = bias
    }

    package init(_ call: OperatorCall) throws {
        self.init(lambd: try call.float("lambd"), bias: try call.float("bias"))
    }

    package func value(at x: Double) -> Double { x < -lambd ? x + bias : x > lambd ? x - bias : 0 }
}
