/// The best boxes of each class, without those that overlap a better one too much.
package enum NonMaxSuppression: ModelOperator {
    package static let schema = OperatorSchema(
        "NonMaxSuppression", since: 10, "The best boxes of each class that do not overlap too much.",
        inputs: [
            .required("boxes", .float32, "images, boxes, and four numbers for each box"),
            .required("scores", .float32, "images, classes and boxes"),
            .optional("max_output_boxes_per_class", .int64, "one number; without it 0"),
            .optional("iou_threshold", .float32, "the most that two boxes may share of their union; else 0"),
            .optional("score_threshold", .float32, "what a score must be above; without it any will do"),
        ],
        outputs: [.required("selected_indices", .int64, "for each box chosen its image, class and index")],
        attributes: [
            .int(
                "center_point_box", 0,
                "whether boxes are centers and extents, x first, or two corners, y first")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let boxes = try graph.tensor(call.input(0))
        let scores = try graph.tensor(call.input(1))
        let (b, s) = (boxes.type.shape, scores.type.shape)
        try call.require(
            b.rank == 3 && s.rank == 3 && b[2] == 4 && b[0] == s[0] && b[1] == s[2],
            "\(b) is not [images, boxes, 4], or \(s) not [images, classes, boxes]")
        func number(_ index: Int) throws -> Float? {
            guard let input = try call.optional(index) else { return nil }
            return try graph.tensor(input).floats.first
        }
        var most = 0
        if let input = try call.optional(2) { most = try graph.integers(input).first ?? 0 }
        // Each box meets all that have been chosen of its class.
        try graph.spend(operationCount(s.count, min(max(most, 1), s[2])))
        let suppression = Suppression(
            most: most, overlap: try number(3) ?? 0, score: try number(4),
            boxes: try Box.boxes(boxes.floats, areCentered: call.flag("center_point_box")))
        let rows = most > 0 ? suppression.chosen(scores.floats, s) : []
        let type = TensorType.int64(rows.count / 3, 3)
        return [.tensor(graph.constant(HostTensor(type, integers: rows.map(Int64.init))))]
    }
}

/// A box by its corners.
private struct Box {
    var low: SIMD2<Float>
    var high: SIMD2<Float>

    static func boxes(_ numbers: [Float], areCentered: Bool) -> [Box] {
        stride(from: 0, to: numbers.count, by: 4).map { place in
            let first = SIMD2(numbers[place], numbers[place + 1])
            let second = SIMD2(numbers[place + 2], numbers[place + 3])
            if areCentered { return Box(low: first - second / 2, high: first + second / 2) }
            // Any two opposite corners will do.
            return Box(low: pointwiseMin(first, second), high: pointwiseMax(first, second))
        }
    }

    var area: Float { (high.x - low.x) * (high.y - low.y) }

    /// The part that two boxes share of what they cover together.
    func overlap(with other: Box) -> Float {
        let first = pointwiseMax(low, other.low)
        let last = pointwiseMin(high, other.high)
        guard last.x > first.x, last.y > first.y, area > 0, other.area > 0 else { return 0 }
        let shared = Box(low: first, high: last).area
        let union = area + other.area - shared
        return union > 0 ? shared / union : 0
    }
}

private struct Suppression {
    var most: Int
    var overlap: Float
    var score: Float?
    var boxes: [Box]

    /// For each box chosen its image, class and index, class by class.
    func chosen(_ scores: [Float], _ shape: Shape) -> [Int] {
        var rows: [Int] = []
        guard shape.count > 0 else { return rows }
        for image in 0..<shape[0] {
            for group in 0..<shape[1] {
                let start = (image * shape[1] + group) * shape[2]
                let found = chosen(Array(scores[start..<start + shape[2]]), firstBox: image * shape[2])
                rows += found.flatMap { [image, group, $0] }
            }
        }
        return rows
    }

    private func chosen(_ scores: [Float], firstBox: Int) -> [Int] {
        let candidates = scores.indices.filter { index in score.map { scores[index] > $0 } ?? true }
        let sorted = candidates.sorted { (scores[$1], $0) < (scores[$0], $1) }
        var kept: [Int] = []
        for index in sorted where kept.count < most {
            let box = boxes[firstBox + index]
            if kept.allSatisfy({ box.overlap(with: boxes[firstBox + $0]) <= overlap }) { kept.append(index) }
        }
        return kept
    }
}
