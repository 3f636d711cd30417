/// Regions of images brought to one size, each part the largest element in it: ONNX's `MaxRoiPool`.
///
/// Inputs: x `[batch, channels, height, width]` and regions `[regions, 5]` (number of the image, left, top, right,
/// bottom, the last two inside). A part without elements is 0. A region of an image that is not there, or with a
/// bound that is no number or far outside, gives NaN.
package struct MaxRoiPool: Operator {
    package static let name = "MaxRoiPool"
    /// Height and width.
    package var pooledShape: [Int]
    package var spatialScale: Double

    package init(pooledShape: [Int], spatialScale: Double = 1) {
        self.pooledShape = pooledShape
        self.spatialScale = spatialScale
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        try requireFloating(inputs)
        try requireRank(inputs[0], 4, "x")
        try requireRank(inputs[1], 2, "the tensor of regions")
        try requireShape(inputs[1], [inputs[1].shape[0], 5], "the tensor of regions")
        try require(
            pooledShape.count == 2 && pooledShape.allSatisfy { $0 >= 1 },
            "the pooled shape is a height and a width of at least 1, not \(pooledShape)")
        let kept = [inputs[1].shape[0], inputs[0].shape[1]]
        return [TensorType(inputs[0].element, try Shape(checking: kept + pooledShape))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let shape = inputs[0].type.shape
        let (x, regions) = (inputs[0].doubles, inputs[1].doubles)
        var result = [Double](repeating: .nan, count: type.shape.count)
        for region in 0..<(result.isEmpty ? 0 : type.shape[0]) {
            let numbers = regions[region * 5..<region * 5 + 5]
            let image = numbers[region * 5]
            let bounds = numbers.dropFirst().map { ($0 * spatialScale).rounded() }
            guard image >= 0, image < Double(shape[0]), bounds.allSatisfy({ abs($0) < 0x1p52 }) else {
                continue
            }
            let columns = parts(from: bounds[0], to: bounds[2], pooledShape[1], extent: shape[3])
            let rows = parts(from: bounds[1], to: bounds[3], pooledShape[0], extent: shape[2])
            var target = region * shape[1] * pooledShape[0] * pooledShape[1]
            for channel in 0..<shape[1] {
                let first = (Int(image) * shape[1] + channel) * shape[2] * shape[3]
                for row in rows {
                    for column in columns {
                        var largest = row.isEmpty || column.isEmpty ? 0 : -Double.infinity
                        for y in row {
                            let line = first + y * shape[3]
                            for value in x[line + column.lowerBound..<line + column.upperBound] {
                                largest = value.isNaN || largest.isNaN ? .nan : max(largest, value)
                            }
                        }
                        result[target] = largest
                        target += 1
                    }
                }
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    private func parts(from start: Double, to end: Double, _ count: Int, extent: Int) -> [Range<Int>] {
        let part = max(end - start + 1, 1) / Double(count)
        func held(_ place: Double) -> Int { Int(min(max(place + start, 0), Double(extent))) }
        return (0..<count).map { index in
            let first = held((Double(index) * part).rounded(.down))
            return first..<max(first, held((Double(index + 1) * part).rounded(.up)))
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
}

extension MaxRoiPool: ModelOperator {
    package static let schema = OperatorSchema(
        "MaxRoiPool", "Regions of images brought to one size, each part the largest element in it.",
        inputs: [
            .required("X", .floats, "[batch, channels, height, width]"),
            .required("rois", .floats, "[regions, 5]: number of the image, left, top, right, bottom"),
        ],
        outputs: [.required("Y", .floats, "[regions, channels, height, width]")],
        attributes: [
            .ints("pooled_shape", nil, "the new height and width").required,
            .float("spatial_scale", 1, "from the coordinates of regions to those of X"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let rule = MaxRoiPool(
            pooledShape: try call.ints("pooled_shape"), spatialScale: try call.float("spatial_scale"))
        return [.tensor(try graph.add(rule, [call.input(0), call.input(1)]))]
    }
}
