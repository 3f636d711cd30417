import ComputeGraph
import Testing

/// Inputs that an operator must refuse, and words its sentence must hold.
struct Refusal: Sendable, CustomStringConvertible {
    var used: any Operator
    var inputs: [TensorType]
    var words: String
    var description: String { "\(used.name): \(words)" }

    init(_ used: any Operator, _ inputs: [TensorType], _ words: String) {
        self.used = used
        self.inputs = inputs
        self.words = words
    }
}

private func f(_ extents: Int...) -> TensorType { TensorType(.float32, Shape(extents)) }
private func s(_ extents: Int...) -> TensorType { TensorType(.string, Shape(extents)) }
private func n(_ extents: Int...) -> TensorType { TensorType(.int64, Shape(extents)) }

@Suite("Shape rules")
struct ShapeRuleTests {
    @Test(arguments: refusals + quantization)
    func `inputs that do not fit are refused with a sentence that names the trouble`(refusal: Refusal) throws
    {
        let error = #expect(throws: GraphError.self) { try refusal.used.outputTypes(of: refusal.inputs) }

        let sentence = try #require(error?.summary)
        #expect(sentence.hasPrefix(refusal.used.name + ":"))
        #expect(sentence.contains(refusal.words), "\(sentence)")
    }

    static let refusals = general + movement

    static let movement = [
        Refusal(Pad(pads: [1]), [f(2)], "two pads for each axis"),
        Refusal(Pad(pads: [-2, 1], mode: .edge), [f(2)], "leave nothing of axis 0"),
        Refusal(Pad(pads: [.max, .max]), [f(2)], "no tensor has room"),
        Refusal(Tile([2]), [f(2, 2)], "how often each axis"),
        Refusal(TopK(count: 3), [f(2)], "does not have 3 elements"),
        Refusal(ArgMax(), [f(0)], "has no elements"),
        Refusal(Det(), [f(2, 3)], "square matrices"),
        Refusal(ReduceMax(axes: [2]), [f(2)], "axis 2 is not in"),
        Refusal(GatherElements(), [f(2, 2), n(2, 3)], "reach beyond"),
        Refusal(GatherND(), [f(2), n(1, 2)], "more than the axes"),
        Refusal(ScatterND(), [f(2, 3), n(1, 1), f(1, 2)], "the tensor of updates has the shape [1x3]"),
        Refusal(ScatterElements(reduction: .add), [s(2), n(2), s(2)], "has no add"),
        Refusal(TensorScatter(), [f(2, 3, 4), f(2, 4, 4)], "is longer than"),
        Refusal(OneHot(depth: 3), [n(2), f(3)], "the tensor of values has the shape [2]"),
        Refusal(ReverseSequence(), [f(2, 3), n(2)], "the tensor of lengths has the shape [3]"),
        Refusal(Multinomial(count: 1, seed: 0), [f(2, 0)], "no classes"),
        Refusal(
            Col2Im(image: [3], block: [2], strides: [0], pads: [0, 0], dilations: [1]), [f(1, 2, 2)],
            "are not negative or huge"),
    ]

    static let general = [
        Refusal(Add(), [f(2, 3), f(2)], "do not broadcast"),
        Refusal(Add(), [f(2)], "takes 2 inputs, not 1"),
        Refusal(Sqrt(), [n(2)], "cannot compute on int64[2]"),
        Refusal(And(), [f(2), f(2)], "cannot compute on float32[2]"),
        Refusal(Mod(), [f(2), f(2)], "fmod is 1"),
        Refusal(Pow(), [TensorType(.uint8, [2]), n(2)], "X cannot be uint8[2]"),
        Refusal(PRelu(), [f(2), f(3, 2)], "does not broadcast to [2]"),
        Refusal(Clip(), [f(2), f(2), f()], "a bound is one number"),
        Refusal(Clip(), [f(2), n(), f()], "cannot be int64[]"),
        Refusal(Max(), [], "at least one input"),
        Refusal(Max(), [f(2), f(3)], "do not broadcast"),
        Refusal(Where(), [f(2), f(2), f(2)], "the condition is bool"),
        Refusal(Where(), [TensorType(.bool, [2]), f(2), n(2)], "one element type"),
        Refusal(Mul(), [f(2), TensorType(.float64, [2])], "share one element type"),
        Refusal(MatMul(), [f(2, 3), f(2, 3)], "3 columns, the right 2 rows"),
        Refusal(MatMul(), [f(3), f(3, 2)], "at least two axes"),
        Refusal(MatMul(), [f(2, 2, 3), f(5, 3, 2)], "leading axes"),
        Refusal(Gemm(), [f(2, 3), f(3, 4), f(3)], "does not broadcast to the result [2x4]"),
        Refusal(Gemm(), [f(2, 3), f(3, 4), f(1, 2, 4)], "does not broadcast"),
        Refusal(Softmax(axis: 2), [f(2, 3)], "axis 2 is not in a tensor of 2 axes"),
        Refusal(LayerNormalization(), [f(2, 3), f(2)], "the scale has the shape [3]"),
        Refusal(BatchNormalization(), [f(2, 3), f(3), f(3), f(3), f(2)], "the variance has the shape [3]"),
        Refusal(Conv(), [f(1, 3, 4, 4), f(2, 2, 1, 1)], "do not fit 1 groups"),
        Refusal(Conv(group: 2), [f(1, 2, 4, 4), f(3, 1, 1, 1)], "groups divide the filters"),
        Refusal(Conv(), [f(1, 1, 2, 2), f(1, 1, 3, 3)], "does not fit into"),
        Refusal(Conv(strides: [0, 1]), [f(1, 1, 2, 2), f(1, 1, 1, 1)], "two strides"),
        Refusal(Conv(pads: [1, 1]), [f(1, 1, 2, 2), f(1, 1, 1, 1)], "four pads"),
        Refusal(Conv(), [f(1, 1, 2, 2), f(1, 1, 1, 1), f(2)], "the bias has the shape [1]"),
        Refusal(Conv(strides: [1]), [f(1, 1, 2), f(1, 1, 1)], "one dilation of at least 1"),
        Refusal(Conv(), [f(1, 2), f(1, 2)], "at least one more axis"),
        Refusal(Conv(), [f(1, 1, 2), f(1, 1, 2, 1)], "the weight tensor has 3 axes"),
        Refusal(
            ConvTranspose(outputExtents: [2]), [f(1, 1, 2, 2), f(1, 1, 1, 1)], "the output has 2 extents"),
        Refusal(
            ConvTranspose(outputExtents: [2, 2]), [f(1, 3, 2, 2), f(1, 1, 1, 1)], "do not fit 1 groups"),
        Refusal(DeformConv(Conv()), [f(1, 1, 2, 2), f(1, 1, 1, 1), f(1, 1, 2, 2)], "the offset tensor"),
        Refusal(
            DeformConv(Conv(), offsetGroup: 3), [f(1, 1, 2, 2), f(1, 1, 1, 1), f(1, 2, 2, 2)],
            "3 offset groups"),
        Refusal(AveragePool(kernelShape: [2, 2], overhang: [1]), [f(1, 1, 4, 4)], "the overhang [1]"),
        Refusal(GlobalMaxPool(), [f(2, 2)], "at least one more axis"),
        Refusal(GlobalLpPool(p: 0), [f(1, 2, 2)], "a positive number"),
        Refusal(AdaptiveAveragePool(outputExtents: [0]), [f(1, 1, 4)], "extents of at least 1"),
        Refusal(MaxUnpool(imageExtents: [2]), [f(1, 1, 2), n(1, 1, 1)], "the tensor of indices"),
        Refusal(MaxRoiPool(pooledShape: [1]), [f(1, 1, 2, 2), f(1, 5)], "a height and a width"),
        Refusal(RoiAlign(samplingRatio: -1), [f(1, 1, 2, 2), f(1, 4), n(1)], "0 to 1024 samples"),
        Refusal(GridSample(), [f(1, 1, 2), f(1, 2, 2)], "1 coordinates for each place"),
        Refusal(AffineGrid(extents: [2, 2]), [f(1, 2, 2)], "theta has the shape [1x2x3]"),
        Refusal(
            Resize(axes: [ResizedAxis(axis: 0, extent: 4, scale: 0)]), [f(2)], "is a positive number"),
        Refusal(Resize(axes: [ResizedAxis(axis: 3, extent: 4, scale: 2)]), [f(2)], "each named once"),
        Refusal(
            Resize(axes: [ResizedAxis(axis: 0, extent: 4, scale: 1e-9)]), [f(2)], "does not make 4 of 2"),
        Refusal(LRN(size: 0), [f(1, 2, 2)], "the size is at least 1"),
        Refusal(LpNormalization(p: 3), [f(2)], "p is 1 or 2"),
        Refusal(MeanVarianceNormalization(), [f(2, 2)], "axis 2 is not in"),
        Refusal(RMSNormalization(), [f(2, 3), f(2)], "the scale has the shape [3]"),
        Refusal(NegativeLogLikelihoodLoss(), [f(2, 3), n(3)], "the label tensor has the shape [2]"),
        Refusal(Dropout(ratio: 1, seed: 0), [f(2)], "from 0 to less than 1"),
        Refusal(RMSPropUpdate(), [f(2), f(3), f(2), f()], "the gradient has the shape [2]"),
        Refusal(
            MaxPool(kernelShape: [2, 2], pads: [2, 0, 0, 0]), [f(1, 1, 4, 4)], "smaller than the kernel"),
        Refusal(MaxPool(kernelShape: [2]), [f(1, 1, 4, 4)], "a height and a width"),
        Refusal(AveragePool(kernelShape: [5, 1]), [f(1, 1, 4, 4)], "does not fit into"),
        Refusal(GlobalAveragePool(), [f(2, 2)], "at least one more axis"),
        Refusal(Reshape([3, -1]), [f(2, 2)], "do not divide into"),
        Refusal(Reshape([-1, -1]), [f(2, 2)], "at most one -1"),
        Refusal(Reshape([5]), [f(2, 2)], "has 4 elements"),
        Refusal(Flatten(axis: 3), [f(2, 2)], "axis 3"),
        Refusal(Transpose([0, 0]), [f(2, 2)], "does not name each axis"),
        Refusal(Expand([2]), [f(3)], "does not broadcast to [2]"),
        Refusal(Concat(axis: 0), [f(2, 2), f(2, 3)], "differ in more than axis 0"),
        Refusal(Concat(axis: 0), [], "at least one input"),
        Refusal(Slice(starts: [0], ends: [1, 2], axes: [0]), [f(4)], "as many starts"),
        Refusal(Slice(starts: [0], ends: [1], axes: [0], steps: [0]), [f(4)], "a step is not 0"),
        Refusal(Gather(), [f(2), f(2)], "indices are int64 or int32"),
        Refusal(CTCLoss(blank: 3), [f(4, 1, 3), n(1, 2), n(1), n(1)], "the blank 3 is not one of 3 classes"),
        Refusal(ReduceSum(axes: [0, -2]), [f(2, 2)], "named twice"),
        Refusal(SoftmaxCrossEntropyLoss(), [f(2, 3), n(3)], "the label tensor has the shape [2]"),
        Refusal(SoftmaxCrossEntropyLoss(), [f(2, 3), f(2)], "labels are int64"),
        Refusal(SGDMomentumUpdate(), [f(2), f(2), f(2), f(2)], "the learning rate is one number"),
        Refusal(AdamUpdate(), [f(2), f(2), f(2), f(2), f(), f()], "is int64"),
        Refusal(
            FusedMatMul(MatMul(), hasBias: true, hasResidual: false, activation: .relu),
            [f(2, 3), f(3, 4), f(3)],
            "the bias has the shape [4]"),
        Refusal(
            FusedConv(Conv(), hasBias: false, hasResidual: true, activation: .relu),
            [f(1, 1, 2, 2), f(1, 1, 1, 1), f(1, 1, 1, 2)], "the residual is"),
    ]
}
