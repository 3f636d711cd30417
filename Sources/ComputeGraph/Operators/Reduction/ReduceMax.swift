/// The largest element along axes; a NaN wins, and of nothing it is the lowest value of the type.
package struct ReduceMax: FoldingOperator {
    package static let name = "ReduceMax"
    package static let types: TypeSet = [.numbers, .smallFloats, .smallIntegers, .bool]
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double {
        if values.contains(where: \.isNaN) { return .nan }
        return values.max() ?? -.infinity
    }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        values.max() ?? element.wholeRange?.lowerBound
    }
}

extension ReduceMax: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceMax", "The largest element along axes; of nothing the lowest value of the type.",
        types: [.numbers, .bool])
}
