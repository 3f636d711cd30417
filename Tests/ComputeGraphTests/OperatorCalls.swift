import ComputeGraph

extension ModelOperator {
    /// The outputs of a call with known inputs, as a model would make it.
    static func called(
        _ inputs: HostTensor?..., version: Int = 25, attributes: [String: Attribute] = [:],
        memoryLimit: Int = 1 << 30
    ) throws -> [HostTensor] {
        var builder = GraphBuilder(evaluator: nil, limits: ModelLimits(memory: memoryLimit))
        let values = inputs.map { tensor in tensor.map { GraphValue.tensor(builder.constant($0)) } }
        let call = OperatorCall(
            schema: schema, node: "node", version: version, attributes: attributes, inputs: values,
            wantedOutputs: schema.outputs.map { _ in true })
        var outputs: [HostTensor] = []
        for case .tensor(let id) in try checkedBuild(call, in: &builder) {
            outputs.append(try builder.tensor(id))
        }
        return outputs
    }
}

/// A tensor of strings along one axis.
func texts(_ strings: String...) -> HostTensor {
    HostTensor(TensorType(.string, [strings.count]), strings: strings)
}
