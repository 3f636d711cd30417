/// The sum along the given axes, or along all where none is given; a NaN reaches its sum.
///
/// ONNX gives the axes as an input; here they are an attribute, so that shapes are known when a graph is built.
package struct ReduceSum: ReductionOperator {
    package static let name = "ReduceSum"
    package var axes: [Int]
    package var keepDims: Bool

    package init(axes: [Int] = [], keepDims: Bool = true) {
        self.axes = axes
        self.keepDims = keepDims
    }

    package func divisor(of count: Int) -> Double { 1 }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? { values.reduce(0, &+) }
}

extension ReduceSum: FoldingModelOperator {
    package static let axesInputSince = 13
    package static let schema = OperatorSchema.reduction(
        "ReduceSum", "The sum along axes; 0 of nothing.", axesInputSince: 13)
}
