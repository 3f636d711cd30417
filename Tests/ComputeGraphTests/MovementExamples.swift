import ComputeGraph
import Essentials
import TestSupport

private func w(_ element: ElementType, _ shape: Shape, _ values: Int128...) -> HostTensor {
    HostTensor(TensorType(element, shape), wrapping: values)
}
private func s(_ values: String...) -> HostTensor {
    HostTensor(TensorType(.string, [values.count]), strings: values)
}

private let nan = Float.nan
private let ln2: Float = 0.693_147_18
private let greatest = Int64.max

/// Operators that move, choose, order, fold and draw elements.
extension OperatorExampleTests {
    static let folding = [
        Example(ReduceSum(axes: [0]), [w(.int8, [2, 1], 100, 100)], w(.int8, [1, 1], -56)),
        Example(ReduceSum(axes: [1]), [t([2, 0])], t([2, 1], 0, 0)),
        Example(ReduceMean(), [i([3], -1, -2, -4)], i([1], -2)),
        Example(ReduceMax(axes: [1]), [t([2, 2], 1, 3, nan, 2)], t([2, 1], 3, nan)),
        Example(ReduceMax(axes: [1]), [w(.int8, [1, 0])], w(.int8, [1, 1], -128)),
        Example(ReduceMin(keepDims: false), [i([2], greatest, greatest - 1)], i([], greatest - 1)),
        Example(ReduceMin(), [w(.bool, [2], 1, 0)], w(.bool, [1], 0)),
        Example(ReduceProd(), [t([3], 2, 3, -1)], t([1], -6)),
        Example(ReduceProd(), [w(.uint8, [2], 16, 17)], w(.uint8, [1], 16)),
        Example(ReduceL1(), [t([3], 3, -4, 0)], t([1], 7)),
        Example(ReduceL2(), [t([2], 3, -4)], t([1], 5)),
        Example(ReduceSumSquare(axes: [0]), [i([2, 1], 3, -4)], i([1, 1], 25)),
        Example(ReduceLogSum(), [t([2], 0.5, 1.5)], t([1], ln2)),
        Example(ReduceLogSumExp(), [t([2], 1000, 1000)], t([1], 1000 + ln2)),
        Example(ReduceAny(axes: [1]), [w(.bool, [2, 2], 0, 0, 0, 1)], w(.bool, [2, 1], 0, 1)),
        Example(ReduceAll(axes: [1]), [w(.bool, [2, 2], 0, 1, 1, 1)], w(.bool, [2, 1], 0, 1)),
        Example(Norm(), [t([2], 3, -4)], t([1], 5)),
        Example(Norm(p: 1, axes: [1]), [t([1, 2], 3, -4)], t([1, 1], 7)),
        Example(Norm(p: .infinity), [t([2], 3, -4)], t([1], 4)),
        Example(Norm(p: 3), [t([3], 3, -4, 5)], t([1], 6)),
        Example(CumSum(axis: 0), [t([3], 1, 2, 3)], t([3], 1, 3, 6)),
        Example(CumSum(axis: -1, isExclusive: true, isReversed: true), [i([3], 1, 2, 3)], i([3], 5, 3, 0)),
        Example(CumProd(axis: 0, isExclusive: true), [t([3], 2, 3, 4)], t([3], 1, 2, 6)),
    ]

    static let moving = [
        Example(Slice(starts: [2], ends: [1], axes: [0]), [t([4], 1, 2, 3, 4)], t([0])),
        Example(Slice(starts: [3], ends: [.min], axes: [0], steps: [.min]), [t([4], 1, 2, 3, 4)], t([1], 4)),
        Example(Concat(axis: 0), [s("a"), s("b", "c")], s("a", "b", "c")),
        Example(Pad(pads: [1, 2]), [t([1], 5), t([], 7)], t([4], 7, 5, 7, 7)),
        Example(Pad(pads: [-1, 1]), [s("a", "b")], s("b", "")),
        Example(Pad(pads: [3, 4], mode: .reflect), [i([3], 1, 2, 3)], i([10], 2, 3, 2, 1, 2, 3, 2, 1, 2, 3)),
        Example(Pad(pads: [0, 1, 0, 2], mode: .edge), [i([1, 2], 1, 2)], i([1, 5], 1, 1, 2, 2, 2)),
        Example(Pad(pads: [1, 3], mode: .wrap), [i([2], 1, 2)], i([6], 2, 1, 2, 1, 2, 1)),
        Example(Tile([2, 2]), [i([1, 2], 1, 2)], i([2, 4], 1, 2, 1, 2, 1, 2, 1, 2)),
        Example(Trilu(), [t([2, 2], 1, 2, 3, 4)], t([2, 2], 1, 2, 0, 4)),
        Example(Trilu(isUpper: false, offset: 1), [t([1, 3], 1, 2, 3)], t([1, 3], 1, 2, 0)),
        Example(
            ReverseSequence(), [i([3, 2], 1, 2, 3, 4, 5, 6), i([2], 2, 9)], i([3, 2], 3, 6, 1, 4, 5, 2)),
        // Two blocks of two overlap in the middle one of three.
        Example(
            Col2Im(image: [3], block: [2], strides: [1], pads: [0, 0], dilations: [1]),
            [t([1, 2, 2], 1, 2, 10, 20)], t([1, 1, 3], 1, 12, 20)),
        Example(Det(), [t([2, 2, 2], 1, 2, 3, 4, 0, 1, 1, 0)], t([2], -2, -1)),
        Example(MatMul(), [w(.int8, [1, 2], 100, 1), w(.int8, [2, 1], 2, 1)], w(.int8, [1, 1], -55)),
        Example(Gemm(alpha: 2), [i([1, 1], 3), i([1, 1], 4), i([], 5)], i([1, 1], 29)),
    ]

    static let choosing = [
        Example(
            GatherElements(axis: 1), [t([2, 2], 1, 2, 3, 4), i([2, 1], -1, 5)], t([2, 1], 2, nan)),
        Example(GatherND(), [s("a", "b", "c"), i([2, 1], 2, -3)], s("c", "a")),
        Example(
            GatherND(batchAxes: 1), [i([2, 2], 1, 2, 3, 4), i([2, 1], 1, 0)], i([2], 2, 3)),
        Example(
            ScatterElements(), [t([3], 1, 2, 3), i([3], 0, -1, 9), t([3], 10, 30, 90)],
            t([3], 10, 2, 30)),
        Example(
            ScatterElements(reduction: .add), [w(.uint8, [2], 200, 1), i([2], 0, 0), w(.uint8, [2], 50, 10)],
            w(.uint8, [2], 4, 1)),
        Example(
            ScatterND(), [t([2, 2], 1, 2, 3, 4), i([1, 1], 1), t([1, 2], 5, 6)], t([2, 2], 1, 2, 5, 6)),
        Example(
            ScatterND(reduction: .max), [i([2], 1, 9), i([2, 1], 0, 1), i([2], 5, 5)], i([2], 5, 9)),
        Example(
            TensorScatter(axis: 1), [t([2, 3], 1, 2, 3, 4, 5, 6), t([2, 2], 7, 8, 9, 0), i([2], 2, 0)],
            t([2, 3], 1, 2, 7, 9, 0, 6)),
        Example(
            TensorScatter(axis: 1, isCircular: true), [t([1, 3], 1, 2, 3), t([1, 2], 7, 8), i([1], 2)],
            t([1, 3], 8, 2, 7)),
        Example(OneHot(depth: 3), [i([3], 1, -1, 3), t([2], 5, 6)], t([3, 3], 5, 6, 5, 5, 5, 6, 5, 5, 5)),
    ]

    static let sorting = [
        Example(ArgMax(), [t([4], 1, 3, 3, 2)], i([1], 1)),
        Example(ArgMax(selectsLast: true), [t([4], 1, 3, 3, 2)], i([1], 2)),
        Example(ArgMax(axis: 1, keepDims: false), [i([1, 2], greatest - 1, greatest)], i([1], 1)),
        Example(ArgMin(), [t([3], 1, nan, -5)], i([1], 1)),
        Example(Hardmax(), [t([1, 3], 1, 3, 3)], t([1, 3], 0, 1, 0)),
        Example(TopK(count: 3), [t([4], 1, nan, 5, 5)], t([3], nan, 5, 5), i([3], 1, 2, 3)),
        Example(
            TopK(count: 1, axis: 0, findsLargest: false), [i([2, 2], 4, 1, 3, 2)], i([1, 2], 3, 1),
            i([1, 2], 1, 0)),
    ]

    /// Draws whose result chance cannot change.
    static let drawing = [
        Example(RandomUniform(.float32(2), low: 3, high: 3, seed: 1), [], t([2], 3, 3)),
        Example(RandomNormal(.float32(2), mean: 4, scale: 0, seed: 1), [], t([2], 4, 4)),
        Example(Bernoulli(.int64, seed: 1), [t([2], 0, 1)], i([2], 0, 1)),
        Example(
            Multinomial(count: 2, .int64, seed: 1), [t([1, 3], -.infinity, 5, -.infinity)], i([1, 2], 1, 1)),
    ]
}

extension GradientCase {
    static let folding = [
        GradientCase(ReduceL1.self) { (ReduceL1(axes: [$0.below(2)]), [$0.spread([3, 2])]) },
        GradientCase(ReduceL2.self) { random in
            (ReduceL2(axes: random.someAxes(of: 2), keepDims: false), [random.positive([3, 2])])
        },
        GradientCase(ReduceSumSquare.self) { random in
            (ReduceSumSquare(axes: random.someAxes(of: 2), keepDims: false), [random.tensor([3, 2])])
        },
        GradientCase(ReduceLogSum.self) { random in
            (ReduceLogSum(axes: random.someAxes(of: 2), keepDims: false), [random.positive([3, 2])])
        },
        GradientCase(ReduceLogSumExp.self) { random in
            (ReduceLogSumExp(axes: random.someAxes(of: 2)), [random.tensor([3, 2])])
        },
        GradientCase(CumSum.self) { random in
            let sum = CumSum(
                axis: random.below(2), isExclusive: random.below(2) == 0, isReversed: random.below(2) == 0)
            return (sum, [random.tensor([3, 2])])
        },
    ]

    static let moving = [
        GradientCase(Pad.self) { random in
            (Pad(pads: (0..<4).map { _ in random.below(4) - 1 }), [random.tensor([3, 4])])
        },
        GradientCase(Tile.self) { (Tile([$0.extent(), 2]), [$0.tensor([2, $0.extent()])]) },
        GradientCase(Trilu.self) { random in
            (Trilu(isUpper: random.below(2) == 0, offset: random.below(5) - 2), [random.tensor([2, 3, 3])])
        },
        GradientCase(ReverseSequence.self) {
            (ReverseSequence(), [$0.tensor([3, 2]), $0.indices([2], below: 4)])
        },
        GradientCase(GatherElements.self) { random in
            (
                GatherElements(axis: random.below(2)),
                [random.tensor([3, 3]), random.indices([3, 3], below: 3)]
            )
        },
        GradientCase(GatherND.self) { (GatherND(), [$0.tensor([3, 3, 2]), $0.indices([4, 2], below: 3)]) },
    ]
}
