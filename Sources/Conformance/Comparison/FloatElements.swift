internal import ComputeGraph

/// The elements of a tensor of floats or complex numbers, as doubles and as patterns of bits.
///
/// A complex number is two parts that lie side by side.
struct FloatElements {
    /// The elements; a complex one counts once.
    let count: Int
    private let parts: [Double]
    /// The patterns, widened to 64 bits.
    private let patterns: [UInt64]
    private let width: Int
    private let partsPerElement: Int

    init(_ tensor: HostTensor) {
        count = tensor.type.shape.count
        partsPerElement = tensor.type.element.kind == .complex ? 2 : 1
        switch tensor.type.element {
        case .float64, .complex128:
            (width, patterns) = (64, tensor.words(UInt64.self))
            parts = patterns.map { Double(bitPattern: $0) }
        case .float32, .complex64:
            (width, patterns) = (32, tensor.words(UInt32.self).map { UInt64($0) })
            parts = patterns.map { Double(Float(bitPattern: UInt32($0))) }
        default:
            (width, patterns) = (16, tensor.words(UInt16.self).map { UInt64($0) })
            parts = tensor.doubles
        }
    }

    /// Whether an element is near enough; without a tolerance it must have the same bits, or both are NaN.
    func agree(with expected: FloatElements, at index: Int, _ tolerance: Tolerance?) -> Bool {
        let range = index * partsPerElement..<(index + 1) * partsPerElement
        if range.allSatisfy({ hasSameValue(as: expected, at: $0, exactly: tolerance == nil) }) { return true }
        guard let tolerance else { return false }
        let (own, wanted) = (parts[range], expected.parts[range])
        guard own.allSatisfy(\.isFinite), wanted.allSatisfy(\.isFinite) else { return false }
        let error = zip(own, wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        let size = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
        // Squares of doubles may overflow where the doubles do not; a single part needs none.
        let (plainError, plainSize) =
            partsPerElement == 1
            ? (abs(parts[range.lowerBound] - expected.parts[range.lowerBound]), abs(wanted[range.lowerBound]))
            : (error, size)
        return plainError <= tolerance.absolute + tolerance.relative * plainSize
    }

    private func hasSameValue(as expected: FloatElements, at part: Int, exactly: Bool) -> Bool {
        if parts[part].isNaN || expected.parts[part].isNaN {
            return parts[part].isNaN && expected.parts[part].isNaN
        }
        return exactly ? patterns[part] == expected.patterns[part] : parts[part] == expected.parts[part]
    }

    func text(_ index: Int) -> String {
        partsPerElement == 1 ? "\(parts[index])" : "(\(parts[2 * index]), \(parts[2 * index + 1]))"
    }

    /// The most floats that lie between two finite parts, the far one counted.
    func worstSteps(from expected: FloatElements) -> UInt64 {
        parts.indices.reduce(0) { worst, part in
            guard parts[part].isFinite, expected.parts[part].isFinite else { return worst }
            let (own, wanted) = (place(patterns[part]), place(expected.patterns[part]))
            return max(worst, own > wanted ? UInt64(own - wanted) : UInt64(wanted - own))
        }
    }

    /// Where a float stands when all of its type are put in order; both zeros stand at 0.
    private func place(_ pattern: UInt64) -> Int128 {
        let sign: UInt64 = 1 << UInt64(width - 1)
        let magnitude = Int128(pattern & (sign - 1))
        return pattern & sign == 0 ? magnitude : -magnitude
    }

    /// Squared errors over expected squares, of the finite parts; at most the largest double.
    func error(against expected: FloatElements) -> Double {
        var (errors, energy) = (0.0, 0.0)
        for part in parts.indices where parts[part].isFinite && expected.parts[part].isFinite {
            let difference = parts[part] - expected.parts[part]
            errors += difference * difference
            energy += expected.parts[part] * expected.parts[part]
        }
        guard errors > 0 else { return 0 }
        let ratio = errors / energy
        return ratio.isFinite ? ratio : .greatestFiniteMagnitude
    }
}

extension HostTensor {
    /// The bytes as words of a width that divides the element's.
    fileprivate func words<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) -> [Word] {
        unsafe withBytes { bytes in unsafe Array(bytes.bindMemory(to: type)) }
    }
}
