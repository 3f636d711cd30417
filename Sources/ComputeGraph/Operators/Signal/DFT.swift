/// The discrete Fourier transform along one axis; the last axis holds the real and, unless it is 1 long, the
/// imaginary parts.
///
/// A signal longer than `length` is cut, a shorter one is filled with zeros. With `isOneSided` the forward transform
/// gives only the first `length / 2 + 1` frequencies, and the inverse one takes those and gives real numbers. A NaN
/// makes its whole row NaN.
package struct DFT: Operator {
    package static let name = "DFT"
    /// Counted from the front, or from the back where negative; not the last one.
    package var axis: Int
    package var length: Int
    package var isInverse: Bool
    package var isOneSided: Bool

    package init(axis: Int, length: Int, isInverse: Bool = false, isOneSided: Bool = false) {
        self.axis = axis
        self.length = length
        self.isInverse = isInverse
        self.isOneSided = isOneSided
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireFloating(inputs)
        var extents = inputs[0].shape.extents
        let axis = try resolvedAxis(axis, rank: extents.count)
        let last = extents.count - 1
        try require(axis < last, "the last axis holds the parts of complex numbers, and is not transformed")
        try require(
            extents[last] == 1 || extents[last] == 2,
            "the last axis holds one or two parts, and not the shape \(inputs[0].shape)")
        try require(
            length >= 1 && length <= Shape.maximalCount, "a transform is at least 1 long, not \(length)")
        extents[axis] = isOneSided && !isInverse ? length / 2 + 1 : length
        extents[last] = isOneSided && isInverse ? 1 : 2
        return [TensorType(inputs[0].element, try Shape(checking: extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let shape = inputs[0].type.shape
        let (source, target) = (
            AxisView(shape, axis: axis(of: shape)), AxisView(type.shape, axis: axis(of: shape))
        )
        let (sourceParts, targetParts) = (shape[shape.rank - 1], type.shape[shape.rank - 1])
        let transform = FourierTransform(length: length)
        let x = inputs[0].doubles
        var y = [Double](repeating: 0, count: type.shape.count)
        let columns = target.inner / targetParts
        for block in 0..<target.outer {
            for column in 0..<columns {
                let from = block * source.length * source.inner + column * sourceParts
                let row = spectrum(transform) { index in
                    guard index < source.length else { return (0, 0) }
                    let place = from + index * source.inner
                    return (x[place], sourceParts == 2 ? x[place + 1] : 0)
                }
                let to = block * target.length * target.inner + column * targetParts
                for index in 0..<target.length {
                    let place = to + index * target.inner
                    y[place] = row.real[index]
                    if targetParts == 2 { y[place + 1] = row.imaginary[index] }
                }
            }
        }
        return [HostTensor(type, doubles: y)]
    }

    private func axis(of shape: Shape) -> Int { axis < 0 ? axis + shape.rank : axis }

    /// The transform of one row.
    private func spectrum(
        _ transform: FourierTransform, _ element: (Int) -> (real: Double, imaginary: Double)
    ) -> ComplexRow {
        var row = ComplexRow(zeros: length)
        guard isInverse, isOneSided else {
            for index in 0..<length { row[index] = element(index) }
            return isInverse ? transform.inverse(row) : transform.forward(row)
        }
        // The missing half is the conjugate of the given one, and what is its own conjugate is real.
        for index in 0...length / 2 {
            let value = element(index)
            row[(length - index) % length] = (value.real, -value.imaginary)
            row[index] = index == 0 || 2 * index == length ? (value.real, 0) : value
        }
        return transform.inverse(row)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .accumulated(terms: length) }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        // The customary count for a fast transform: 5 n log2 n for each row.
        let logarithm = Int.bitWidth - max(length - 1, 1).leadingZeroBitCount
        return 5 * outputs[0].shape.count / 2 * logarithm
    }
}

extension DFT: ModelOperator {
    package static let schema = OperatorSchema(
        "DFT", since: 17, "The discrete Fourier transform along one axis.",
        inputs: [
            .required("input", .floats, "the last axis holds real parts, or real and imaginary parts"),
            .optional("dft_length", .indices, "one number: the length to which the signal is cut or filled"),
            .optional("axis", .int64, "from version 20, one number: the axis; the last but one if not given"),
        ],
        outputs: [.required("output", .floats, "the last axis holds real and imaginary parts")],
        attributes: [
            .int("axis", 1, "before version 20: the axis"),
            .int("inverse", 0, "whether the transform is the inverse one"),
            .int("onesided", 0, "whether only the frequencies up to the half are given or taken"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        let shape = graph.type(of: input).shape
        var axis = call.version < 20 ? try call.int("axis") : -2
        if call.version >= 20, try call.optional(2) != nil { axis = try call.integer(2, in: &graph) }
        axis = try call.resolved(axis: axis, rank: shape.rank)
        let (isInverse, isOneSided) = (try call.flag("inverse"), try call.flag("onesided"))
        var length = isInverse && isOneSided ? 2 * (shape[axis] - 1) : shape[axis]
        if try call.optional(1) != nil { length = try call.integer(1, in: &graph) }
        let transform = DFT(axis: axis, length: length, isInverse: isInverse, isOneSided: isOneSided)
        return [.tensor(try graph.add(transform, [input]))]
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, since: 20,
            attributes: ["inverse": .int(isInverse ? 1 : 0), "onesided": .int(isOneSided ? 1 : 0)],
            inputs: [.operand(0), .integer(length), .integer(axis)])
    }
}
