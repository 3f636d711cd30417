extension OperatorCall {
    /// The strings of an input, which the graph must know.
    func texts(_ index: Int, in graph: inout GraphBuilder) throws -> HostTensor {
        let tensor = try graph.tensor(input(index))
        try require(
            tensor.type.element == .string, "the input \(schema.inputName(index)) is not made of strings")
        return tensor
    }
}

/// A string that equals another only where all its scalars do, as NumPy and ONNX compare strings.
///
/// Swift's own comparison also equates texts that merely look alike.
struct ExactText: Hashable {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }
}
