/// The elements converted to another type.
///
/// To an integer type a value is cut towards zero and held inside the type's range, and NaN becomes 0; to bool
/// every value but 0 becomes true.
package struct Cast: MovementOperator {
    package static let name = "Cast"
    package var to: ElementType

    package init(to: ElementType) { self.to = to }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        return [TensorType(to, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        if inputs[0].type.element == to { return inputs }
        let type = TensorType(to, inputs[0].type.shape)
        // Doubles do not hold every int64, so integers convert among themselves directly.
        if inputs[0].type.element == .int64 && to == .int32 {
            var result = HostTensor(zeros: type)
            let values = inputs[0].integers
            result.withMutableElements(Int32.self) { span in
                for index in values.indices { span[index] = Int32(clamping: values[index]) }
            }
            return [result]
        }
        return [HostTensor(type, doubles: inputs[0].doubles)]
    }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        let source = builder.type(of: node.inputs[0]).element
        guard let gradient = outputGradients[0], source.isFloating, to.isFloating else { return [nil] }
        return [try builder.add(Cast(to: source), [gradient])]
    }
}
