/// The layers that models are built of, with their parameters named after them.
///
/// A weight matrix is `[inputs, outputs]`. Parameters end in `.weight`, `.bias`, `.scale`, `.mean` or `.variance`, so
/// that weights can be filled and exchanged by name.
extension GraphBuilder {
    /// `x * weight + bias` over the last axis.
    package mutating func linear(
        _ x: ValueID, outputs: Int, name: String, hasBias: Bool = true
    ) throws(GraphError) -> ValueID {
        let type = type(of: x)
        guard let inputs = type.shape.extents.last else {
            throw .shapeMismatch(operator: "linear layer \(name)", reason: "its input has no axis")
        }
        let weight = parameter("\(name).weight", TensorType(type.element, [inputs, outputs]))
        let bias = hasBias ? parameter("\(name).bias", TensorType(type.element, [outputs])) : nil
        if type.shape.rank == 2 {
            return try add(Gemm(), [x, weight] + (bias.map { [$0] } ?? []), name: name)
        }
        let product = try add(MatMul(), [x, weight], name: bias == nil ? name : "\(name).product")
        guard let bias else { return product }
        return try add(Add(), [product, bias], name: name)
    }

    /// A square convolution over `[batch, channels, height, width]`, padded alike on all sides.
    package mutating func convolution(
        _ x: ValueID, filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0, group: Int = 1,
        name: String, hasBias: Bool = true
    ) throws(GraphError) -> ValueID {
        let type = type(of: x)
        guard type.shape.rank == 4 else {
            throw .shapeMismatch(
                operator: "convolution \(name)", reason: "its input \(type) has not four axes")
        }
        let weight = parameter(
            "\(name).weight", TensorType(type.element, [filters, type.shape[1] / group, kernel, kernel]))
        let bias = hasBias ? parameter("\(name).bias", TensorType(type.element, [filters])) : nil
        let convolution = Conv(
            strides: [stride, stride], pads: [padding, padding, padding, padding], group: group)
        return try add(convolution, [x, weight] + (bias.map { [$0] } ?? []), name: name)
    }

    /// Batch normalisation with given statistics, over channels on axis 1.
    package mutating func batchNormalization(
        _ x: ValueID, name: String, epsilon: Float = 1e-5
    ) throws(GraphError) -> ValueID {
        let type = type(of: x)
        guard type.shape.rank >= 2 else {
            throw .shapeMismatch(operator: "batch normalisation \(name)", reason: "\(type) has no channels")
        }
        let vector = TensorType(type.element, [type.shape[1]])
        let parameters = ["scale", "bias", "mean", "variance"].map { parameter("\(name).\($0)", vector) }
        return try add(BatchNormalization(epsilon: epsilon), [x] + parameters, name: name)
    }

    /// Layer normalisation over the last axis.
    package mutating func layerNormalization(
        _ x: ValueID, name: String, epsilon: Float = 1e-5
    ) throws(GraphError) -> ValueID {
        let type = type(of: x)
        let vector = TensorType(type.element, Shape(type.shape.extents.suffix(1)))
        let scale = parameter("\(name).scale", vector)
        let bias = parameter("\(name).bias", vector)
        return try add(LayerNormalization(epsilon: epsilon), [x, scale, bias], name: name)
    }

    /// Rows of a table chosen by integer indices.
    package mutating func embedding(
        _ indices: ValueID, rows: Int, width: Int, name: String, element: ElementType = .float32
    ) throws(GraphError) -> ValueID {
        let table = parameter("\(name).weight", TensorType(element, [rows, width]))
        return try add(Gather(), [table, indices], name: name)
    }

    /// Self-attention with several heads over `[batch, positions, width]`, with its output projection.
    ///
    /// The mask is added to the scores `[batch, heads, positions, positions]` and broadcasts to them: 0 where a
    /// position may be seen, a large negative number where not.
    package mutating func selfAttention(
        _ x: ValueID, heads: Int, mask: ValueID? = nil, name: String
    ) throws(GraphError) -> ValueID {
        let type = type(of: x)
        guard type.shape.rank == 3, heads > 0, type.shape[2] % heads == 0 else {
            throw .shapeMismatch(
                operator: "attention \(name)",
                reason:
                    "its input is [batch, positions, width] with a width that \(heads) heads divide, not \(type)"
            )
        }
        let width = type.shape[2]
        let query = try split(try linear(x, outputs: width, name: "\(name).query"), heads)
        let key = try split(try linear(x, outputs: width, name: "\(name).key"), heads)
        let value = try split(try linear(x, outputs: width, name: "\(name).value"), heads)
        var scores = try add(MatMul(transposesRight: true), [query, key], name: "\(name).scores")
        scores = try scaled(scores, by: 1 / Double(width / heads).squareRoot())
        if let mask { scores = try add(Add(), [scores, mask]) }
        let weights = try add(Softmax(), [scores], name: "\(name).weights")
        let mixed = try add(MatMul(), [weights, value], name: "\(name).mixed")
        let joined = try add(Transpose([0, 2, 1, 3]), [mixed])
        let rows = try add(Reshape([0, 0, width]), [joined])
        return try linear(rows, outputs: width, name: "\(name).output")
    }

    /// `[batch, positions, width]` as `[batch, heads, positions, width / heads]`.
    private mutating func split(_ x: ValueID, _ heads: Int) throws(GraphError) -> ValueID {
        let width = type(of: x).shape[2]
        let parts = try add(Reshape([0, 0, heads, width / heads]), [x])
        return try add(Transpose([0, 2, 1, 3]), [parts])
    }

    /// One block of an encoder as BERT has it: attention, then a two-layer network with Gelu, each added to its
    /// input and normalised.
    package mutating func encoderBlock(
        _ x: ValueID, heads: Int, hidden: Int, mask: ValueID? = nil, name: String, epsilon: Float = 1e-12
    ) throws(GraphError) -> ValueID {
        let attended = try selfAttention(x, heads: heads, mask: mask, name: "\(name).attention")
        let first = try layerNormalization(
            try add(Add(), [attended, x]), name: "\(name).attention.norm", epsilon: epsilon)
        let widened = try add(Gelu(), [try linear(first, outputs: hidden, name: "\(name).up")])
        let narrowed = try linear(widened, outputs: type(of: x).shape[2], name: "\(name).down")
        return try layerNormalization(
            try add(Add(), [narrowed, first]), name: "\(name).norm", epsilon: epsilon)
    }
}
