/// The features of several inputs side by side, in float32, each input cut or filled with zeros to its width.
package struct FeatureVectorizer: Operator {
    package static let name = "FeatureVectorizer"
    /// The width of each input in the output.
    package var widths: [Int]

    package init(widths: [Int]) { self.widths = widths }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try require(!inputs.isEmpty, "takes at least one input")
        try require(
            widths.count == inputs.count && widths.allSatisfy { $0 >= 0 },
            "\(widths) are not the widths of \(inputs.count) inputs")
        var rows: Int?
        var columns = 0
        for (input, width) in zip(inputs, widths) {
            let own = try requireFeatureRows([input]).count
            try require(rows == nil || rows == own, "its inputs have \(rows ?? 0) and \(own) examples")
            rows = own
            try require(width <= Shape.maximalCount, "a width of \(width) is too large")
            columns = min(columns + width, Shape.maximalCount + 1)
        }
        return [TensorType(.float32, try Shape(checking: [rows ?? 0, columns]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let rows = inputs.map { $0.featureRows() }
        var values: [Double] = []
        for row in 0..<type.shape[0] {
            for (width, input) in zip(widths, rows) {
                let taken = input[row].prefix(width)
                values += taken + [Double](repeating: 0, count: width - taken.count)
            }
        }
        return [HostTensor(type, doubles: values)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}

extension FeatureVectorizer: ModelOperator {
    package static let schema = OperatorSchema(
        "FeatureVectorizer", domain: .machineLearning, "The features of several inputs side by side.",
        inputs: [.variadic("X", .features, "[N, C] each, or [C] for one example")],
        outputs: [.required("Y", .float32, "[N, sum of inputdimensions]")],
        attributes: [
            .ints(
                "inputdimensions", nil,
                "the width of each input: what is more is cut, what is less filled with 0; else as they are")
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, ["inputdimensions": .ints(widths)], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.allInputs()
        let own = inputs.map { graph.type(of: $0).shape.extents.last ?? 0 }
        let widths = try call.optionalInts("inputdimensions") ?? own
        return [.tensor(try graph.add(FeatureVectorizer(widths: widths), inputs))]
    }
}
