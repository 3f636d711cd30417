import ComputeGraph
import Essentials
import TestSupport
import Testing

/// Random uses of one operator with a gradient rule.
struct GradientCase: Sendable, CustomStringConvertible {
    var name: String
    var make: @Sendable (inout SeededGenerator) -> (any Operator, [HostTensor])
    var description: String { name }

    init<Used: Operator>(
        _ type: Used.Type, _ make: @escaping @Sendable (inout SeededGenerator) -> (Used, [HostTensor])
    ) {
        name = type.name
        self.make = { random in make(&random) }
    }
}

@Suite("Gradients of operators")
struct GradientTests {
    @Test(arguments: GradientCase.all, Array(propertySeeds.prefix(12)))
    func `a gradient agrees with finite differences`(of case: GradientCase, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: `case`.name)
        let (used, inputs) = `case`.make(&random)

        let subject = try DifferentiatedGraph(of: used, inputs: inputs, random: &random)

        try subject.expectGradientsToAgree()
    }

    @Test func `every operator with a gradient rule is checked`() {
        #expect(!OperatorSources.differentiable.isEmpty)
        #expect(Set(GradientCase.all.map(\.name)) == Set(OperatorSources.differentiable))
    }

    @Test func `an operator without a gradient rule says so`() throws {
        var builder = GraphBuilder()
        let x = builder.parameter("x", .float32(2))
        let y = try builder.add(ReluGradient(), [x, x])
        let loss = try builder.add(ReduceSum(keepDims: false), [y])
        let graph = builder.build(outputs: [loss])

        #expect(throws: GraphError.notDifferentiable(operator: "ReluGradient")) {
            try graph.gradients(of: loss, by: [x])
        }
    }
}

extension GradientCase {
    static let all: [GradientCase] =
        elementwise + functions + activations + broadcasting + choices + products + normalizations + windows
        + movement + folding + moving + otherAxes + losses + matrices

    static let elementwise = [
        GradientCase(Neg.self) { (Neg(), [$0.tensor([3, 2])]) },
        GradientCase(Relu.self) { (Relu(), [$0.spread([3, 2])]) },
        GradientCase(Gelu.self) { ($0.below(2) == 0 ? Gelu() : Gelu(.tanh), [$0.tensor([3, 2])]) },
        GradientCase(Tanh.self) { (Tanh(), [$0.tensor([3, 2])]) },
        GradientCase(Sigmoid.self) { (Sigmoid(), [$0.tensor([3, 2])]) },
        GradientCase(Exp.self) { (Exp(), [$0.tensor([3, 2])]) },
        GradientCase(Log.self) { (Log(), [$0.positive([3, 2])]) },
        GradientCase(Sqrt.self) { (Sqrt(), [$0.positive([3, 2])]) },
        GradientCase(Cast.self) { (Cast(to: .float64), [$0.tensor([3, 2])]) },
    ]

    static let functions = [
        GradientCase(Abs.self) { (Abs(), [$0.spread([3, 2])]) },
        GradientCase(Reciprocal.self) { (Reciprocal(), [$0.positive([3, 2])]) },
        GradientCase(Sin.self) { (Sin(), [$0.tensor([3, 2])]) },
        GradientCase(Cos.self) { (Cos(), [$0.tensor([3, 2])]) },
        GradientCase(Erf.self) { (Erf(), [$0.tensor([3, 2])]) },
        GradientCase(Log1p.self) { (Log1p(), [$0.positive([3, 2])]) },
        GradientCase(Rsqrt.self) { (Rsqrt(), [$0.positive([3, 2])]) },
    ]

    static let activations = [
        GradientCase(Elu.self) { (Elu(alpha: 1.5), [$0.spread([3, 2])]) },
        GradientCase(LeakyRelu.self) { (LeakyRelu(alpha: 0.25), [$0.spread([3, 2])]) },
        GradientCase(Softplus.self) { (Softplus(), [$0.tensor([3, 2])]) },
        GradientCase(Softsign.self) { (Softsign(), [$0.spread([3, 2])]) },
        GradientCase(HardSigmoid.self) { (HardSigmoid(alpha: 0.7), [$0.tensor([3, 2])]) },
        // From -4.5 to 4.5, beyond both bends.
        GradientCase(HardSwish.self) { random in
            let x = random.spread([3, 2])
            return (HardSwish(), [HostTensor(x.type, doubles: x.doubles.map { 9 * $0 })])
        },
        GradientCase(PRelu.self) { random in
            let full = Shape([2, random.extent()])
            return (PRelu(), [random.spread(full), random.tensor(random.repeatable(full))])
        },
    ]

    static let choices = [
        GradientCase(Clip.self) { random in
            let bounds = [HostTensor.scalar(-0.5, .float64), HostTensor.scalar(0.75, .float64)]
            return (Clip(), [random.tensor([3, 2])] + bounds)
        },
        GradientCase(Max.self) { (Max(), $0.broadcastPair() + [$0.tensor([])]) },
        GradientCase(Min.self) { (Min(), $0.broadcastPair()) },
        GradientCase(Where.self) { random in
            let (full, condition) = (Shape([2, random.extent()]), random.tensor([2, 1]))
            let holds = condition.doubles.map { $0 > 0 ? 1.0 : 0 }
            return (
                Where(),
                [HostTensor(TensorType(.bool, [2, 1]), doubles: holds)]
                    + [random.tensor(random.repeatable(full)), random.tensor(full)]
            )
        },
    ]

    static let matrices = [
        GradientCase(Inverse.self) { (Inverse(), [$0.heavyDiagonal([2, 3, 3])]) },
        GradientCase(Solve.self) { (Solve(), [$0.heavyDiagonal([2, 3, 3]), $0.tensor([3, 2])]) },
        GradientCase(LogDeterminant.self) { (LogDeterminant(), [$0.heavyDiagonal([2, 3, 3])]) },
    ]

    static let broadcasting = [
        GradientCase(Sum.self) { (Sum(), $0.broadcastPair() + [$0.tensor([])]) },
        GradientCase(Mean.self) { (Mean(), $0.broadcastPair() + [$0.tensor([])]) },
        GradientCase(Pow.self) { (Pow(), $0.broadcastPair().reversed()) },
        GradientCase(Add.self) { (Add(), $0.broadcastPair()) },
        GradientCase(Sub.self) { (Sub(), $0.broadcastPair()) },
        GradientCase(Mul.self) { (Mul(), $0.broadcastPair()) },
        GradientCase(Div.self) { (Div(), $0.broadcastPair()) },
        GradientCase(Expand.self) { random in
            let full = Shape([random.extent(), random.extent(), random.extent()])
            return (Expand(full), [random.tensor(random.repeatable(full))])
        },
        GradientCase(ReduceSum.self) { random in
            (
                ReduceSum(axes: random.someAxes(of: 3), keepDims: random.below(2) == 0),
                [random.tensor([2, 3, 2])]
            )
        },
        GradientCase(ReduceMean.self) { random in
            (
                ReduceMean(axes: random.someAxes(of: 3), keepDims: random.below(2) == 0),
                [random.tensor([2, 3, 2])]
            )
        },
    ]

    static let products = [
        GradientCase(MatMul.self) { random in
            let product = MatMul(
                transposesLeft: random.below(2) == 0, transposesRight: random.below(2) == 0)
            let (m, n, k) = (random.extent(), random.extent(), random.extent())
            let batch = Shape([random.extent(), random.extent()])
            let left = random.below(3) == 0 ? [] : random.repeatable(batch).extents
            let right = random.below(3) == 0 ? [] : random.repeatable(batch).extents
            return (
                product,
                [
                    random.tensor(Shape(left + (product.transposesLeft ? [k, m] : [m, k]))),
                    random.tensor(Shape(right + (product.transposesRight ? [n, k] : [k, n]))),
                ]
            )
        },
        GradientCase(Gemm.self) { random in
            let gemm = Gemm(
                alpha: 0.5, beta: random.below(2) == 0 ? 1 : 3, transA: random.below(2) == 0,
                transB: random.below(2) == 0)
            let (m, n, k) = (random.extent(), random.extent(), random.extent())
            let factors = [
                random.tensor(gemm.transA ? [k, m] : [m, k]), random.tensor(gemm.transB ? [n, k] : [k, n]),
            ]
            return (gemm, factors + (random.below(3) == 0 ? [] : [random.tensor(random.repeatable([m, n]))]))
        },
        GradientCase(SoftmaxCrossEntropyLoss.self) { random in
            let (batch, classes) = (random.extent(), random.extent())
            return (
                SoftmaxCrossEntropyLoss(),
                [random.tensor([batch, classes]), random.indices([batch], below: classes)]
            )
        },
    ]

    static let normalizations = [
        GradientCase(Softmax.self) { (Softmax(axis: $0.below(3) - 1), [$0.tensor([2, 3])]) },
        GradientCase(LogSoftmax.self) { (LogSoftmax(axis: $0.below(3) - 1), [$0.tensor([2, 3])]) },
        GradientCase(RMSNormalization.self) { random in
            let axis = random.below(2)
            let scale: Shape = axis == 0 ? [2, 3] : [3]
            return (
                RMSNormalization(axis: axis, epsilon: 0.1), [random.tensor([2, 3]), random.tensor(scale)]
            )
        },
        GradientCase(LayerNormalization.self) { random in
            let axis = 1 + random.below(2)
            let shape = Shape([random.extent(), 1 + random.extent(), 1 + random.extent()])
            let normalized = Shape(Array(shape.extents[axis...]))
            let inputs = [random.spread(shape), random.tensor(normalized), random.tensor(normalized)]
            return (LayerNormalization(axis: axis, epsilon: 0.1), Array(inputs[..<(2 + random.below(2))]))
        },
        GradientCase(BatchNormalization.self) { random in
            let channels: Shape = [random.extent()]
            return (
                BatchNormalization(),
                [
                    random.tensor(Shape([2] + channels.extents + [random.extent(), 2])),
                    random.tensor(channels),
                    random.tensor(channels), random.tensor(channels), random.positive(channels),
                ]
            )
        },
    ]

    static let windows = [
        GradientCase(Conv.self) { random in
            let group = 1 + random.below(2)
            let convolution = Conv(
                strides: [1 + random.below(2), 1 + random.below(3)],
                pads: (0..<4).map { _ in random.below(3) },
                dilations: [1 + random.below(2), 1 + random.below(2)],
                group: group)
            let (filters, channels) = (random.pick([1, 2]), random.pick([1, 2]))
            let inputs = [
                random.tensor([random.pick([1, 2]), channels * group, 3 + random.below(2), 4]),
                random.tensor([filters * group, channels, 1 + random.below(2), 1 + random.below(2)]),
                random.tensor([filters * group]),
            ]
            return (convolution, Array(inputs[..<(2 + random.below(2))]))
        },
        GradientCase(MaxPool.self) { random in
            let pool = MaxPool(
                kernelShape: [2, 3], strides: [1 + random.below(2), 1 + random.below(3)],
                pads: (0..<4).map { random.below($0 % 2 == 0 ? 2 : 3) })
            return (pool, [random.spread([1, 2, 4, 4])])
        },
        GradientCase(AveragePool.self) { random in
            let pool = AveragePool(
                kernelShape: [2, 3], strides: [1 + random.below(2), 1 + random.below(3)],
                pads: (0..<4).map { random.below($0 % 2 == 0 ? 2 : 3) }, countIncludePad: random.below(2) == 0
            )
            return (pool, [random.tensor([1, 2, 4, 4])])
        },
        GradientCase(GlobalAveragePool.self) { (GlobalAveragePool(), [$0.tensor([2, 2, $0.extent(), 3])]) },
    ]

    /// Windows that slide along one axis, and along three.
    static let otherAxes = [
        GradientCase(Conv.self) { random in
            let convolution = Conv(strides: [2], pads: [1, 1], dilations: [1 + random.below(2)])
            return (convolution, [random.tensor([2, 2, 5]), random.tensor([3, 2, 2]), random.tensor([3])])
        },
        GradientCase(Conv.self) { random in
            let convolution = Conv(
                strides: [1, 2, 1], pads: (0..<6).map { _ in random.below(2) }, dilations: [1, 1, 2])
            return (convolution, [random.tensor([1, 1, 2, 3, 4]), random.tensor([2, 1, 2, 1, 2])])
        },
        GradientCase(MaxPool.self) { random in
            let pool = MaxPool(
                kernelShape: [2, 1, 2], strides: [1, 1, 2], pads: [0, 0, 1, 1, 0, 0], dilations: [1, 1, 2])
            return (pool, [random.spread([1, 1, 3, 2, 4])])
        },
        GradientCase(AveragePool.self) { random in
            let pool = AveragePool(
                kernelShape: [3], strides: [2], pads: [1, 0], countIncludePad: random.below(2) == 0,
                overhang: [1])
            return (pool, [random.tensor([2, 2, 5])])
        },
    ]

    static let losses = [
        GradientCase(BinaryCrossEntropyLoss.self) { random in
            let parts = (0..<2).map { _ in random.positive([2, 3]).doubles.map { $0 / 4 } }
            return (
                BinaryCrossEntropyLoss(), parts.map { HostTensor(TensorType(.float64, [2, 3]), doubles: $0) }
            )
        },
        GradientCase(KLDivergenceLoss.self) { random in
            (KLDivergenceLoss(), [random.tensor([2, 3]), random.positive([2, 3])])
        },
    ]

    static let movement = [
        GradientCase(Reshape.self) { (Reshape([0, -1]), [$0.tensor([2, $0.extent(), 3])]) },
        GradientCase(Flatten.self) { (Flatten(axis: $0.below(4)), [$0.tensor([2, 2, 3])]) },
        GradientCase(Transpose.self) { random in
            (Transpose([0, 1, 2].shuffled(using: &random)), [random.tensor([2, 3, 4])])
        },
        GradientCase(Concat.self) { random in
            (Concat(axis: -1), (0..<random.extent()).map { _ in random.tensor([2, random.extent()]) })
        },
        GradientCase(Slice.self) { random in
            let step = random.pick([1, 2, -1, -2])
            let slice = Slice(
                starts: [step > 0 ? random.below(2) : 4, 0], ends: [step > 0 ? 5 : random.below(2), 2],
                axes: [-1, 0], steps: [step, 1])
            return (slice, [random.tensor([3, 5])])
        },
        GradientCase(Gather.self) { random in
            (Gather(axis: random.below(2)), [random.tensor([3, 3]), random.indices([2, 2], below: 3)])
        },
    ]
}

extension SeededGenerator {
    /// Two operands, the divisor positive, that broadcast to one shape.
    mutating func broadcastPair() -> [HostTensor] {
        let full = Shape([extent(), extent(), extent()])
        let pair = [tensor(full), positive(repeatable(full))]
        return pair
    }

    /// A shape that broadcasts to the given one: some extents become 1, and some leading axes go.
    mutating func repeatable(_ shape: Shape) -> Shape {
        let kept = shape.extents.dropFirst(below(shape.rank))
        return Shape(kept.map { below(2) == 0 ? $0 : 1 })
    }

    mutating func someAxes(of rank: Int) -> [Int] {
        (0..<rank).filter { _ in below(2) == 0 }
    }
}
