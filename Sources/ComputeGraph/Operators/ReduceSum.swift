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
}
