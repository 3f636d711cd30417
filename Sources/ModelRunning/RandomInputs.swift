package import ComputeGraph
internal import Essentials
package import ONNXImport

/// Inputs for trying a model out: the same seed gives the same values on every machine.
package enum RandomInputs {
    /// Values for every input that needs one: floats from 0 to 1, integers and booleans 0 or 1, strings empty.
    package static func values(
        for model: ONNXModel, extents: [String: Int], seed: UInt64, limits: ModelLimits = ModelLimits()
    ) throws -> [HostValue?] {
        var generator = SeededGenerator(seed: seed)
        let types = try OpenDimensions(of: model).types(extents)
        for (name, type) in types where type.shape.count > limits.memory / ModelLimits.referenceBytes {
            throw GraphError.tooLarge(name: name, type: type, limit: limits.memory)
        }
        return model.inputs.map { input in
            types[input.name].map { .tensor(tensor($0, &generator)) }
        }
    }

    private static func tensor(_ type: TensorType, _ generator: inout SeededGenerator) -> HostTensor {
        switch type.element.kind {
        case .floating:
            HostTensor(
                type, doubles: (0..<type.shape.count).map { _ in Double.random(in: 0..<1, using: &generator) }
            )
        case .signed, .unsigned, .bool:
            HostTensor(
                type,
                wrapping: (0..<type.shape.count).map { _ in Int128(Int.random(in: 0...1, using: &generator)) }
            )
        case .string, .complex: HostTensor(zeros: type)
        }
    }
}
