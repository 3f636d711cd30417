import ComputeGraph
import Essentials
import KernelInterface
import TestSupport

/// A node with its inputs, some of which are constants.
struct CrossingCase {
    var name: String
    var `operator`: any Operator
    var inputs: [HostTensor]
    var constants: Set<Int> = []

    var signature: NodeSignature {
        get throws {
            NodeSignature(
                operator: `operator`, inputs: inputs.map(\.type),
                outputs: try `operator`.outputTypes(of: inputs.map(\.type)), frozenInputs: constants)
        }
    }

    /// Nodes that together use every kind of attribute, optional inputs and values that files hold as inputs.
    static func all(_ random: inout SeededGenerator) -> [CrossingCase] {
        let (rows, inner, columns) = (1 + random.below(4), 1 + random.below(5), 1 + random.below(6))
        let matrix = tensor([rows, inner], &random)
        let image = tensor([1 + random.below(2), 2, 5, 6], &random)
        return [
            CrossingCase(name: "no attribute", operator: Add(), inputs: [matrix, tensor([inner], &random)]),
            CrossingCase(
                name: "floats and flags",
                operator: Gemm(alpha: 0.5, beta: 2, transA: false, transB: true),
                inputs: [matrix, tensor([columns, inner], &random), tensor([columns], &random)],
                constants: [1]),
            CrossingCase(name: "an integer", operator: Softmax(axis: 0), inputs: [matrix]),
            CrossingCase(name: "a list", operator: Transpose([1, 0]), inputs: [matrix]),
            CrossingCase(
                name: "values that files hold as inputs",
                operator: Slice(starts: [1], ends: [5], axes: [2], steps: [2]), inputs: [image]),
            CrossingCase(
                name: "axes as an input", operator: ReduceSum(axes: [0], keepDims: false), inputs: [matrix]),
            CrossingCase(name: "a type", operator: Cast(to: .float64), inputs: [matrix]),
            CrossingCase(name: "a shape", operator: Reshape([-1]), inputs: [image]),
            CrossingCase(
                name: "many inputs", operator: Concat(axis: 1), inputs: [matrix, matrix, matrix],
                constants: [0, 2]),
            CrossingCase(
                name: "an epsilon", operator: LayerNormalization(),
                inputs: [matrix, tensor([inner], &random), tensor([inner], &random)], constants: [1, 2]),
        ]
    }

    private static func tensor(_ extents: [Int], _ random: inout SeededGenerator) -> HostTensor {
        let shape = Shape(extents)
        return HostTensor(
            TensorType(.float32, shape),
            floats: (0..<shape.count).map { _ in Float(random.below(2000)) / 1000 - 1 })
    }
}
