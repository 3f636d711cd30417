/// The product along axes; a NaN reaches its product.
package struct ReduceProd: FoldingOperator {
    package static let name = "ReduceProd"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { values.reduce(1, *) }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        // The low bits are all that is kept in the end, and those of a product are made of low bits.
        Int128(values.reduce(1 as Int64) { $0 &* Int64(truncatingIfNeeded: $1) })
    }
}

extension ReduceProd: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceProd", "The product along axes; 1 of nothing.")
}
