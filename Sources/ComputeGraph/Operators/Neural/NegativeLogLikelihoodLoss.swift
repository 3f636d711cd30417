/// Minus the logarithmic probability at each label: ONNX's `NegativeLogLikelihoodLoss`.
///
/// Inputs: logarithmic probabilities `[batch, classes, ...]`, labels `[batch, ...]`, and optionally a weight for
/// each class. The mean is weighted, and leaves out labels that are ignored. A NaN, or a label that is no class,
/// makes its loss NaN.
package struct NegativeLogLikelihoodLoss: Operator {
    package static let name = "NegativeLogLikelihoodLoss"
    package var reduction: LossReduction
    /// A label whose loss is 0 and has no weight.
    package var ignoredLabel: Int?

    package init(reduction: LossReduction = .mean, ignoredLabel: Int? = nil) {
        self.reduction = reduction
        self.ignoredLabel = ignoredLabel
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 2...3)
        try requireFloating([inputs[0]] + inputs.dropFirst(2))
        try requireIndices(inputs[1])
        let shape = inputs[0].shape
        try require(shape.rank >= 2, "the input has a batch and classes, not the shape \(shape)")
        try requireShape(inputs[1], shape.without([1]), "the label tensor")
        if inputs.count == 3 { try requireShape(inputs[2], [shape[1]], "the weight tensor") }
        return [TensorType(inputs[0].element, reduction == .none ? inputs[1].shape : [])]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        let view = AxisView(inputs[0].type.shape, axis: 1)
        let x = inputs[0].doubles
        let weights = inputs.count == 3 ? inputs[2].doubles : []
        var losses = [Double](repeating: 0, count: inputs[1].type.shape.count)
        var total = 0.0
        for (place, label) in inputs[1].indices.enumerated() where label != ignoredLabel {
            guard label >= 0, label < view.length else {
                losses[place] = .nan
                continue
            }
            let weight = weights.isEmpty ? 1 : weights[label]
            let (block, offset) = place.quotientAndRemainder(dividingBy: view.inner)
            losses[place] = -weight * x[(block * view.length + label) * view.inner + offset]
            total += weight
        }
        switch reduction {
        case .none: return [HostTensor(type, doubles: losses)]
        case .sum: return [HostTensor(type, doubles: [losses.reduce(0, +)])]
        case .mean: return [HostTensor(type, doubles: [losses.reduce(0, +) / total])]
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: reduction == .none ? 1 : inputs[1].shape.count)
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        2 * inputs[1].shape.count
    }
}

/// What becomes of the losses of all elements.
package enum LossReduction: String, Hashable, Sendable { case none, mean, sum }

extension OperatorCall {
    /// The attribute of that name.
    func lossReduction() throws(GraphError) -> LossReduction {
        guard let reduction = LossReduction(rawValue: try string("reduction")) else {
            throw error("the reduction is none, mean or sum, not \(try string("reduction"))")
        }
        return reduction
    }
}

extension OperatorSchema.AttributeParameter {
    static let lossReduction = string("reduction", "mean", "none, mean or sum")
    static let ignoredLabel = int(
        "ignore_index", nil, "a label whose loss is 0 and does not count in the mean")
}

extension NegativeLogLikelihoodLoss: ModelOperator {
    package static let schema = OperatorSchema(
        "NegativeLogLikelihoodLoss", since: 12, "Minus the logarithmic probability at each label.",
        inputs: [
            .required("input", .floats, "[batch, classes, ...], logarithmic probabilities"),
            .required("target", .indices, "[batch, ...], labels"),
            .optional("weight", .floats, "[classes]"),
        ],
        outputs: [.required("loss", .floats, "one number, or [batch, ...] without reduction")],
        attributes: [.ignoredLabel, .lossReduction])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        var attributes: [String: Attribute] = ["reduction": .string(reduction.rawValue)]
        attributes["ignore_index"] = ignoredLabel.map { .int($0) }
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let rule = NegativeLogLikelihoodLoss(
            reduction: try call.lossReduction(), ignoredLabel: try call.optionalInt("ignore_index"))
        let inputs = try [call.input(0), call.input(1)] + (call.optional(2).map { [$0] } ?? [])
        return [.tensor(try graph.add(rule, inputs))]
    }
}
