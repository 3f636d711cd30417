/// Whether all elements along axes are true; true of nothing.
package struct ReduceAll: FoldingOperator {
    package static let name = "ReduceAll"
    package static let types = TypeSet.bool
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { values.contains(0) ? 0 : 1 }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? { values.contains(0) ? 0 : 1 }
}

extension ReduceAll: FoldingModelOperator {
    package static let axesInputSince = Int.max
    package static let schema = OperatorSchema.ownReduction(
        "ReduceAll", "Whether all elements along axes are true.", types: .bool)
}
