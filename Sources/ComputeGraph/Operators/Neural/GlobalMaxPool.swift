/// The largest element over all axes after the channels, which stay with the extent 1.
///
/// A NaN in a channel gives NaN there, and nothing gives minus infinity.
package struct GlobalMaxPool: GlobalPoolOperator {
    package static let name = "GlobalMaxPool"

    package init() {}

    func value(of plane: ArraySlice<Double>) -> Double {
        plane.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension GlobalMaxPool: ModelOperator {
    package static let schema = globalPoolSchema(
        "GlobalMaxPool", "The largest element of each channel of an image.")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(GlobalMaxPool(), [call.input(0)]))]
    }
}
