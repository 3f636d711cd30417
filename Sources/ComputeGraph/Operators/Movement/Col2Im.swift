/// Blocks of images, each a column, added up where they overlap: what takes the columns of a convolution back.
///
/// The input is `[images, channels * elements of a block, blocks]`, both in row-major order.
package struct Col2Im: Operator {
    package static let name = "Col2Im"
    package var image: [Int]
    package var block: [Int]
    package var strides: [Int]
    /// Before each axis of the image, then after each.
    package var pads: [Int]
    package var dilations: [Int]

    package init(image: [Int], block: [Int], strides: [Int], pads: [Int], dilations: [Int]) {
        self.image = image
        self.block = block
        self.strides = strides
        self.pads = pads
        self.dilations = dilations
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = try requireCommon(.numbers, inputs)
        try requireRank(inputs[0], 3, "the input")
        let axes = image.count
        try require(
            axes > 0 && block.count == axes && strides.count == axes && dilations.count == axes
                && pads.count == 2 * axes,
            "there are as many strides, dilations and extents of a block as of the image, and twice as many pads"
        )
        let isPositive = (block + strides + dilations).allSatisfy { $0 >= 1 && $0 <= Int32.max }
        let isNatural = (image + pads).allSatisfy { $0 >= 0 && $0 <= Int32.max }
        try require(isPositive && isNatural, "extents, strides, dilations and pads are not negative or huge")
        let counts = blockCounts
        let size = try Shape(checking: block).count
        let blocks = try Shape(checking: counts).count
        try require(
            inputs[0].shape[1] % size == 0 && inputs[0].shape[2] == blocks,
            "\(inputs[0].shape) does not hold \(counts) blocks of \(block)")
        let channels = inputs[0].shape[1] / size
        return [TensorType(element, try Shape(checking: [inputs[0].shape[0], channels] + image))]
    }

    /// How many blocks lie along each axis.
    private var blockCounts: [Int] {
        image.indices.map { axis in
            let room =
                image[axis] + pads[axis] + pads[axis + image.count] - dilations[axis] * (block[axis] - 1) - 1
            return room < 0 ? 0 : room / strides[axis] + 1
        }
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0, inputs[0].type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        if type.element.isFloating {
            return [HostTensor(type, doubles: summed(inputs[0].doubles, count: type.shape.count, zero: 0, +))]
        }
        return [HostTensor(type, wrapping: summed(inputs[0].wholes, count: type.shape.count, zero: 0, &+))]
    }

    private func summed<Number>(
        _ columns: [Number], count: Int, zero: Number, _ add: (Number, Number) -> Number
    ) -> [Number] {
        var result = [Number](repeating: zero, count: count)
        let plane = image.reduce(1, *)
        let grids = blockElements
        var place = 0
        for base in stride(from: 0, to: count, by: plane) {
            for offsets in grids {
                for offset in offsets {
                    if offset >= 0 { result[base + offset] = add(result[base + offset], columns[place]) }
                    place += 1
                }
            }
        }
        return result
    }

    /// For each element of a block, where it lies in the image in each of the blocks.
    private var blockElements: [[Int]] {
        let steps = Shape(image).strides
        let counts = blockCounts
        let shape = Shape(block)
        return (0..<shape.count).map { element in
            let within = shape.coordinates(of: element)
            return OffsetGrid(
                image.indices.map { axis in
                    (0..<counts[axis]).map { index in
                        let place = index * strides[axis] - pads[axis] + within[axis] * dilations[axis]
                        return place >= 0 && place < image[axis] ? place * steps[axis] : -1
                    }
                }
            ).offsets
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        inputs[0].element.isFloating ? .accumulated(terms: block.reduce(1, *)) : .exact
    }
}

extension Col2Im: ModelOperator {
    package static let schema = OperatorSchema(
        "Col2Im", since: 18, "Blocks of images, each a column, added up where they overlap.",
        inputs: [
            .required("input", .numbers, "images, channels times elements of a block, and blocks"),
            .required("image_shape", .int64, "the extents of an image"),
            .required("block_shape", .int64, "the extents of a block, as many"),
        ],
        outputs: [.required("output", .numbers, "images, channels, and the extents of an image")],
        attributes: [
            .ints("strides", nil, "from one block to the next along each axis; without it 1"),
            .ints("pads", nil, "how far blocks reach out before each axis, then after each; without it 0"),
            .ints("dilations", nil, "between neighbours in a block along each axis; without it 1"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, ["strides": .ints(strides), "pads": .ints(pads), "dilations": .ints(dilations)],
            operands: inputs, [.integers(image), .integers(block)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let image = try graph.integers(call.input(1))
        let block = try graph.integers(call.input(2))
        let ones = image.map { _ in 1 }
        let fold = Col2Im(
            image: image, block: block, strides: try call.optionalInts("strides") ?? ones,
            pads: try call.optionalInts("pads") ?? (image + image).map { _ in 0 },
            dilations: try call.optionalInts("dilations") ?? ones)
        return [.tensor(try graph.add(fold, [call.input(0)]))]
    }
}
