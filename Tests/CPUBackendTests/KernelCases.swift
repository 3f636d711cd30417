import ComputeGraph
import Essentials
import KernelInterface
import TestSupport

/// A node with its inputs.
struct KernelCase {
    var `operator`: any Operator
    var inputs: [HostTensor]

    init(_ op: any Operator, _ inputs: [HostTensor]) {
        self.operator = op
        self.inputs = inputs
    }

    func signature(frozen: Set<Int> = []) throws -> NodeSignature {
        let types = inputs.map(\.type)
        return NodeSignature(
            operator: `operator`, inputs: types, outputs: try `operator`.outputTypes(of: types),
            frozenInputs: frozen)
    }
}

/// Makes random cases of every operator that the CPU has a kernel for: odd sizes, tails, broadcasts.
enum KernelCases {
    typealias Maker = @Sendable (inout SeededGenerator) -> KernelCase

    static let makers = networks + linearAlgebra

    private static let networks: [(name: String, make: Maker)] = [
        ("Relu", { unary(Relu(), &$0) }), ("Gelu", { unary(Gelu(), &$0) }), ("Tanh", { unary(Tanh(), &$0) }),
        ("Exp", { unary(Exp(), &$0) }), ("Sigmoid", { unary(Sigmoid(), &$0) }),
        ("Neg", { unary(Neg(), &$0) }),
        ("Log", { KernelCase(Log(), [$0.positive($0.shape())]) }),
        ("Sqrt", { KernelCase(Sqrt(), [$0.positive($0.shape())]) }),
        ("ReluGradient", { pair(ReluGradient(), &$0) }), ("GeluGradient", { pair(GeluGradient(), &$0) }),
        ("Add", { broadcast(Add(), &$0) }), ("Sub", { broadcast(Sub(), &$0) }),
        ("Mul", { broadcast(Mul(), &$0) }),
        ("Div", { broadcast(Div(), &$0) }),
        ("MatMul", matMul), ("FusedMatMul", fusedMatMul), ("Gemm", gemm),
        ("Conv", plainConvolution),
        ("FusedConv", fusedConvolution), ("ConvInputGradient", byInput), ("ConvWeightGradient", byWeights),
        ("ConvTranspose", transposedConvolution),
        ("MaxPool", maxPool), ("MaxPoolGradient", maxPoolGradient), ("AveragePool", averagePool),
        ("AveragePoolGradient", averagePoolGradient),
        (
            "GlobalAveragePool",
            {
                KernelCase(
                    GlobalAveragePool(), [$0.tensor([$0.upTo(3), $0.upTo(9), $0.upTo(9), $0.upTo(9)])])
            }
        ),
        ("Softmax", { unary(Softmax(), &$0) }), ("LogSoftmax", { unary(LogSoftmax(), &$0) }),
        ("SoftmaxGradient", { pair(SoftmaxGradient(), &$0) }),
        ("LayerNormalization", layerNormalization),
        ("LayerNormalizationGradient", layerNormalizationGradient),
        ("BatchNormalization", batchNormalization),
        ("SoftmaxCrossEntropyLoss", { KernelCase(SoftmaxCrossEntropyLoss(), scores(&$0)) }),
        (
            "SoftmaxCrossEntropyLossGradient",
            { KernelCase(SoftmaxCrossEntropyLossGradient(), [$0.tensor([])] + scores(&$0)) }
        ),
        ("ReduceSum", reduceSum), ("ReduceMean", reduceMean), ("Transpose", transpose), ("Slice", slice),
        ("Expand", expand), ("Gather", gather), ("GatherGradient", gatherGradient), ("Concat", concat),
        ("Reshape", { random in KernelCase(Reshape([-1]), [random.tensor(random.shape())]) }),
        (
            "Flatten",
            { random in KernelCase(Flatten(), [random.tensor([2, random.upTo(5), random.upTo(5)])]) }
        ),
        ("Cast", { random in KernelCase(Cast(to: .float32), [random.tensor(random.shape())]) }),
        ("SGDMomentumUpdate", descent), ("AdamUpdate", adam), ("AdamWUpdate", adamW),
    ]
}

extension KernelCases {
    private static func unary(_ op: any Operator, _ random: inout SeededGenerator) -> KernelCase {
        KernelCase(op, [random.tensor(random.shape(), scale: 3)])
    }

    private static func pair(_ op: any Operator, _ random: inout SeededGenerator) -> KernelCase {
        let shape = random.shape()
        return KernelCase(op, [random.tensor(shape), random.tensor(shape)])
    }

    private static func broadcast(_ op: any Operator, _ random: inout SeededGenerator) -> KernelCase {
        let shape = random.shape()
        var parts: [HostTensor] = []
        for _ in 0..<2 {
            var extents = shape.extents.map { random.below(3) == 0 ? 1 : $0 }
            extents.removeFirst(random.below(extents.count + 1))
            parts.append(random.positive(random.below(3) == 0 ? shape : Shape(extents)))
        }
        return KernelCase(op, parts)
    }

    private static func operands(
        _ random: inout SeededGenerator, batch: Bool
    ) -> (product: MatMul, left: Shape, right: Shape) {
        let (rows, terms, columns) = (
            random.upTo(40), random.upTo(random.pick([5, 30, 400])), random.upTo(70)
        )
        let product = MatMul(transposesLeft: random.below(3) == 0, transposesRight: random.below(3) == 0)
        let left = product.transposesLeft ? [terms, rows] : [rows, terms]
        let right = product.transposesRight ? [columns, terms] : [terms, columns]
        guard batch, random.below(2) == 0 else { return (product, Shape(left), Shape(right)) }
        let (outer, inner) = (random.upTo(3), random.upTo(3))
        return switch random.below(4) {
        case 0: (product, Shape([outer, inner] + left), Shape([outer, inner] + right))
        case 1: (product, Shape([outer, inner] + left), Shape(right))
        case 2: (product, Shape(left), Shape([inner] + right))
        default: (product, Shape([outer, 1] + left), Shape([inner] + right))
        }
    }

    private static let matMul: Maker = { random in
        let (product, left, right) = operands(&random, batch: true)
        return KernelCase(product, [random.tensor(left), random.tensor(right)])
    }

    private static let fusedMatMul: Maker = { random in
        let (product, left, right) = operands(&random, batch: true)
        let fused = FusedMatMul(
            product, hasBias: random.below(2) == 0, hasResidual: random.below(2) == 0,
            activation: random.pick(Activation.allCases))
        var inputs = [random.tensor(left), random.tensor(right)]
        guard let shape = try? product.outputTypes(of: inputs.map(\.type))[0].shape else {
            preconditionFailure("the operands fit")
        }
        if fused.hasBias { inputs.append(random.tensor([shape[shape.rank - 1]])) }
        if fused.hasResidual { inputs.append(random.tensor(shape)) }
        return KernelCase(fused, inputs)
    }

    private static let gemm: Maker = { random in
        let (product, left, right) = operands(&random, batch: false)
        let gemm = Gemm(transA: product.transposesLeft, transB: product.transposesRight)
        let rows = left[product.transposesLeft ? 1 : 0]
        let columns = right[product.transposesRight ? 0 : 1]
        let added: Shape? = random.pick([nil, [columns], [1, columns], [rows, columns]])
        return KernelCase(
            gemm, [random.tensor(left), random.tensor(right)] + (added.map { [random.tensor($0)] } ?? []))
    }

    private static func convolution(
        _ random: inout SeededGenerator
    ) -> (op: Conv, x: Shape, weights: Shape, y: Shape) {
        while true {
            let group = random.pick([1, 1, 1, 2, 3])
            let (channels, filters) = (random.upTo(random.pick([3, 20])), random.upTo(random.pick([3, 20])))
            let isDepthwise = random.below(4) == 0
            let kernel = random.pick([[1, 1], [3, 3], [3, 2], [5, 5], [7, 7]])
            let op = Conv(
                strides: [random.upTo(3), random.upTo(3)], pads: (0..<4).map { _ in random.below(4) },
                dilations: random.pick([[1, 1], [1, 1], [2, 1], [1, 2]]),
                group: isDepthwise ? channels * group : group)
            let x: Shape = [random.upTo(3), channels * group, random.upTo(18), random.upTo(18)]
            let weights: Shape = [filters * op.group, isDepthwise ? 1 : channels, kernel[0], kernel[1]]
            let types = [TensorType(.float32, x), TensorType(.float32, weights)]
            // Most windows fit; where one does not, another is drawn.
            if let y = try? op.outputTypes(of: types)[0].shape, y.count < 200_000 {
                return (op, x, weights, y)
            }
        }
    }

    private static func convolutionCase(
        _ random: inout SeededGenerator,
        _ make: (Conv, Shape, Shape, Shape, inout SeededGenerator) -> KernelCase
    ) -> KernelCase {
        let (op, x, weights, y) = convolution(&random)
        return make(op, x, weights, y, &random)
    }

    private static let plainConvolution: Maker = { random in
        convolutionCase(&random) { op, x, weights, _, random in
            let bias = random.below(2) == 0 ? [random.tensor([weights[0]])] : []
            return KernelCase(op, [random.tensor(x), random.tensor(weights)] + bias)
        }
    }

    private static let fusedConvolution: Maker = { random in
        convolutionCase(&random) { op, x, weights, y, random in
            let fused = FusedConv(
                op, hasBias: random.below(2) == 0, hasResidual: random.below(2) == 0,
                activation: random.pick(Activation.allCases))
            var inputs = [random.tensor(x), random.tensor(weights)]
            if fused.hasBias { inputs.append(random.tensor([weights[0]])) }
            if fused.hasResidual { inputs.append(random.tensor(y)) }
            return KernelCase(fused, inputs)
        }
    }

    private static let byInput: Maker = { random in
        convolutionCase(&random) { op, x, weights, y, random in
            KernelCase(ConvInputGradient(op, inputShape: x), [random.tensor(y), random.tensor(weights)])
        }
    }

    /// The output is also longer than what x adds to.
    private static let transposedConvolution: Maker = { random in
        convolutionCase(&random) { op, x, weights, y, random in
            let transposed = ConvTranspose(
                strides: op.strides, pads: op.pads, dilations: op.dilations, group: op.group,
                outputExtents: x.extents.dropFirst(2).map { $0 + random.below(3) })
            return KernelCase(transposed, [random.tensor(y), random.tensor(weights)])
        }
    }

    private static let byWeights: Maker = { random in
        convolutionCase(&random) { op, x, weights, y, random in
            KernelCase(ConvWeightGradient(op, weightShape: weights), [random.tensor(y), random.tensor(x)])
        }
    }
}

extension KernelCases {
    private static func window(
        _ random: inout SeededGenerator
    ) -> (kernel: [Int], strides: [Int], pads: [Int], x: Shape) {
        let kernel = [random.upTo(3), random.upTo(3)]
        let pads = [0, 1, 0, 1].map { random.below(kernel[$0]) }
        let x: Shape = [random.upTo(2), random.upTo(5), 3 + random.below(30), 3 + random.below(30)]
        return (kernel, [random.upTo(3), random.upTo(3)], pads, x)
    }

    private static let maxPool: Maker = { random in
        let (kernel, strides, pads, x) = window(&random)
        let pool = MaxPool(
            kernelShape: kernel, strides: strides, pads: pads, dilations: [1 + random.below(2), 1])
        return KernelCase(pool, [random.tensor(x)])
    }

    private static let maxPoolGradient: Maker = { random in
        let (kernel, strides, pads, x) = window(&random)
        let pool = MaxPool(kernelShape: kernel, strides: strides, pads: pads)
        // Few distinct values, so that windows hold equal ones.
        let values = HostTensor(
            TensorType(.float32, x), doubles: (0..<x.count).map { _ in Double(random.below(4)) })
        return KernelCase(MaxPoolGradient(pool), [random.tensor(output(pool, of: x)), values])
    }

    private static let averagePool: Maker = { random in
        let (kernel, strides, pads, x) = window(&random)
        let countsPadding = random.below(2) == 0
        let pool = AveragePool(
            kernelShape: kernel, strides: strides, pads: pads, dilations: [1, 1 + random.below(2)],
            countIncludePad: countsPadding,
            overhang: countsPadding || kernel[0] < 2 || pads[2] > 0 ? nil : [random.below(2), 0])
        return KernelCase(pool, [random.tensor(x)])
    }

    private static let averagePoolGradient: Maker = { random in
        let (kernel, strides, pads, x) = window(&random)
        let pool = AveragePool(
            kernelShape: kernel, strides: strides, pads: pads, countIncludePad: random.below(2) == 0)
        return KernelCase(AveragePoolGradient(pool, inputShape: x), [random.tensor(output(pool, of: x))])
    }

    private static func output(_ op: any Operator, of shape: Shape) -> Shape {
        guard let types = try? op.outputTypes(of: [TensorType(.float32, shape)]) else {
            preconditionFailure("\(op) takes \(shape)")
        }
        return types[0].shape
    }

    private static let layerNormalization: Maker = { random in
        let shape = random.shape()
        let row: Shape = [shape[shape.rank - 1]]
        let bias = random.below(2) == 0 ? [random.tensor(row)] : []
        return KernelCase(LayerNormalization(), [random.tensor(shape), random.tensor(row)] + bias)
    }

    private static let layerNormalizationGradient: Maker = { random in
        // Rows of one or two elements have a deviation near zero, where the gradient is ill-conditioned.
        let shape: Shape = [random.upTo(9), 8 + random.below(60)]
        return KernelCase(
            LayerNormalizationGradient(),
            [random.tensor(shape), random.tensor(shape), random.tensor([shape[1]])])
    }

    private static let batchNormalization: Maker = { random in
        let channels = random.upTo(7)
        let vectors = (0..<3).map { _ in random.tensor([channels]) } + [random.positive([channels])]
        return KernelCase(
            BatchNormalization(),
            [random.tensor([random.upTo(3), channels, random.upTo(9), random.upTo(9)])] + vectors)
    }

    private static func scores(_ random: inout SeededGenerator) -> [HostTensor] {
        let (rows, columns) = (random.upTo(20), random.upTo(20))
        return [random.tensor([rows, columns], scale: 4), random.indices([rows], below: columns)]
    }

    private static func axes(of shape: Shape, _ random: inout SeededGenerator) -> [Int] {
        shape.extents.indices.filter { _ in random.below(2) == 0 }
    }

    private static let reduceSum: Maker = { random in
        let shape = random.shape()
        return KernelCase(
            ReduceSum(axes: axes(of: shape, &random), keepDims: random.below(2) == 0), [random.tensor(shape)])
    }

    private static let reduceMean: Maker = { random in
        let shape = random.shape()
        return KernelCase(
            ReduceMean(axes: axes(of: shape, &random), keepDims: random.below(2) == 0), [random.tensor(shape)]
        )
    }
}

extension KernelCases {
    private static func anything(_ shape: Shape, _ random: inout SeededGenerator) -> HostTensor {
        random.below(3) == 0 ? random.indices(shape, below: 1 << 40) : random.tensor(shape)
    }

    private static let transpose: Maker = { random in
        let shape = random.shape()
        return KernelCase(
            Transpose(Array(0..<shape.rank).shuffled(using: &random)), [anything(shape, &random)])
    }

    private static let slice: Maker = { random in
        let shape = random.shape()
        var (starts, ends, steps): ([Int], [Int], [Int]) = ([], [], [])
        for extent in shape.extents {
            let (low, high) = (random.below(extent), random.below(extent))
            let isBackwards = random.below(3) == 0
            starts.append(isBackwards ? max(low, high) : min(low, high))
            ends.append(isBackwards ? min(low, high) - 1 - extent : max(low, high) + 1)
            steps.append((isBackwards ? -1 : 1) * random.upTo(2))
        }
        let slice = Slice(starts: starts, ends: ends, axes: Array(0..<shape.rank), steps: steps)
        return KernelCase(slice, [anything(shape, &random)])
    }

    private static let expand: Maker = { random in
        let shape = random.shape()
        var extents = shape.extents.map { random.below(2) == 0 ? 1 : $0 }
        extents.removeFirst(random.below(extents.count + 1))
        return KernelCase(Expand(shape), [anything(Shape(extents), &random)])
    }

    private static let gather: Maker = { random in
        let shape = random.shape()
        let axis = random.below(shape.rank)
        var places = (0..<random.upTo(9)).map { _ in Int64(random.below(2 * shape[axis]) - shape[axis]) }
        if random.below(4) == 0 { places[0] = Int64(shape[axis]) }
        return KernelCase(
            Gather(axis: axis), [random.tensor(shape), HostTensor(.int64(places.count), integers: places)])
    }

    private static let gatherGradient: Maker = { random in
        let (shape, axis): (Shape, Int) = ([random.upTo(4), random.upTo(9), random.upTo(20)], 1)
        let places = random.indices([random.upTo(9)], below: shape[axis])
        let gradient = random.tensor([shape[0], places.type.shape[0], shape[2]])
        return KernelCase(GatherGradient(axis: axis, inputShape: shape), [gradient, places])
    }

    private static let concat: Maker = { random in
        let shape = random.shape()
        let axis = random.below(shape.rank)
        let parts = (0..<random.pick([1, 2, 3, 40])).map { _ in
            var extents = shape.extents
            extents[axis] = random.upTo(4)
            return random.tensor(Shape(extents))
        }
        return KernelCase(Concat(axis: axis), parts)
    }

    private static let descent: Maker = { random in
        let shape: Shape = [random.upTo(300)]
        let update = SGDMomentumUpdate(
            weightDecay: random.pick([0, 0.01]), usesNesterov: random.below(2) == 0)
        return KernelCase(update, (0..<3).map { _ in random.tensor(shape) } + [random.positive([])])
    }

    private static func moments(_ random: inout SeededGenerator) -> [HostTensor] {
        let shape: Shape = [random.upTo(300)]
        let step = HostTensor(TensorType(.int64, []), integers: [Int64(random.upTo(1000))])
        return [random.tensor(shape), random.tensor(shape), random.tensor(shape), random.positive(shape)]
            + [random.positive([]), step]
    }

    private static let adam: Maker = { KernelCase(AdamUpdate(), moments(&$0)) }
    private static let adamW: Maker = { KernelCase(AdamWUpdate(weightDecay: 0.1), moments(&$0)) }
}

extension SeededGenerator {
    /// From 1 to the bound.
    mutating func upTo(_ bound: Int) -> Int { 1 + below(bound) }

    /// One to four axes, with sizes around those of vectors.
    mutating func shape() -> Shape {
        let rank = upTo(4)
        return Shape((0..<rank).map { _ in pick([1, 2, 3, 5, 8, 13, rank < 3 ? 67 : 9]) })
    }

    mutating func tensor(_ shape: Shape, scale: Double = 1) -> HostTensor {
        HostTensor(TensorType(.float32, shape), doubles: (0..<shape.count).map { _ in scale * normal() })
    }

    mutating func positive(_ shape: Shape) -> HostTensor {
        HostTensor(TensorType(.float32, shape), doubles: (0..<shape.count).map { _ in 0.5 + 1.5 * uniform() })
    }

    mutating func indices(_ shape: Shape, below bound: Int) -> HostTensor {
        HostTensor(TensorType(.int64, shape), integers: (0..<shape.count).map { _ in Int64(below(bound)) })
    }
}
