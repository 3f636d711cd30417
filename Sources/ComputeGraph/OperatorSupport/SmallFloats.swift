/// A floating-point format of 8 or fewer bits: its values, and the rounding to it.
///
/// The formats are those of https://onnx.ai/onnx/technical/float8.html and float4.html, and E8M0 is a power of two.
package struct SmallFloatFormat: Sendable {
    package let element: ElementType
    private let exponentBits: Int
    private let fractionBits: Int
    private let bias: Int
    private let hasSign: Bool
    private let special: Special

    /// Which bit patterns are no numbers.
    private enum Special {
        /// The highest exponent: infinities and NaN, as IEEE 754 has them.
        case ieee
        /// NaN where all bits but the sign are set; no infinities.
        case allOnes
        /// NaN where only the sign is set; no infinities and no negative zero.
        case negativeZero
        /// Numbers only.
        case none
    }

    package init(_ element: ElementType) {
        self.element = element
        switch element {
        case .float8e4m3fn: (exponentBits, fractionBits, bias, special, hasSign) = (4, 3, 7, .allOnes, true)
        case .float8e4m3fnuz:
            (exponentBits, fractionBits, bias, special, hasSign) = (4, 3, 8, .negativeZero, true)
        case .float8e5m2: (exponentBits, fractionBits, bias, special, hasSign) = (5, 2, 15, .ieee, true)
        case .float8e5m2fnuz:
            (exponentBits, fractionBits, bias, special, hasSign) = (5, 2, 16, .negativeZero, true)
        case .float4e2m1: (exponentBits, fractionBits, bias, special, hasSign) = (2, 1, 1, .none, true)
        case .float8e8m0: (exponentBits, fractionBits, bias, special, hasSign) = (8, 0, 127, .allOnes, false)
        default: preconditionFailure("\(element) is not a float of 8 or fewer bits")
        }
    }

    private var signBit: Int { hasSign ? 1 << (exponentBits + fractionBits) : 0 }
    private var magnitudeMask: Int { (1 << (exponentBits + fractionBits)) - 1 }

    /// The value of each bit pattern, 256 of them; patterns beyond a narrower format repeat it.
    package var values: [Double] { (0..<256).map(value(of:)) }

    private func value(of pattern: Int) -> Double {
        let magnitude = pattern & magnitudeMask
        let isNegative = hasSign && pattern & signBit != 0
        switch special {
        case .allOnes where magnitude == magnitudeMask: return isNegative ? -.nan : .nan
        case .negativeZero where isNegative && magnitude == 0: return -.nan
        case .ieee where magnitude >> fractionBits == (1 << exponentBits) - 1:
            let special = magnitude & ((1 << fractionBits) - 1) == 0 ? Double.infinity : .nan
            return isNegative ? -special : special
        default: break
        }
        let exponent = magnitude >> fractionBits
        let fraction = Double(magnitude & ((1 << fractionBits) - 1)) / Double(1 << fractionBits)
        let value =
            exponent == 0 && hasSign
            ? fraction * scale(1 - bias) : (1 + fraction) * scale(exponent - bias)
        return isNegative ? -value : value
    }

    /// The largest finite value.
    package var maximum: Double {
        switch special {
        case .ieee: value(of: (((1 << exponentBits) - 1) << fractionBits) - 1)
        case .allOnes: value(of: magnitudeMask - 1)
        case .negativeZero, .none: value(of: magnitudeMask)
        }
    }

    /// The pattern of the nearest value, ties to the even pattern.
    ///
    /// Beyond the largest value it saturates, or else becomes infinity or, in a format without, NaN. A format
    /// without NaN takes a zero for it, negative for a positive NaN, as ml_dtypes does. Only powers of two look
    /// at `rounding`; in their format zero is the smallest value or else NaN, and what is negative is NaN.
    package func bits(of value: Double, saturating: Bool, rounding: ScaleRounding = .nearest) -> UInt8 {
        if value.isNaN { return nan(value) }
        if !hasSign { return powerOfTwo(value, saturating: saturating, rounding) }
        let sign = value.sign == .minus ? signBit : 0
        let magnitude = abs(value)
        if magnitude.isInfinite { return overflow(sign, saturating: saturating) }
        let exponent = max(magnitude == 0 ? 1 - bias : Int(magnitude.exponent), 1 - bias)
        let quantum = scale(exponent - fractionBits)
        let rounded = (magnitude / quantum).rounded(.toNearestOrEven) * quantum
        if rounded > maximum { return overflow(sign, saturating: saturating) }
        let pattern = pattern(ofExact: rounded)
        return special == .negativeZero && pattern == 0 ? 0 : UInt8(sign | pattern)
    }

    private func pattern(ofExact magnitude: Double) -> Int {
        if magnitude < scale(1 - bias) { return Int(magnitude / scale(1 - bias - fractionBits)) }
        let exponent = Int(magnitude.exponent)
        let fraction = Int((magnitude / scale(exponent) - 1) * Double(1 << fractionBits))
        return (exponent + bias) << fractionBits | fraction
    }

    private func overflow(_ sign: Int, saturating: Bool) -> UInt8 {
        if saturating || special == .none { return UInt8(sign | pattern(ofExact: maximum)) }
        switch special {
        case .ieee: return UInt8(sign | ((1 << exponentBits) - 1) << fractionBits)
        case .allOnes: return UInt8(sign | magnitudeMask)
        case .negativeZero, .none: return UInt8(signBit)
        }
    }

    private func nan(_ value: Double) -> UInt8 {
        let sign = value.sign == .minus ? signBit : 0
        switch special {
        case .ieee: return UInt8(sign | ((1 << exponentBits) - 1) << fractionBits | 1 << (fractionBits - 1))
        case .allOnes: return UInt8(sign | magnitudeMask)
        case .negativeZero: return UInt8(signBit)
        case .none: return UInt8(signBit - sign)
        }
    }

    private func powerOfTwo(_ value: Double, saturating: Bool, _ rounding: ScaleRounding) -> UInt8 {
        let (largest, notANumber) = (magnitudeMask - 1, UInt8(magnitudeMask))
        if value < 0 { return notANumber }
        if value == 0 { return saturating ? 0 : notANumber }
        if value.isInfinite { return saturating ? UInt8(largest) : notANumber }
        var pattern = Int(value.exponent) + bias
        switch rounding {
        case .up: pattern += value.significand > 1 ? 1 : 0
        case .nearest: pattern += value.significand >= 1.5 ? 1 : 0
        case .down: break
        }
        if saturating { return UInt8(min(max(pattern, 0), largest)) }
        return pattern >= 0 && pattern <= largest ? UInt8(pattern) : notANumber
    }

    private func scale(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
}

/// How a number becomes a power of two, by the names of ONNX's `round_mode`.
package enum ScaleRounding: String, Sendable, CaseIterable {
    /// To the power above.
    case up
    /// To the power below.
    case down
    /// To the power whose exponent is nearest on a line, halves upwards.
    case nearest
}

/// The upper half of a float32: the nearest bfloat16 with ties to even; NaN stays NaN.
func bfloat16Bits(_ value: Double) -> UInt32 {
    let single = Float(value)
    if single.isNaN { return (single.bitPattern >> 16) | 0x40 }
    var bits = single.bitPattern
    // A double near the middle of two bfloat16 may become that middle as a float32. It goes back to its side, so
    // that it is rounded only once.
    if bits & 0xFFFF == 0x8000, Double(single) != value {
        bits = abs(value) > abs(Double(single)) ? bits + 1 : bits - 1
    }
    return (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16
}

/// A value rounded to a floating type, as a double again.
func rounded(_ value: Double, to element: ElementType) -> Double {
    switch element {
    case .float32: Double(Float(value))
    case .float16: Double(Float16(value))
    case .bfloat16: Double(Float(bitPattern: bfloat16Bits(value) << 16))
    default: value
    }
}

/// A double that rounds to any format of fewer bits as the integer itself would.
///
/// An integer that no double holds is cut, and the last bit of the double is set to stand for what was cut off.
func roundableDouble(_ whole: Int128) -> Double {
    let magnitude = whole.magnitude
    let surplus = UInt128.bitWidth - magnitude.leadingZeroBitCount - 53
    guard surplus > 0 else { return Double(whole) }
    let kept = (magnitude >> surplus) | (magnitude & ((1 << surplus) - 1) == 0 ? 0 : 1)
    let value = Double(sign: .plus, exponent: surplus, significand: Double(kept))
    return whole < 0 ? -value : value
}
