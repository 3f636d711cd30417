/// Whether at least one element along axes is true; false of nothing.
package struct ReduceAny: FoldingOperator {
    package static let name = "ReduceAny"
    package static let types = TypeSet.bool
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double { values.contains { $0 != 0 } ? 1 : 0 }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        values.contains { $0 != 0 } ? 1 : 0
    }
}

extension ReduceAny: FoldingModelOperator {
    package static let axesInputSince = Int.max
    package static let schema = OperatorSchema.ownReduction(
        "ReduceAny", "Whether at least one element along axes is true.", types: .bool)
}
