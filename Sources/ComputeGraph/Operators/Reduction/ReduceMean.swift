/// The mean along the given axes, or along all where none is given; a NaN reaches its mean.
///
/// ONNX gives the axes as an input; here they are an attribute, so that shapes are known when a graph is built. The
/// mean of integers is cut towards zero, and that of none is NaN, or 0 where there is no NaN.
package struct ReduceMean: ReductionOperator {
    package static let name = "ReduceMean"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func divisor(of count: Int) -> Double { Double(count) }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? {
        values.isEmpty ? 0 : values.reduce(0, &+) / Int128(values.count)
    }
}

extension ReduceMean: FoldingModelOperator {
    package static let schema = OperatorSchema.reduction("ReduceMean", "The mean along axes.")
}
