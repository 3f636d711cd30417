/// The smallest element along axes; a NaN wins, and of nothing it is the highest value of the type.
package struct ReduceMin: FoldingOperator {
    package static let name = "ReduceMin"
    package static let types: TypeSet = [.numbers, .smallFloats, .smallIntegers, .bool]
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func fold(_ values: [Double]) -> Double {
        if values.contains(where: \.isNaN) { return .nan }
        return values.min() ?? .infinity
    }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        values.min() ?? element.wholeRange?.upperBound
    }
}

extension ReduceMin: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction(
        "ReduceMin", "The smallest element along axes; of nothing the highest value of the type.",
        types: [.numbers, .bool])
}
