import ComputeGraph

private func b(_ shape: Shape, _ values: Double...) -> HostTensor {
    HostTensor(TensorType(.bool, shape), doubles: values)
}

private let nan = Float.nan
private let ln2: Float = 0.693_147_18

extension OperatorExampleTests {
    /// Convolution, pooling, normalization, losses and resampling beyond images and plain forms.
    static let neural = slidingAlongAxes + pools + rows + resampling + neuralLosses

    private static let slidingAlongAxes = [
        Example(
            Conv(strides: [1], pads: [1, 0], dilations: [2]), [t([1, 1, 3], 1, 2, 3), t([1, 1, 2], 10, 1)],
            t([1, 1, 2], 2, 13)),
        Example(
            Conv(strides: [1, 1, 1], pads: [0, 0, 0, 0, 0, 0], dilations: [1, 1, 1]),
            [t([1, 1, 2, 1, 2], 1, 2, 3, 4), t([1, 1, 2, 1, 1], 1, 10)], t([1, 1, 1, 1, 2], 31, 42)),
        // Each element writes 1 and 10 times itself, two places further than the one before it.
        Example(
            ConvTranspose(strides: [2], pads: [0, 0], dilations: [1], outputExtents: [5]),
            [t([1, 1, 2], 1, 2), t([1, 1, 2], 1, 10)], t([1, 1, 5], 1, 10, 2, 20, 0)),
        // The one tap moves half an element to the right, and then out of the image.
        Example(
            DeformConv(Conv(strides: [1], pads: [0, 0], dilations: [1])),
            [t([1, 1, 2], 2, 4), t([1, 1, 1], 10), t([1, 1, 2], 0.5, 1)], t([1, 1, 2], 30, 0)),
        Example(
            DeformConv(Conv(strides: [1], pads: [0, 0], dilations: [1]), hasBias: true, hasMask: true),
            [t([1, 1, 1], 2), t([1, 1, 1], 10), t([1, 1, 1], 0), t([1], 1), t([1, 1, 1], 0.5)],
            t([1, 1, 1], 11)),
    ]

    private static let pools = [
        Example(
            MaxPool(kernelShape: [2], strides: [2], pads: [0, 0], hasIndices: true),
            [t([1, 2, 4], 1, 5, 5, 2, nan, 1, 0, 3)], t([1, 2, 2], 5, 5, nan, 3), i([1, 2, 2], 1, 2, 4, 7)),
        Example(
            MaxPool(kernelShape: [2, 2], hasIndices: true, countsColumnsFirst: true),
            [t([1, 1, 2, 3], 1, 2, 3, 4, 9, 5)], t([1, 1, 1, 2], 9, 9), i([1, 1, 1, 2], 3, 3)),
        // Both taps of the middle window lie beside the one element.
        Example(
            MaxPool(kernelShape: [2], strides: [1], pads: [1, 2], dilations: [2]), [t([1, 1, 1], 7)],
            t([1, 1, 2], -.infinity, 7)),
        // Of the last window one element lies in the input, one in the padding and one behind it.
        Example(
            AveragePool(
                kernelShape: [3], strides: [2], pads: [0, 1], countIncludePad: true, overhang: [1]),
            [t([1, 1, 3], 1, 2, 6)], t([1, 1, 2], 3, 3)),
        Example(
            LpPool(window: Window(kernel: [2], strides: [1], pads: [0, 1])), [t([1, 1, 2], -3, 4)],
            t([1, 1, 2], 5, 4)),
        Example(GlobalMaxPool(), [t([1, 2, 2], 1, 3, nan, 9)], t([1, 2, 1], 3, nan)),
        Example(GlobalLpPool(p: 1), [t([1, 1, 3], 1, -3, 2)], t([1, 1, 1], 6)),
        Example(
            AdaptiveAveragePool(outputExtents: [2]), [t([1, 1, 3], 1, 3, 8)], t([1, 1, 2], 2, 5.5)),
        Example(
            MaxUnpool(imageExtents: [2, 2], outputExtents: [2, 3]),
            [t([1, 1, 1, 2], 5, 6), i([1, 1, 1, 2], 3, 0)], t([1, 1, 2, 3], 6, 0, 0, 0, 5, 0)),
        Example(
            MaxRoiPool(pooledShape: [1, 2]),
            [t([1, 1, 2, 2], 1, 2, 4, 3), t([2, 5], 0, 0, 0, 1, 1, 9, 0, 0, 1, 1)],
            t([2, 1, 1, 2], 4, 3, nan, nan)),
        Example(
            RoiAlign(outputWidth: 2, samplingRatio: 1, usesHalfPixels: false),
            [t([1, 1, 1, 3], 0, 10, 20), t([1, 4], 0, 0, 2, 1), i([1], 0)], t([1, 1, 1, 2], 5, 15)),
    ]

    private static let rows = [
        Example(
            RMSNormalization(epsilon: 0), [t([1, 2], 1, 7), t([2], 5, 10)], t([1, 2], 1, 14)),
        Example(
            LRN(size: 3, alpha: 3, beta: 1), [t([1, 3, 1], 1, 1, 2)], t([1, 3, 1], 1.0 / 3, 1.0 / 7, 2.0 / 6)),
        Example(LpNormalization(), [t([2, 2], 3, 4, 0, 0)], t([2, 2], 0.6, 0.8, 0, 0)),
        Example(MeanVarianceNormalization(axes: [0]), [t([2, 1], 1, 5)], t([2, 1], -1, 1)),
    ]

    private static let resampling = [
        Example(
            AffineGrid(extents: [1, 2]), [t([1, 2, 3], 1, 0, 0, 0, 1, 3)], t([1, 1, 2, 2], -0.5, 3, 0.5, 3)),
        Example(
            GridSample(alignsCorners: true), [t([1, 1, 3], 1, 2, 4), t([1, 3, 1], 0.5, -1, 2)],
            t([1, 1, 3], 3, 1, 0)),
        Example(
            GridSample(mode: .nearest, padding: .border), [t([1, 1, 2], 1, 2), t([1, 2, 1], -9, 0.6)],
            t([1, 1, 2], 1, 2)),
        Example(
            Resize(mode: .linear, axes: [ResizedAxis(axis: 0, extent: 4, scale: 2)]), [t([2], 0, 4)],
            t([4], 0, 1, 3, 4)),
        Example(
            Resize(
                axes: [ResizedAxis(axis: 0, extent: 4, scale: 2)], placement: .asymmetric, nearest: .floor),
            [i([2], 5, 6)], i([4], 5, 5, 6, 6)),
    ]

    private static let neuralLosses = [
        Example(
            NegativeLogLikelihoodLoss(ignoredLabel: 9),
            [t([3, 2], -1, -2, -3, -4, -5, -6), i([3], 1, 9, 0), t([2], 3, 1)], t([], 17.0 / 4)),
        Example(
            NegativeLogLikelihoodLoss(reduction: .none), [t([1, 1, 2], -1, -2), i([1, 2], 0, 4)],
            t([1, 2], 1, nan)),
        Example(BinaryCrossEntropyLoss(), [t([3], 0.5, 0, 1), t([3], 1, 1, 1)], t([3], ln2, 100, 0)),
        Example(KLDivergenceLoss(), [t([2], -1, 0), t([2], 0.5, 0)], t([2], 0.5 * (1 - ln2), 0)),
        // Three of the four equally likely ways through two steps spell the one label; none spells two equal ones.
        Example(
            CTCLoss(),
            [
                t([2, 2, 2], -ln2, -ln2, -ln2, -ln2, -ln2, -ln2, -ln2, -ln2), i([2, 2], 1, 0, 1, 1),
                i([2], 2, 2),
                i([2], 1, 2),
            ], t([2], 0.287_682_1, .infinity)),
        // The first numbers of this seed are 0.549 and 0.715.
        Example(Dropout(ratio: 0.6, seed: 0), [t([2], 2, 2)], t([2], 0, 5), b([2], 0, 1)),
        Example(
            RMSPropUpdate(decay: 0.5, epsilon: 0), [t([1], 1), t([1], 2), t([1], 4), t([], 0.5)], t([1], 0.5),
            t([1], 4)),
    ]
}
