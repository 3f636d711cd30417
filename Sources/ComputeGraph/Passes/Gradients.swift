/// Reverse-mode differentiation.
///
/// The nodes are walked from last to first. Each operator on a way from the wanted values to the loss adds the
/// nodes that carry its outputs' gradients to its inputs; where a value is used several times its gradients are
/// added up, always in the same order, so that the same graph gives the same bits.
extension Graph {
    /// This graph with the gradients of one of its values by others as further outputs, in the given order.
    ///
    /// The loss is one number. A value that the loss does not depend on has a gradient of zeros.
    package func gradients(of loss: ValueID, by values: [ValueID]) throws(GraphError) -> Graph {
        for value in [loss] + values where value.index >= self.values.count { throw .unknownValue(value) }
        guard type(of: loss).shape.count == 1, type(of: loss).element.isFloating else {
            throw .notOneNumber(name: name(of: loss), type: type(of: loss))
        }
        var builder = GraphBuilder(extending: self)
        let gradients = try builder.addGradients(
            of: loss, along: nodes, throughValues: valuesDepending(on: values))
        var wanted: [ValueID] = []
        for value in values {
            if let gradient = gradients[value] {
                wanted.append(gradient)
            } else {
                wanted.append(try builder.zeros(type(of: value)))
            }
        }
        return builder.build(outputs: outputs + wanted)
    }

    /// The given values and all computed from them.
    private func valuesDepending(on values: [ValueID]) -> Set<ValueID> {
        var reached = Set(values)
        for node in nodes where node.inputs.contains(where: reached.contains) {
            reached.formUnion(node.outputs)
        }
        return reached
    }
}

extension GraphBuilder {
    /// The gradients of the sum of a value's elements by all values on the way from `reached` to it.
    mutating func addGradients(
        of loss: ValueID, along nodes: [Node], throughValues reached: Set<ValueID>
    ) throws(GraphError) -> [ValueID: ValueID] {
        let lossType = type(of: loss)
        let ones = HostTensor(lossType, doubles: [Double](repeating: 1, count: lossType.shape.count))
        var gradients = [loss: constant("one", ones)]
        for node in nodes.reversed() {
            let outputGradients = node.outputs.map { gradients[$0] }
            guard outputGradients.contains(where: { $0 != nil }),
                node.inputs.contains(where: reached.contains)
            else { continue }
            let inputGradients = try node.operator.gradient(
                of: node, outputGradients: outputGradients, in: &self)
            precondition(
                inputGradients.count == node.inputs.count,
                "the gradient rule of \(node.operator.name) answers for each of its inputs")
            for (input, gradient) in zip(node.inputs, inputGradients) {
                guard let gradient, reached.contains(input) else { continue }
                precondition(
                    type(of: gradient) == type(of: input),
                    "the gradient rule of \(node.operator.name) gives \(type(of: gradient)) for \(type(of: input))"
                )
                if let sum = gradients[input] {
                    gradients[input] = try add(Add(), [sum, gradient])
                } else {
                    gradients[input] = gradient
                }
            }
        }
        return gradients
    }

    mutating func zeros(_ type: TensorType) throws(GraphError) -> ValueID {
        try requireRoom(for: type, name: "a step")
        return constant("zeros", HostTensor(zeros: type))
    }
}
