/// The determinant of each matrix along the two last axes, which are equal.
package struct Det: Operator {
    package static let name = "Det"

    package init() {}

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = try requireCommon(.floats, inputs)
        let extents = inputs[0].shape.extents
        try require(
            extents.count >= 2 && extents[extents.count - 1] == extents[extents.count - 2],
            "determinants are those of square matrices, not of \(inputs[0].shape)")
        return [TensorType(element, try Shape(checking: Array(extents.dropLast(2))))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let size = inputs[0].type.shape.extents.last ?? 0
        let x = inputs[0].doubles
        let values = (0..<type.shape.count).map { matrix in
            determinant(Array(x[matrix * size * size..<(matrix + 1) * size * size]), size)
        }
        return [HostTensor(type, doubles: values)]
    }

    /// Elimination with the largest pivot of each column.
    private func determinant(_ matrix: [Double], _ size: Int) -> Double {
        var a = matrix
        var result = 1.0
        for column in 0..<size {
            guard
                let pivot = (column..<size).max(by: {
                    abs(a[$0 * size + column]) < abs(a[$1 * size + column])
                })
            else { return result }
            if pivot != column {
                for place in 0..<size { a.swapAt(pivot * size + place, column * size + place) }
                result = -result
            }
            let value = a[column * size + column]
            result *= value
            if value == 0 { return result }
            for row in column + 1..<size {
                let factor = a[row * size + column] / value
                for place in column..<size { a[row * size + place] -= factor * a[column * size + place] }
            }
        }
        return result
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: inputs[0].shape.extents.last ?? 1)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        let size = Double(inputs[0].shape.extents.last ?? 0)
        return Int(min(Double(outputs[0].shape.count) * size * size * size * 2 / 3, 0x1p62))
    }
}

extension Det: ModelOperator {
    package static let schema = OperatorSchema(
        "Det", since: 11, "The determinants of square matrices.",
        inputs: [.required("X", .floats, "matrices along the two last axes")],
        outputs: [.required("Y", .floats, "the axes before the last two")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(Det(), [call.input(0)]))]
    }
}
