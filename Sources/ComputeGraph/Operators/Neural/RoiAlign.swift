/// Regions of images brought to one size, each part the mean or the maximum of samples: ONNX's `RoiAlign`.
///
/// Inputs: x `[batch, channels, height, width]`, regions `[regions, 4]` (left, top, right, bottom) and for each
/// the number of its image. A region of an image that is not there, or with a bound that is no number, gives NaN.
package struct RoiAlign: Operator {
    package static let name = "RoiAlign"
    package var outputHeight: Int
    package var outputWidth: Int
    /// Samples along each axis of a part; 0 for about one for each element.
    package var samplingRatio: Int
    package var spatialScale: Double
    package var takesMaximum: Bool
    /// Whether an element's place is its middle.
    package var usesHalfPixels: Bool

    package init(
        outputHeight: Int = 1, outputWidth: Int = 1, samplingRatio: Int = 0, spatialScale: Double = 1,
        takesMaximum: Bool = false, usesHalfPixels: Bool = true
    ) {
        self.outputHeight = outputHeight
        self.outputWidth = outputWidth
        self.samplingRatio = samplingRatio
        self.spatialScale = spatialScale
        self.takesMaximum = takesMaximum
        self.usesHalfPixels = usesHalfPixels
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 3)
        try requireFloating(inputs[..<2])
        try requireIndices(inputs[2])
        try requireRank(inputs[0], 4, "x")
        try requireRank(inputs[2], 1, "the tensor of image numbers")
        try requireShape(inputs[1], [inputs[2].shape[0], 4], "the tensor of regions")
        try require(
            outputHeight >= 1 && outputWidth >= 1,
            "the output is at least 1 high and wide, not \(outputHeight) and \(outputWidth)")
        try require(
            samplingRatio >= 0 && samplingRatio <= 1024, "a part has 0 to 1024 samples, not \(samplingRatio)")
        let extents = [inputs[1].shape[0], inputs[0].shape[1], outputHeight, outputWidth]
        return [TensorType(inputs[0].element, try Shape(checking: extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let shape = inputs[0].type.shape
        let (x, regions, images) = (inputs[0].doubles, inputs[1].doubles, inputs[2].indices)
        let plane = shape[2] * shape[3]
        var result = [Double](repeating: .nan, count: type.shape.count)
        for region in images.indices where type.shape.count > 0 {
            let bounds = regions[region * 4..<region * 4 + 4].map {
                $0 * spatialScale - (usesHalfPixels ? 0.5 : 0)
            }
            guard images[region] >= 0, images[region] < shape[0], bounds.allSatisfy(\.isFinite) else {
                continue
            }
            let columns = parts(from: bounds[0], to: bounds[2], outputWidth, extent: shape[3])
            let rows = parts(from: bounds[1], to: bounds[3], outputHeight, extent: shape[2])
            var target = region * shape[1] * outputHeight * outputWidth
            for channel in 0..<shape[1] {
                let first = (images[region] * shape[1] + channel) * plane
                for row in rows {
                    for column in columns {
                        result[target] = pooled(x, first, row, column, width: shape[3])
                        target += 1
                    }
                }
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    /// What one part of a region is made of along one axis.
    private struct Part {
        /// The samples inside the image: two neighbours, and the share of the second.
        var samples: [(low: Int, high: Int, share: Double)]
        /// All samples, those outside with them.
        var count: Double
    }

    private func parts(from start: Double, to end: Double, _ count: Int, extent: Int) -> [Part] {
        let length = usesHalfPixels ? end - start : max(end - start, 1)
        let part = length / Double(count)
        let samples = samplingRatio > 0 ? Double(samplingRatio) : max(0, part.rounded(.up))
        let step = part / samples
        return (0..<count).map { index in
            let first = start + Double(index) * part
            var inside: [(low: Int, high: Int, share: Double)] = []
            // Samples are at first + (i + 0.5) * step; only those from -1 to the extent lie in the image.
            var range = (0.0, samples)
            if step > 0 {
                range.0 = max(0, ((-1 - first) / step - 1.5).rounded(.down))
                range.1 = min(samples, ((Double(extent) - first) / step + 1.5).rounded(.up))
            } else if samplingRatio == 0 {
                range = (0, 0)
            }
            var sample = range.0
            // Beyond this a number and its successor are the same.
            while sample < min(range.1, 0x1p52) {
                let place = first + (sample + 0.5) * step
                sample += 1
                guard place >= -1, place <= Double(extent), extent > 0 else { continue }
                let held = min(max(place, 0), Double(extent - 1))
                let low = Int(held)
                inside.append((low, min(low + 1, extent - 1), held - Double(low)))
            }
            return Part(samples: inside, count: samples)
        }
    }

    private func pooled(_ x: [Double], _ first: Int, _ rows: Part, _ columns: Part, width: Int) -> Double {
        var (sum, largest) = (0.0, -Double.infinity)
        for row in rows.samples {
            let (top, bottom) = (first + row.low * width, first + row.high * width)
            for column in columns.samples {
                let corners = (
                    x[top + column.low] * (1 - row.share) * (1 - column.share),
                    x[top + column.high] * (1 - row.share) * column.share,
                    x[bottom + column.low] * row.share * (1 - column.share),
                    x[bottom + column.high] * row.share * column.share
                )
                if takesMaximum {
                    largest = max(largest, max(max(corners.0, corners.1), max(corners.2, corners.3)))
                } else {
                    sum += corners.0 + corners.1 + corners.2 + corners.3
                }
            }
        }
        guard takesMaximum else { return sum / max(rows.count * columns.count, 1) }
        let inside = Double(rows.samples.count) * Double(columns.samples.count)
        // A sample outside the image counts as 0.
        return inside < rows.count * columns.count || inside == 0 ? max(largest, 0) : largest
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }
}

extension RoiAlign: ModelOperator {
    package static let schema = OperatorSchema(
        "RoiAlign", since: 10,
        "Regions of images brought to one size, each part the mean or maximum of samples.",
        inputs: [
            .required("X", .floats, "[batch, channels, height, width]"),
            .required("rois", .floats, "[regions, 4]: left, top, right, bottom"),
            .required("batch_indices", .int64, "[regions], the number of each region's image"),
        ],
        outputs: [.required("Y", .floats, "[regions, channels, output_height, output_width]")],
        attributes: [
            .string(
                "coordinate_transformation_mode", nil,
                "half_pixel (where left out) or output_half_pixel (before version 16)"),
            .string("mode", "avg", "avg or max"),
            .int("output_height", 1, "the new height"),
            .int("output_width", 1, "the new width"),
            .int("sampling_ratio", 0, "samples along each axis of a part; 0 for about one for each element"),
            .float("spatial_scale", 1, "from the coordinates of regions to those of X"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, since: 16,
            [
                "output_height": .int(outputHeight), "output_width": .int(outputWidth),
                "sampling_ratio": .int(samplingRatio), "spatial_scale": .float(spatialScale),
                "mode": .string(takesMaximum ? "max" : "avg"),
                "coordinate_transformation_mode": .string(
                    usesHalfPixels ? "half_pixel" : "output_half_pixel"),
            ], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let mode = try call.string("mode").lowercased()
        try call.require(mode == "avg" || mode == "max", "the mode is avg or max, not \(mode)")
        let placement =
            try call.optionalString("coordinate_transformation_mode")?.lowercased()
            ?? (call.version < 16 ? "output_half_pixel" : "half_pixel")
        try call.require(
            placement == "half_pixel" || placement == "output_half_pixel",
            "there is no coordinate_transformation_mode \(placement)")
        let rule = RoiAlign(
            outputHeight: try call.int("output_height"), outputWidth: try call.int("output_width"),
            samplingRatio: try call.int("sampling_ratio"), spatialScale: try call.float("spatial_scale"),
            takesMaximum: mode == "max", usesHalfPixels: placement == "half_pixel")
        return [.tensor(try graph.add(rule, call.allInputs()))]
    }
}
