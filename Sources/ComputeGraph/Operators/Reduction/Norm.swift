#if canImport(Glibc)
internal import Glibc
#endif

/// The p-norm along axes: the p-th root of the sum of the p-th powers of the magnitudes.
///
/// With p infinite it is the largest magnitude, with minus infinity the smallest, and with 0 the count of elements
/// that are not zero. A NaN reaches its norm.
package struct Norm: FoldingOperator {
    package static let name = "Norm"
    package static let types: TypeSet = [.floats, .smallFloats]
    package var p: Double
    package var axes: [Int]
    package var keepDims: Bool

    package init(p: Double = 2, axes: [Int] = [], keepDims: Bool = true) {
        self.p = p
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double {
        if values.contains(where: \.isNaN) { return .nan }
        let magnitudes = values.map { abs($0) }
        // The largest magnitude is taken out, so that no power overflows.
        let largest = magnitudes.max() ?? 0
        switch p {
        case .infinity: return largest
        case -.infinity: return magnitudes.min() ?? 0
        case 0: return Double(magnitudes.count { $0 != 0 })
        case 2 where largest < 1e150 && largest > 1e-150:
            return magnitudes.reduce(0) { $0 + $1 * $1 }.squareRoot()
        default:
            if largest == 0 || largest.isInfinite { return p > 0 ? largest : 0 }
            return largest * pow(magnitudes.reduce(0) { $0 + pow($1 / largest, p) }, 1 / p)
        }
    }
}

extension Norm: ModelOperator {
    package static let schema = OperatorSchema.ownReduction(
        "Norm", "The p-norm along axes.", types: .floats,
        attributes: [.float("p", 2, "any number; infinite ones give the largest and the smallest magnitude")])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, ["p": .float(p), "axes": .ints(axes), "keepdims": .flag(keepDims)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let p = try call.float("p")
        try call.require(!p.isNaN, "p is a number")
        return try call.folded(axesInputSince: .max, in: &graph) { Norm(p: p, axes: $0, keepDims: $1) }
    }
}
