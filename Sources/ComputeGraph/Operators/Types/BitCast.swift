/// The bits of the elements read as another type of the same width.
///
/// Read as bool, every pattern but 0 is true.
package struct BitCast: MovementOperator {
    package static let name = "BitCast"
    package var to: ElementType

    package init(to: ElementType) { self.to = to }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let source = inputs[0].element
        try require(source != .string && to != .string, "strings have no bits")
        try require(
            source.bitWidth == to.bitWidth,
            "\(source) has \(source.bitWidth) bits, and \(to) has \(to.bitWidth)")
        return [TensorType(to, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = TensorType(to, inputs[0].type.shape)
        var result = HostTensor(zeros: type)
        if to.size > 1 {
            unsafe result.withMutableBytes { target in
                unsafe inputs[0].withBytes { source in unsafe target.copyMemory(from: source) }
            }
            return [result]
        }
        let bytes = inputs[0].elements(UInt8.self)
        if to.isInteger || to == .bool {
            // Narrow types lie in whole bytes, whose upper bits follow the type.
            return [HostTensor(type, wrapping: bytes.map { Int128($0) })]
        }
        let mask: UInt8 = to.bitWidth < 8 ? 15 : 255
        result.withMutableElements(UInt8.self) { target in
            for index in bytes.indices { target[index] = bytes[index] & mask }
        }
        return [result]
    }
}

extension BitCast: ModelOperator {
    private static let types = TypeSet.tensors.subtracting(.string)

    package static let schema = OperatorSchema(
        "BitCast", since: 26, "The bits of the elements read as another type of the same width.",
        inputs: [.required("input", types, "any shape")],
        outputs: [.required("output", types, "the shape of input")],
        attributes: [
            .int("to", nil, "ONNX's number of the element type, as many bits wide as that of input").required
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        guard let to = try call.optionalElementType("to") else {
            throw call.error("the attribute to is missing")
        }
        return [.tensor(try graph.add(BitCast(to: to), [call.input(0)]))]
    }
}
