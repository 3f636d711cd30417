/// Numbers as text and back, by the rules of ONNX's `Cast`.
extension HostTensor {
    /// The elements as Python writes them: the fewest digits that tell a number from its neighbours, and an exponent
    /// only for what is smaller than 1e-4 or at least 1e16.
    var texts: [String] {
        switch type.element {
        case .string: strings
        case .bool: elements(UInt8.self).map { $0 == 0 ? "False" : "True" }
        case .float64: elements(Double.self).map { plainText(of: $0, shortest: $0.description) }
        case .float16: elements(Float16.self).map { plainText(of: Double($0), shortest: $0.description) }
        case let element where element.isInteger: wholes.map(String.init)
        // A float32 holds all values of the narrower formats.
        default: doubles.map { plainText(of: $0, shortest: Float($0).description) }
        }
    }
}

/// Lays out the digits of Swift's text of a number in Python's way.
private func plainText(of value: Double, shortest: String) -> String {
    if value.isNaN { return "nan" }
    let sign = value.sign == .minus ? "-" : ""
    if value.isInfinite { return sign + "inf" }
    if value == 0 { return sign + "0.0" }
    var (digits, point) = significantDigits(of: shortest)
    // `point` is where the decimal point stands, counted from the first digit.
    if point > 16 || point < -3 {
        let exponent = point - 1
        let rest = digits.dropFirst()
        let magnitude = String(exponent.magnitude)
        let mantissa = rest.isEmpty ? String(digits.prefix(1)) : "\(digits.prefix(1)).\(rest)"
        let padding = magnitude.count < 2 ? "0" : ""
        return "\(sign)\(mantissa)e\(exponent < 0 ? "-" : "+")\(padding)\(magnitude)"
    }
    if point <= 0 { return "\(sign)0.\(String(repeating: "0", count: -point))\(digits)" }
    if digits.count <= point { digits += String(repeating: "0", count: point - digits.count) + "0" }
    return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
}

/// The digits of a decimal text without zeros around them, and where the point stands among them.
private func significantDigits(of text: String) -> (digits: String, point: Int) {
    let halves = text.lowercased().split(separator: "e")
    var digits = ""
    var point = 0
    var sawPoint = false
    for character in halves.first ?? "" {
        if character == "." {
            sawPoint = true
        } else if character.isASCII, character.isNumber {
            if character != "0" || !digits.isEmpty { digits.append(character) }
            if sawPoint ? digits.isEmpty : !digits.isEmpty { point += sawPoint ? -1 : 1 }
        }
    }
    if halves.count > 1 { point += Int(halves[1]) ?? 0 }
    while digits.last == "0" { digits.removeLast() }
    return (digits, point)
}

/// Reads numbers from strings, with `Cast`'s target type and rounding.
///
/// A float is plain or scientific, or INF, +INF, -INF or NaN in any case. Whole numbers are read exactly; from a
/// fraction an integer type takes what stands before the point. A bool is also true or false in any case.
struct CastText {
    var cast: Cast

    func converted(_ source: HostTensor) throws(GraphError) -> HostTensor {
        let type = TensorType(cast.to, source.type.shape)
        switch cast.to {
        case .bool:
            return HostTensor(
                type, wrapping: try source.strings.map { text throws(GraphError) in try bool(text) })
        case let to where to.isInteger:
            return HostTensor(
                type, wrapping: try source.strings.map { text throws(GraphError) in try whole(text) })
        case .float32:
            return HostTensor(
                type,
                doubles: try source.strings.map { text throws(GraphError) in
                    Double(try float(text, Float.self))
                })
        case .float16:
            return HostTensor(
                type,
                doubles: try source.strings.map { text throws(GraphError) in
                    Double(try float(text, Float16.self))
                })
        default:
            let doubles = try source.strings.map { text throws(GraphError) in try float(text, Double.self) }
            let wide = HostTensor(TensorType(.float64, type.shape), doubles: doubles)
            return cast.reference([wide])[0]
        }
    }

    private func refusal(_ text: String) -> GraphError {
        .shapeMismatch(operator: Cast.name, reason: "the text \"\(text.prefix(80))\" is no \(cast.to)")
    }

    private func bool(_ text: String) throws(GraphError) -> Int128 {
        switch trimmed(text).lowercased() {
        case "true": return 1
        case "false": return 0
        default: return try float(text, Double.self) == 0 ? 0 : 1
        }
    }

    private func whole(_ text: String) throws(GraphError) -> Int128 {
        let value: Int128
        if let exact = Int128(trimmed(text)) {
            value = exact
        } else {
            let double = try float(text, Double.self).rounded(.towardZero)
            guard abs(double) < 0x1p100 else { throw refusal(text) }
            value = Int128(double)
        }
        // In range is what a tensor of the type gives back.
        let kept = HostTensor(TensorType(cast.to, []), wrapping: [value]).wholes
        guard kept == [value] else { throw refusal(text) }
        return value
    }

    private func float<Value: BinaryFloatingPoint & LosslessStringConvertible>(
        _ text: String, _: Value.Type
    ) throws(GraphError) -> Value {
        let text = trimmed(text)
        switch text.lowercased() {
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        case "nan", "+nan", "-nan": return .nan
        default:
            // Swift's own readers also know hexadecimal numbers, which ONNX does not.
            let isDecimal = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
            guard isDecimal, let value = Value(text) else { throw refusal(text) }
            return value
        }
    }

    /// The text without ASCII white space around it.
    private func trimmed(_ text: String) -> String {
        let space = { (scalar: Unicode.Scalar) in scalar == " " || (scalar.value >= 9 && scalar.value <= 13) }
        let scalars = text.unicodeScalars.drop(while: space)
        guard let last = scalars.lastIndex(where: { !space($0) }) else { return "" }
        return String(scalars[...last])
    }
}
