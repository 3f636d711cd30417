/// An operator of two operands of one element type that NumPy's broadcasting rule brings to one shape.
package protocol BroadcastingOperator: NodeOperator {
    /// The value for floats of any width.
    func value(_ left: Double, _ right: Double) -> Double

    /// The value for integers, or for bools as 0 and 1, before it is cut to the bits of the element type.
    ///
    /// Unless an operator has its own, that of `value` without its fraction.
    func whole(_ left: Int128, _ right: Int128) -> Int128
}

extension BroadcastingOperator {
    package func whole(_ left: Int128, _ right: Int128) -> Int128 {
        Int128(cutting: value(Double(left), Double(right)))
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (left, right) = try call.broadcastOperands(in: &graph)
        return [.tensor(try graph.add(try Self(call), [left, right]))]
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2)
        let element = try requireOperands(inputs)
        return [TensorType(Self.resultElement(for: element), try requireBroadcast(inputs))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] { numberReference(inputs) }

    /// The values on numbers and bools.
    func numberReference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        if inputs[0].type.element.isFloating || inputs[1].type.element.isFloating {
            let left = inputs[0].doubles.broadcast(from: inputs[0].type.shape, to: type.shape)
            let right = inputs[1].doubles.broadcast(from: inputs[1].type.shape, to: type.shape)
            return [HostTensor(type, doubles: zip(left, right).map(value))]
        }
        let left = inputs[0].wholes.broadcast(from: inputs[0].type.shape, to: type.shape)
        let right = inputs[1].wholes.broadcast(from: inputs[1].type.shape, to: type.shape)
        return [HostTensor(type, wrapping: zip(left, right).map(whole))]
    }
}

/// A broadcasting operator on integers and bools only.
package protocol WholeBroadcastingOperator: BroadcastingOperator {}

extension WholeBroadcastingOperator {
    package func value(_ left: Double, _ right: Double) -> Double {
        preconditionFailure("\(Self.name) takes no floats")
    }
}

/// A broadcasting operator that says whether two elements stand in a relation; NaN stands in none.
package protocol ComparisonOperator: BroadcastingOperator {
    func holds<Number: Comparable>(_ left: Number, _ right: Number) -> Bool
}

extension ComparisonOperator {
    package func value(_ left: Double, _ right: Double) -> Double { holds(left, right) ? 1 : 0 }
    package func whole(_ left: Int128, _ right: Int128) -> Int128 { holds(left, right) ? 1 : 0 }
}

/// An operator that folds any number of operands of one element type, which broadcast to one shape.
package protocol VariadicOperator: NodeOperator {
    /// What the first operands gave together with the next one, for floats of any width.
    func value(_ folded: Double, _ next: Double) -> Double

    /// The same for integers, before the last result is cut to the bits of the element type.
    func whole(_ folded: Int128, _ next: Int128) -> Int128

    /// What is left to do on floats after the last of the operands.
    func finished(_ folded: Double, operands: Int) -> Double
}

extension VariadicOperator {
    package func whole(_ folded: Int128, _ next: Int128) -> Int128 {
        Int128(cutting: value(Double(folded), Double(next)))
    }

    package func finished(_ folded: Double, operands: Int) -> Double { folded }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        [TensorType(try requireOperands(inputs), try requireBroadcast(inputs))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        if type.element.isFloating {
            let folded = Self.folded(inputs, to: type.shape, \.doubles, value)
            return [HostTensor(type, doubles: folded.map { finished($0, operands: inputs.count) })]
        }
        return [HostTensor(type, wrapping: Self.folded(inputs, to: type.shape, \.wholes, whole))]
    }

    private static func folded<Number>(
        _ inputs: [HostTensor], to shape: Shape, _ numbers: (HostTensor) -> [Number],
        _ combine: (Number, Number) -> Number
    ) -> [Number] {
        var result = numbers(inputs[0]).broadcast(from: inputs[0].type.shape, to: shape)
        for input in inputs.dropFirst() {
            let next = numbers(input).broadcast(from: input.type.shape, to: shape)
            for index in result.indices { result[index] = combine(result[index], next[index]) }
        }
        return result
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(outputs[0].shape.count, inputs.count)
    }

    /// The gradients of an operator whose result is one of its operands: each element's goes to the first
    /// that
    /// equals it.
    func gradientsOfChosen(
        of node: Node, _ gradient: ValueID, in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        var gradients: [ValueID?] = []
        var open: ValueID?
        for (place, input) in node.inputs.enumerated() {
            var chosen = try builder.add(Equal(), [input, node.outputs[0]])
            if let open { chosen = try builder.add(And(), [chosen, open]) }
            let part = try builder.kept(gradient, where: chosen)
            gradients.append(try builder.reduced(part, toShapeOf: input))
            guard place + 1 < node.inputs.count else { break }
            let others = try builder.add(Not(), [chosen])
            open =
                try open.map { before throws(GraphError) in try builder.add(And(), [before, others]) }
                ?? others
        }
        return gradients
    }
}

extension OperatorSchema {
    /// The schema of an operator of two operands that broadcast.
    static func broadcasting(
        _ name: String, domain: Domain = .onnx, since: Int, _ summary: String, _ types: TypeSet,
        giving results: TypeSet? = nil,
        names: (left: String, right: String, result: String) = ("A", "B", "C"),
        attributes: [AttributeParameter] = []
    ) -> OperatorSchema {
        OperatorSchema(
            name, domain: domain, since: since, summary,
            inputs: [
                .required(names.left, types, "any shape"),
                .required(names.right, types, "broadcasts with \(names.left)"),
            ],
            outputs: [
                .required(
                    names.result, results ?? types,
                    "the shape that \(names.left) and \(names.right) take together")
            ],
            attributes: attributes + (since < 7 && domain == .onnx ? oldBroadcasting : []))
    }

    /// How operands were aligned before NumPy's broadcasting rule.
    static let oldBroadcasting: [AttributeParameter] = [
        .int("broadcast", 0, "before version 7: whether B is repeated along the axes it lacks"),
        .int("axis", nil, "before version 7: the axis of A at which those of B start"),
    ]

    /// The schema of an operator that folds any number of operands.
    static func variadic(
        _ name: String, _ summary: String, _ types: TypeSet, result: String
    ) -> OperatorSchema {
        OperatorSchema(
            name, summary,
            inputs: [.variadic("data_0", types, "at least one; all broadcast to one shape")],
            outputs: [.required(result, types, "the shape that all inputs take together")])
    }
}

extension Array {
    /// The elements of a tensor repeated to a larger shape by NumPy's broadcasting rule, in row-major order.
    func broadcast(from own: Shape, to shape: Shape) -> [Element] {
        if own == shape { return self }
        if count == 1 { return [Element](repeating: self[0], count: shape.count) }
        return broadcastIndices(of: own, in: shape).map { self[$0] }
    }
}
