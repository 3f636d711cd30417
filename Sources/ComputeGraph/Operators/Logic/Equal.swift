/// Where two operands are equal, with NumPy's broadcasting; a NaN equals nothing, and strings are compared
/// byte by byte.
package struct Equal: ComparisonOperator, PlainOperator {
    package static let schema = OperatorSchema.broadcasting(
        "Equal", since: 1, "Whether elements of two tensors are equal.", [.numbers, .bool, .string],
        giving: .bool)

    package init() {}

    package func holds<Number: Comparable>(_ left: Number, _ right: Number) -> Bool { left == right }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        guard inputs[0].type.element == .string else { return numberReference(inputs) }
        let type = knownOutputTypes(inputs)[0]
        let left = inputs[0].strings.broadcast(from: inputs[0].type.shape, to: type.shape)
        let right = inputs[1].strings.broadcast(from: inputs[1].type.shape, to: type.shape)
        return [HostTensor(type, wrapping: zip(left, right).map { $0.utf8.elementsEqual($1.utf8) ? 1 : 0 })]
    }
}
