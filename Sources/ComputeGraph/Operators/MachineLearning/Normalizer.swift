/// Each example divided by its norm; an example of norm 0 stays as it is.
package struct Normalizer: Operator {
    package static let name = "Normalizer"

    package enum Norm: String, Hashable, Sendable, CaseIterable {
        /// The largest element, with its sign, as the standard has it.
        case maximum = "MAX"
        /// The sum of magnitudes.
        case sum = "L1"
        /// The square root of the sum of squares.
        case euclidean = "L2"

        func value(_ example: ArraySlice<Double>) -> Double {
            switch self {
            case .maximum: example.reduce(-.infinity) { $1.isNaN ? .nan : max($0, $1) }
            case .sum: example.reduce(0) { $0 + abs($1) }
            case .euclidean: dot(example, example).squareRoot()
            }
        }
    }

    package var norm: Norm

    package init(_ norm: Norm) { self.norm = norm }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        _ = try requireFeatureRows(inputs)
        return [TensorType(.float32, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let values = inputs[0].featureRows().flatMap { example in
            let length = norm.value(example)
            return length == 0 ? Array(example) : example.map { $0 / length }
        }
        return [HostTensor(TensorType(.float32, inputs[0].type.shape), doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        3 * outputs[0].shape.count
    }
}

extension Normalizer: ModelOperator {
    package static let schema = OperatorSchema(
        "Normalizer", domain: .machineLearning, "Each example divided by its norm.",
        inputs: [.required("X", .features, "[N, F], or [F] for one example")],
        outputs: [.required("Y", .float32, "the shape of X; an example of norm 0 stays as it is")],
        attributes: [
            .string(
                "norm", "MAX",
                "MAX, the largest element with its sign; L1, the sum of magnitudes; or L2, the Euclidean length"
            )
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let name = try call.string("norm")
        guard let norm = Norm(rawValue: name) else {
            throw call.error("norm is MAX, L1 or L2, not \(name)")
        }
        return [.tensor(try graph.add(Normalizer(norm), [call.input(0)]))]
    }
}
