import ComputeGraph
import Testing

/// One use of an operator that a person can check by hand.
struct Example: Sendable, CustomStringConvertible {
    var `operator`: any Operator
    var inputs: [HostTensor]
    var outputs: [HostTensor]
    var description: String { `operator`.name }

    init(_ operator: any Operator, _ inputs: [HostTensor], _ outputs: HostTensor...) {
        self.operator = `operator`
        self.inputs = inputs
        self.outputs = outputs
    }
}

func t(_ shape: Shape, _ values: Float...) -> HostTensor {
    HostTensor(TensorType(.float32, shape), floats: values)
}
func i(_ shape: Shape, _ values: Int64...) -> HostTensor {
    HostTensor(TensorType(.int64, shape), integers: values)
}

private let nan = Float.nan
private let ln2: Float = 0.693_147_18

@Suite("Operators by hand")
struct OperatorExampleTests {
    @Test(arguments: examples) func `an operator computes what a person computes`(example: Example) throws {
        let types = try example.operator.outputTypes(of: example.inputs.map(\.type))

        let outputs = example.operator.reference(example.inputs)

        #expect(outputs.map(\.type) == types)
        #expect(outputs.map(\.type) == example.outputs.map(\.type))
        for (output, expected) in zip(outputs, example.outputs) {
            if expected.type.element == .string {
                #expect(output.strings == expected.strings)
                continue
            }
            let exactness = example.operator.exactness(for: example.inputs.map(\.type))
            #expect(
                exactness.firstDifference(output, from: expected) == nil,
                "\(output.doubles) is not \(expected.doubles)")
        }
    }

    @Test func `every operator that the public cases do not prove has an example`() {
        #expect(!OperatorSources.ownOperators.isEmpty)
        #expect(Set(OperatorSources.ownOperators).subtracting(Self.examples.map(\.operator.name)) == [])
    }

    static let examples =
        arithmetic + products + normalizations + windows + movement + losses + updates + numbers
        + integers + functions + activations + truths + quantization + neural + classicalModels + matrices
        + folding + moving + choosing + sorting + drawing

    static let arithmetic = [
        Example(Add(), [t([2, 1], 1, 2), t([3], 10, 20, 30)], t([2, 3], 11, 21, 31, 12, 22, 32)),
        Example(Sub(), [t([2], 1, 2), t([], 5)], t([2], -4, -3)),
        Example(Mul(), [t([2], 3, nan), t([2], -2, 1)], t([2], -6, nan)),
        Example(Div(), [t([3], 1, -1, 6), t([3], 0, 0, 4)], t([3], .infinity, -.infinity, 1.5)),
        Example(Neg(), [t([2], 3, -2)], t([2], -3, 2)),
        Example(Relu(), [t([4], 3, -2, 0, nan)], t([4], 3, 0, 0, nan)),
        Example(ReluGradient(), [t([4], 7, 7, 7, 7), t([4], 3, 0, 1, nan)], t([4], 7, 0, 7, nan)),
        // Phi(1) = 0.8413447 and phi(1) = 0.2419707 of the normal distribution.
        Example(Gelu(), [t([3], 1, 0, -1)], t([3], 0.841_344_7, 0, -0.158_655_3)),
        Example(GeluGradient(), [t([2], 2, 2), t([2], 0, 1)], t([2], 1, 2.166_630_9)),
        Example(Tanh(), [t([2], 0, ln2)], t([2], 0, 0.6)),
        Example(Sigmoid(), [t([2], 0, ln2)], t([2], 0.5, 2.0 / 3)),
        Example(Exp(), [t([3], 0, ln2, -.infinity)], t([3], 1, 2, 0)),
        Example(Log(), [t([4], 1, 2, 0, -1)], t([4], 0, ln2, -.infinity, nan)),
        Example(Sqrt(), [t([3], 9, 2, -1)], t([3], 3, 1.414_213_6, nan)),
        Example(ReduceSum(axes: [1]), [t([2, 3], 1, 2, 3, 4, 5, 6)], t([2, 1], 6, 15)),
        Example(ReduceSum(keepDims: false), [t([2, 2], 1, 2, 3, 4)], t([], 10)),
        Example(ReduceMean(axes: [-2], keepDims: false), [t([2, 2], 1, 2, 3, 4)], t([2], 2, 3)),
    ]

    static let products = [
        Example(
            MatMul(), [t([2, 3], 1, 2, 3, 4, 5, 6), t([3, 2], 1, 0, 0, 1, 1, 1)], t([2, 2], 4, 5, 10, 11)),
        Example(
            MatMul(transposesRight: true), [t([2, 1, 2], 1, 2, 3, 4), t([1, 2], 5, 6)], t([2, 1, 1], 17, 39)),
        Example(
            Gemm(alpha: 2, beta: 3, transA: true),
            [t([2, 1], 1, 2), t([2, 2], 1, 0, 0, 1), t([2], 10, 20)],
            t([1, 2], 32, 64)),
        Example(
            FusedMatMul(MatMul(), hasBias: true, hasResidual: true, activation: .relu),
            [t([1, 2], 1, 2), t([2, 2], 1, 0, 0, 1), t([2], 1, 1), t([1, 2], -5, 5)], t([1, 2], 0, 8)),
    ]

    static let normalizations = [
        Example(Softmax(), [t([2, 2], 0, ln2, nan, 1)], t([2, 2], 1.0 / 3, 2.0 / 3, nan, nan)),
        Example(Softmax(axis: 0), [t([2, 1], 1000, 1000)], t([2, 1], 0.5, 0.5)),
        Example(LogSoftmax(), [t([1, 2], 5, 5)], t([1, 2], -ln2, -ln2)),
        // y (g - sum(g y)) with sum = 1
        Example(SoftmaxGradient(), [t([2], 2, 0), t([2], 0.5, 0.5)], t([2], 0.5, -0.5)),
        // mean 2, variance 1
        Example(
            LayerNormalization(epsilon: 0), [t([1, 2], 1, 3), t([2], 10, 10), t([2], 1, 2)],
            t([1, 2], -9, 12)),
        // n = (-1, 1), h = g: mean 1.5, projection (-1 + 2) / 2 = 0.5; x: h - mean - n * projection = 0
        Example(
            LayerNormalizationGradient(epsilon: 0), [t([1, 2], 1, 2), t([1, 2], 1, 3), t([2], 1, 1)],
            t([1, 2], 0, 0), t([2], -1, 2), t([2], 1, 2)),
        Example(
            BatchNormalization(epsilon: 1),
            [t([1, 2, 2], 1, 2, 3, 4), t([2], 1, 2), t([2], 0, 1), t([2], 1, 3), t([2], 3, 0)],
            t([1, 2, 2], 0, 0.5, 1, 3)),
    ]

    static let windows = [
        Example(
            Conv(pads: [0, 0, 0, 1]),
            [t([1, 1, 2, 2], 1, 2, 3, 4), t([1, 1, 1, 2], 1, 10), t([1], 100)],
            t([1, 1, 2, 2], 121, 102, 143, 104)),
        // Two groups: each filter sees its own channel; stride 2 takes every other column.
        Example(
            Conv(strides: [1, 2], group: 2), [t([1, 2, 1, 3], 1, 2, 3, 4, 5, 6), t([2, 1, 1, 1], 10, 100)],
            t([1, 2, 1, 2], 10, 30, 400, 600)),
        // A dilated kernel of two sees columns 0 and 2.
        Example(
            Conv(dilations: [1, 2]), [t([1, 1, 1, 3], 1, 2, 3), t([1, 1, 1, 2], 1, 1)], t([1, 1, 1, 1], 4)),
        Example(
            ConvInputGradient(Conv(), inputShape: [1, 1, 1, 3]),
            [t([1, 1, 1, 2], 1, 2), t([1, 1, 1, 2], 3, 4)], t([1, 1, 1, 3], 3, 10, 8)),
        Example(
            ConvWeightGradient(Conv(), weightShape: [1, 1, 1, 2]),
            [t([1, 1, 1, 2], 1, 2), t([1, 1, 1, 3], 3, 4, 5)], t([1, 1, 1, 2], 11, 14)),
        Example(
            FusedConv(Conv(), hasBias: true, hasResidual: true, activation: .relu),
            [t([1, 1, 1, 2], 1, 2), t([1, 1, 1, 1], 10), t([1], 1), t([1, 1, 1, 2], -20, 20)],
            t([1, 1, 1, 2], 0, 41)),
        Example(
            MaxPool(kernelShape: [1, 2], strides: [1, 2]), [t([1, 1, 2, 4], 1, 2, 4, 3, nan, 1, -1, -2)],
            t([1, 1, 2, 2], 2, 4, nan, -1)),
        Example(
            MaxPoolGradient(MaxPool(kernelShape: [1, 2])),
            [t([1, 1, 1, 2], 10, 20), t([1, 1, 1, 3], 1, 5, 5)],
            t([1, 1, 1, 3], 0, 30, 0)),
        Example(
            AveragePool(kernelShape: [1, 2], pads: [0, 1, 0, 0]), [t([1, 1, 1, 2], 2, 4)],
            t([1, 1, 1, 2], 2, 3)),
        Example(
            AveragePool(kernelShape: [1, 2], pads: [0, 1, 0, 0], countIncludePad: true),
            [t([1, 1, 1, 2], 2, 4)], t([1, 1, 1, 2], 1, 3)),
        Example(
            AveragePoolGradient(
                AveragePool(kernelShape: [1, 2], pads: [0, 1, 0, 0]), inputShape: [1, 1, 1, 2]),
            [t([1, 1, 1, 2], 10, 20)], t([1, 1, 1, 2], 20, 10)),
        Example(GlobalAveragePool(), [t([1, 2, 1, 2], 1, 3, 5, 9)], t([1, 2, 1, 1], 2, 7)),
    ]

    static let movement = [
        Example(Reshape([0, -1]), [t([1, 2, 2], 1, 2, 3, 4)], t([1, 4], 1, 2, 3, 4)),
        Example(Flatten(), [t([2, 1, 2], 1, 2, 3, 4)], t([2, 2], 1, 2, 3, 4)),
        Example(Transpose([1, 0]), [i([2, 3], 1, 2, 3, 4, 5, 6)], i([3, 2], 1, 4, 2, 5, 3, 6)),
        Example(Expand([2, 2]), [t([2, 1], 1, 2)], t([2, 2], 1, 1, 2, 2)),
        Example(Concat(axis: 1), [t([2, 1], 1, 2), t([2, 2], 3, 4, 5, 6)], t([2, 3], 1, 3, 4, 2, 5, 6)),
        Example(Slice(starts: [-2], ends: [100], axes: [1]), [t([1, 3], 1, 2, 3)], t([1, 2], 2, 3)),
        Example(
            Slice(starts: [-1], ends: [-100], axes: [0], steps: [-2]), [i([4], 1, 2, 3, 4)], i([2], 4, 2)),
        Example(
            SliceGradient(Slice(starts: [0], ends: [3], axes: [0], steps: [2]), inputShape: [4]),
            [t([2], 5, 6)], t([4], 5, 0, 6, 0)),
        Example(
            Gather(), [t([2, 2], 1, 2, 3, 4), i([3], 1, -2, 7)], t([3, 2], 3, 4, 1, 2, nan, nan)),
        Example(
            GatherGradient(axis: 1, inputShape: [1, 3]), [t([1, 4], 1, 2, 4, 8), i([4], 0, 2, 0, 9)],
            t([1, 3], 5, 0, 2)),
        Example(Cast(to: .int64), [t([4], 1.9, -1.9, nan, 1e30)], i([4], 1, -1, 0, .max)),
    ]

    static let losses = [
        // Both rows give each class the chance 1/2; the second example's label is no class.
        Example(SoftmaxCrossEntropyLoss(), [t([2, 2], 3, 3, 5, 5), i([2], 0, 1)], t([], ln2)),
        Example(SoftmaxCrossEntropyLoss(), [t([1, 2], 3, 3), i([1], 2)], t([], nan)),
        Example(
            SoftmaxCrossEntropyLossGradient(), [t([], 4), t([2, 2], 3, 3, 5, 5), i([2], 0, 1)],
            t([2, 2], -1, 1, 1, -1)),
    ]

    static let updates = [
        // v = 0.5 * 2 + 4 = 5, p = 10 - 0.1 * 5
        Example(
            SGDMomentumUpdate(momentum: 0.5), [t([1], 10), t([1], 4), t([1], 2), t([], 0.1)],
            t([1], 9.5), t([1], 5)),
        // g = 3 + 0.1 * 10 = 4, v = 0.5 * 2 + 4 = 5, p = 10 - 0.1 * (4 + 0.5 * 5)
        Example(
            SGDMomentumUpdate(momentum: 0.5, weightDecay: 0.1, usesNesterov: true),
            [t([1], 10), t([1], 3), t([1], 2), t([], 0.1)], t([1], 9.35), t([1], 5)),
        // At step 1 the corrected moments are g and g * g, so that the step is the rate in g's direction.
        Example(
            AdamUpdate(beta1: 0.5, beta2: 0.75),
            [t([1], 1), t([1], 4), t([1], 0), t([1], 0), t([], 0.1), i([], 1)],
            t([1], 0.9), t([1], 2), t([1], 4)),
        Example(
            AdamWUpdate(beta1: 0.5, beta2: 0.75, weightDecay: 0.5),
            [t([1], 1), t([1], 4), t([1], 0), t([1], 0), t([], 0.1), i([], 1)],
            t([1], 0.85), t([1], 2), t([1], 4)),
    ]
}
