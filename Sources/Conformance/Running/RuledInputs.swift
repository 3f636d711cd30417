internal import ComputeGraph
internal import Essentials
internal import ONNXImport

/// The inputs of models that come without any, as the ONNX project's runner makes them.
///
/// Element i of n is i/n, computed in double precision and rounded to float32; an open extent is 1. Reference:
/// https://github.com/onnx/onnx/blob/main/onnx/backend/test/runner/__init__.py (`generate_dummy_data`).
enum RuledInputs {
    static func values(for model: ONNXModel) throws -> [HostValue?] {
        try model.inputs.map { input in
            if model.optionalInputs.contains(input.name) { return nil }
            guard case .tensor(.float32, let extents?)? = input.type else {
                throw Failure("The rule for inputs knows only float32 tensors, and \(input.name) is none.")
            }
            let shape = try Shape(checking: extents.map { $0 ?? 1 })
            let count = shape.count
            let elements = (0..<count).map { Double($0) / Double(count) }
            return .tensor(HostTensor(TensorType(.float32, shape), doubles: elements))
        }
    }
}
