import ComputeGraph

private func b(_ shape: Shape, _ values: Bool...) -> HostTensor {
    HostTensor(TensorType(.bool, shape), doubles: values.map { $0 ? 1 : 0 })
}
private func u(_ element: ElementType, _ values: Int128...) -> HostTensor {
    HostTensor(TensorType(element, [values.count]), wrapping: values)
}

private let nan = Float.nan
private let ln2: Float = 0.693_147_18

/// Operators that work element by element.
extension OperatorExampleTests {
    static let numbers = [
        Example(Abs(), [t([3], 3, -2, nan)], t([3], 3, 2, nan)),
        Example(Sign(), [t([4], 3, -2, 0, nan)], t([4], 1, -1, 0, nan)),
        Example(Ceil(), [t([3], 1.2, -1.2, nan)], t([3], 2, -1, nan)),
        Example(Floor(), [t([3], 1.8, -1.2, nan)], t([3], 1, -2, nan)),
        Example(Round(), [t([5], 0.5, 1.5, -2.5, 2.7, nan)], t([5], 0, 2, -2, 3, nan)),
        Example(Reciprocal(), [t([3], 4, -0.5, 0)], t([3], 0.25, -2, .infinity)),
        Example(Clip(), [t([4], -3, 0.5, 7, nan), t([], -1), t([], 1)], t([4], -1, 0.5, 1, nan)),
        Example(Clip(hasMinimum: false), [t([2], -3, 7), t([], 1)], t([2], -3, 1)),
        Example(Clip(), [t([2], 0, 9), t([], 4), t([], 2)], t([2], 2, 2)),
        Example(Max(), [t([2, 1], 1, 5), t([3], 2, nan, 9)], t([2, 3], 2, nan, 9, 5, nan, 9)),
        Example(Min(), [t([2], 1, nan), t([2], 2, 2), t([], -1)], t([2], -1, nan)),
        Example(Sum(), [t([2], 1, 2), t([2], 10, 20), t([], 100)], t([2], 111, 122)),
        Example(Mean(), [t([2], 1, 2), t([2], 4, 6), t([1], 1)], t([2], 2, 3)),
        Example(Mod(fmod: true), [t([3], 5, -5, 5), t([3], 3, 3, 0)], t([3], 2, -2, nan)),
        Example(Pow(), [t([3], 2, 9, -8), t([3], 10, 0.5, 2)], t([3], 1024, 3, 64)),
        Example(Pow(), [t([2], 2, 3), i([], 2)], t([2], 4, 9)),
    ]

    static let integers = [
        Example(Add(), [u(.int8, 100, -1), u(.int8, 100, 1)], u(.int8, -56, 0)),
        Example(Sub(), [u(.uint8, 1), u(.uint8, 2)], u(.uint8, 255)),
        // The product of the greatest numbers of 64 bits is 1 in the low 64.
        Example(
            Mul(), [u(.uint64, Int128(UInt64.max)), u(.uint64, Int128(UInt64.max))], u(.uint64, 1)),
        Example(
            Div(), [i([4], 7, -7, 7, .min), i([4], 2, 2, 0, -1)], i([4], 3, -3, 0, .min)),
        Example(Mod(), [i([4], 7, -7, 7, 7), i([4], 3, 3, -3, 0)], i([4], 1, 2, -2, 0)),
        Example(Mod(fmod: true), [i([3], 7, -7, 7), i([3], 3, 3, -3)], i([3], 1, -1, 1)),
        Example(Pow(), [i([4], 3, 2, -1, 5), i([4], 4, 64, -3, -1)], i([4], 81, 0, -1, 0)),
        Example(Neg(), [u(.int8, 5, -128)], u(.int8, -5, -128)),
        Example(Abs(), [u(.int8, -5, -128)], u(.int8, 5, -128)),
        Example(Max(), [u(.uint8, 200, 3), u(.uint8, 100, 4)], u(.uint8, 200, 4)),
        Example(BitShift(.left), [u(.uint8, 3, 255, 1), u(.uint8, 1, 4, 200)], u(.uint8, 6, 240, 0)),
        Example(BitShift(.right), [u(.uint8, 255, 8), u(.uint8, 4, 3)], u(.uint8, 15, 1)),
        Example(BitwiseAnd(), [u(.uint8, 12), u(.uint8, 10)], u(.uint8, 8)),
        Example(BitwiseOr(), [u(.uint8, 12), u(.uint8, 10)], u(.uint8, 14)),
        Example(BitwiseXor(), [u(.int8, -1), u(.int8, 10)], u(.int8, -11)),
        Example(BitwiseNot(), [u(.uint8, 12, 255)], u(.uint8, 243, 0)),
    ]

    static let functions = [
        Example(Sin(), [t([2], 0, .pi / 6)], t([2], 0, 0.5)),
        Example(Cos(), [t([2], 0, .pi / 3)], t([2], 1, 0.5)),
        Example(Tan(), [t([2], 0, .pi / 4)], t([2], 0, 1)),
        Example(Asin(), [t([3], 0.5, -1, 2)], t([3], .pi / 6, -.pi / 2, nan)),
        Example(Acos(), [t([3], 0.5, -1, 2)], t([3], .pi / 3, .pi, nan)),
        Example(Atan(), [t([2], 1, -.infinity)], t([2], .pi / 4, -.pi / 2)),
        Example(Atan2(), [t([3], 1, 0, -1), t([3], 0, -1, -1)], t([3], .pi / 2, .pi, -.pi * 0.75)),
        Example(Sinh(), [t([2], 0, ln2)], t([2], 0, 0.75)),
        Example(Cosh(), [t([2], 0, ln2)], t([2], 1, 1.25)),
        Example(Asinh(), [t([1], 0.75)], t([1], ln2)),
        Example(Acosh(), [t([2], 1.25, 0)], t([2], ln2, nan)),
        Example(Atanh(), [t([2], 0.6, 2)], t([2], ln2, nan)),
        Example(Log1p(), [t([3], 0, 1, -1)], t([3], 0, ln2, -.infinity)),
        Example(Rsqrt(), [t([3], 4, 0, -1)], t([3], 0.5, .infinity, nan)),
        Example(Erf(), [t([3], 0, 1, -.infinity)], t([3], 0, 0.842_700_8, -1)),
    ]

    static let activations = [
        Example(Celu(alpha: 2), [t([2], 3, -2 * ln2)], t([2], 3, -1)),
        Example(Elu(alpha: 2), [t([3], 3, -ln2, nan)], t([3], 3, -1, nan)),
        Example(Gelu(.tanh), [t([3], 0, 1, -1)], t([3], 0, 0.841_192, -0.158_808)),
        Example(HardSigmoid(), [t([4], 0, 1, 9, -9)], t([4], 0.5, 0.7, 1, 0)),
        Example(HardSwish(), [t([4], -4, 0, 1.5, 4)], t([4], 0, 0, 1.125, 4)),
        Example(LeakyRelu(alpha: 0.25), [t([3], 3, -4, nan)], t([3], 3, -1, nan)),
        // With x = ln(e - 1) the inner logarithm is 1.
        Example(Mish(), [t([2], 0, 0.541_324_9)], t([2], 0, 0.541_324_9 * 0.761_594_2)),
        Example(PRelu(), [t([2, 2], -1, 2, -3, nan), t([2], 10, 20)], t([2, 2], -10, 2, -30, nan)),
        Example(Selu(alpha: 2, gamma: 3), [t([2], 1, -ln2)], t([2], 3, -3)),
        Example(Shrink(lambd: 1, bias: 0.5), [t([4], -2, 0.5, 3, nan)], t([4], -1.5, 0, 2.5, 0)),
        Example(Softplus(), [t([3], 0, 1000, -1000)], t([3], ln2, 1000, 0)),
        Example(Softsign(), [t([2], 1, -3)], t([2], 0.5, -0.75)),
        Example(Swish(alpha: 2), [t([2], 0, ln2 / 2)], t([2], 0, ln2 / 3)),
        Example(ThresholdedRelu(alpha: 2), [t([3], 1, 2, 3)], t([3], 0, 0, 3)),
    ]

    static let truths = [
        Example(And(), [b([2], true, true), b([2], true, false)], b([2], true, false)),
        Example(Or(), [b([2], false, true), b([1], false)], b([2], false, true)),
        Example(Xor(), [b([2], true, true), b([2], true, false)], b([2], false, true)),
        Example(Not(), [b([2], true, false)], b([2], false, true)),
        Example(Equal(), [t([3], 1, 2, nan), t([3], 1, 3, nan)], b([3], true, false, false)),
        // Strings that look alike are not equal when their bytes differ.
        Example(
            Equal(),
            [
                HostTensor(TensorType(.string, [2]), strings: ["a", "\u{e9}"]),
                HostTensor(TensorType(.string, [2]), strings: ["a", "e\u{301}"]),
            ], b([2], true, false)),
        // Doubles do not tell these apart.
        Example(Greater(), [i([2], .max, 1), i([2], .max - 1, 2)], b([2], true, false)),
        Example(GreaterOrEqual(), [t([3], 2, 1, nan), t([], 2)], b([3], true, false, false)),
        Example(Less(), [t([3], 2, 1, nan), t([], 2)], b([3], false, true, false)),
        Example(LessOrEqual(), [t([3], 2, 3, nan), t([], 2)], b([3], true, false, false)),
        Example(IsInf(), [t([3], .infinity, -.infinity, nan)], b([3], true, true, false)),
        Example(IsInf(detectNegative: false), [t([2], .infinity, -.infinity)], b([2], true, false)),
        Example(IsNaN(), [t([2], nan, .infinity)], b([2], true, false)),
        Example(
            Where(), [b([2, 1], true, false), i([2], 1, 2), i([], 9)], i([2, 2], 1, 2, 9, 9)),
    ]
}
