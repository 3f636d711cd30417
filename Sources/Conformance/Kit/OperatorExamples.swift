internal import ComputeGraph
internal import Essentials

/// Random uses of one operator, whose shapes, attributes and values come from a seed.
struct OperatorExamples: Sendable {
    /// Unique; the operator's name, with what makes the family special behind it.
    let name: String
    let operatorName: String
    let types: [ElementType]
    /// Whether random values stay away from where the operator has no derivative.
    let isSmooth: Bool
    let make: @Sendable (inout SeededGenerator, ElementType) -> (any Operator, [HostTensor])

    init<Used: Operator>(
        _ type: Used.Type, _ suffix: String = "", types: [ElementType] = [.float32, .float64],
        smooth: Bool = true,
        _ make: @escaping @Sendable (inout SeededGenerator, ElementType) -> (Used, [HostTensor])
    ) {
        name = Used.name + suffix
        operatorName = Used.name
        self.types = types
        isSmooth = smooth && Used.hasGradient
        self.make = { random, element in make(&random, element) }
    }

    static let all: [OperatorExamples] =
        functions + activations + arithmetic + comparisons + reductions + products + normalizations + windows
        + movement + quantization

    /// Uses that are large enough for what kernels do only then: share the work out, and call a library.
    static let large = [
        OperatorExamples(MatMul.self, "-large") { random, element in
            let (m, n, k) = (random.extent(40), 600 + random.extent(400), 700 + random.extent(400))
            return (MatMul(), [random.tensor([m, k], element), random.tensor([k, n], element)])
        },
        OperatorExamples(ReduceSum.self, "-large") { random, element in
            let shape = Shape([random.extent(3), 300 + random.extent(300), 100 + random.extent(200)])
            return (
                ReduceSum(axes: [random.below(3)], keepDims: false), [random.tensor(shape, element)]
            )
        },
    ]

    static func named(_ name: String) -> OperatorExamples? { (all + large).first { $0.name == name } }
}

private let numbers: [ElementType] = [.float32, .float64, .int32, .int64]

extension OperatorExamples {
    static let functions = [
        OperatorExamples(Neg.self) { (Neg(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Abs.self) { (Abs(), [$0.spread($0.shape(), $1)]) },
        OperatorExamples(Exp.self) { (Exp(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Log.self) { (Log(), [$0.positive($0.shape(), $1)]) },
        OperatorExamples(Sqrt.self) { (Sqrt(), [$0.positive($0.shape(), $1)]) },
        OperatorExamples(Reciprocal.self) { (Reciprocal(), [$0.positive($0.shape(), $1)]) },
        OperatorExamples(Sin.self) { (Sin(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Cos.self) { (Cos(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Erf.self) { (Erf(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Floor.self) { (Floor(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Ceil.self) { (Ceil(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Round.self) { (Round(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Sign.self) { (Sign(), [$0.spread($0.shape(), $1)]) },
    ]

    static let activations = [
        OperatorExamples(Relu.self) { (Relu(), [$0.spread($0.shape(), $1)]) },
        OperatorExamples(Sigmoid.self) { (Sigmoid(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Tanh.self) { (Tanh(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Gelu.self) {
            ($0.below(2) == 0 ? Gelu() : Gelu(.tanh), [$0.tensor($0.shape(), $1)])
        },
        OperatorExamples(Elu.self) { (Elu(alpha: 1.5), [$0.spread($0.shape(), $1)]) },
        OperatorExamples(LeakyRelu.self) { (LeakyRelu(alpha: 0.25), [$0.spread($0.shape(), $1)]) },
        OperatorExamples(Softplus.self) { (Softplus(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(Softsign.self) { (Softsign(), [$0.spread($0.shape(), $1)]) },
        OperatorExamples(HardSigmoid.self) { (HardSigmoid(alpha: 0.7), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(HardSwish.self, smooth: false) { (HardSwish(), [$0.tensor($0.shape(), $1)]) },
        OperatorExamples(PRelu.self) { random, element in
            let full = random.shape()
            return (PRelu(), [random.spread(full, element), random.tensor(random.repeatable(full), element)])
        },
    ]

    static let arithmetic = [
        OperatorExamples(Add.self, types: numbers) { (Add(), $0.pair($1)) },
        OperatorExamples(Sub.self, types: numbers) { (Sub(), $0.pair($1)) },
        OperatorExamples(Mul.self, types: numbers) { (Mul(), $0.pair($1)) },
        OperatorExamples(Div.self) { (Div(), $0.pair($1)) },
        OperatorExamples(Pow.self) { (Pow(), $0.pair($1).reversed()) },
        OperatorExamples(Max.self, types: numbers) { (Max(), $0.pair($1)) },
        OperatorExamples(Min.self, types: numbers) { (Min(), $0.pair($1)) },
        OperatorExamples(Sum.self) { (Sum(), $0.pair($1) + [$0.tensor([], $1)]) },
        OperatorExamples(Mean.self) { (Mean(), $0.pair($1) + [$0.tensor([], $1)]) },
    ]

    static let comparisons = [
        OperatorExamples(Equal.self, types: numbers) { random, element in
            let first = random.tensor(random.shape(), element)
            return (Equal(), [first, first])
        },
        OperatorExamples(Less.self, types: numbers) { (Less(), $0.pair($1)) },
        OperatorExamples(Greater.self, types: numbers) { (Greater(), $0.pair($1)) },
        OperatorExamples(Where.self) { random, element in
            let full = random.shape()
            let condition = HostTensor(
                TensorType(.bool, full), doubles: (0..<full.count).map { _ in Double(random.below(2)) })
            return (
                Where(),
                [condition, random.tensor(random.repeatable(full), element), random.tensor(full, element)]
            )
        },
    ]

    static let reductions = [
        OperatorExamples(ReduceSum.self) { random, element in
            let sum = ReduceSum(axes: random.axes(of: 3), keepDims: random.below(2) == 0)
            return (sum, [random.tensor(random.cube(), element)])
        },
        OperatorExamples(ReduceMean.self) { random, element in
            let mean = ReduceMean(axes: random.axes(of: 3), keepDims: random.below(2) == 0)
            return (mean, [random.tensor(random.cube(), element)])
        },
    ]

    static let products = [
        OperatorExamples(MatMul.self) { random, element in
            let (m, n, k) = (random.extent(40), random.extent(40), random.extent(60))
            let batch = Shape([random.extent(3), random.extent(3)])
            let left = random.below(3) == 0 ? [] : random.repeatable(batch).extents
            let right = random.below(3) == 0 ? [] : random.repeatable(batch).extents
            return (
                MatMul(),
                [
                    random.tensor(Shape(left + [m, k]), element),
                    random.tensor(Shape(right + [k, n]), element),
                ]
            )
        },
        OperatorExamples(Gemm.self) { random, element in
            let gemm = Gemm(
                alpha: 0.5, beta: random.below(2) == 0 ? 1 : 3, transA: random.below(2) == 0,
                transB: random.below(2) == 0)
            let (m, n, k) = (random.extent(30), random.extent(30), random.extent(50))
            let factors = [
                random.tensor(gemm.transA ? [k, m] : [m, k], element),
                random.tensor(gemm.transB ? [n, k] : [k, n], element),
            ]
            return (
                gemm,
                factors + (random.below(3) == 0 ? [] : [random.tensor(random.repeatable([m, n]), element)])
            )
        },
    ]

    static let normalizations = [
        OperatorExamples(Softmax.self) {
            (Softmax(axis: $0.below(3) - 1), [$0.tensor([$0.extent(9), $0.extent(70)], $1)])
        },
        OperatorExamples(LogSoftmax.self) {
            (LogSoftmax(axis: $0.below(3) - 1), [$0.tensor([$0.extent(9), $0.extent(70)], $1)])
        },
        OperatorExamples(LayerNormalization.self) { random, element in
            let shape = Shape([random.extent(6), 1 + random.extent(6), 1 + random.extent(40)])
            let axis = 1 + random.below(2)
            let normalized = Shape(Array(shape.extents[axis...]))
            let inputs = [
                random.spread(shape, element), random.tensor(normalized, element),
                random.tensor(normalized, element),
            ]
            return (LayerNormalization(axis: axis, epsilon: 0.1), Array(inputs[..<(2 + random.below(2))]))
        },
        OperatorExamples(BatchNormalization.self) { random, element in
            let channels: Shape = [random.extent(5)]
            let image = Shape([2] + channels.extents + [random.extent(6), 2])
            return (
                BatchNormalization(),
                [random.tensor(image, element)] + (0..<3).map { _ in random.tensor(channels, element) }
                    + [random.positive(channels, element)]
            )
        },
    ]

    static let windows = [
        OperatorExamples(Conv.self) { random, element in
            let group = 1 + random.below(2)
            let convolution = Conv(
                strides: [1 + random.below(2), 1 + random.below(3)],
                pads: (0..<4).map { _ in random.below(3) },
                dilations: [1 + random.below(2), 1 + random.below(2)], group: group)
            let (filters, channels) = (random.extent(5), random.extent(4))
            let inputs = [
                random.tensor(
                    [random.extent(2), channels * group, 4 + random.below(8), 5 + random.below(8)], element),
                random.tensor(
                    [filters * group, channels, 1 + random.below(2), 1 + random.below(2)], element),
                random.tensor([filters * group], element),
            ]
            return (convolution, Array(inputs[..<(2 + random.below(2))]))
        },
        OperatorExamples(Conv.self, "-1d") { random, element in
            let convolution = Conv(strides: [2], pads: [1, 1], dilations: [1 + random.below(2)])
            return (
                convolution,
                [
                    random.tensor([2, 2, 9], element), random.tensor([3, 2, 2], element),
                    random.tensor([3], element),
                ]
            )
        },
        OperatorExamples(MaxPool.self) { random, element in
            let pool = MaxPool(
                kernelShape: [2, 3], strides: [1 + random.below(2), 1 + random.below(3)],
                pads: (0..<4).map { random.below($0 % 2 == 0 ? 2 : 3) })
            return (pool, [random.spread([1, 2, 4 + random.below(4), 5], element)])
        },
        OperatorExamples(AveragePool.self) { random, element in
            let pool = AveragePool(
                kernelShape: [2, 3], strides: [1 + random.below(2), 1 + random.below(3)],
                pads: (0..<4).map { random.below($0 % 2 == 0 ? 2 : 3) }, countIncludePad: random.below(2) == 0
            )
            return (pool, [random.tensor([1, 2, 4 + random.below(4), 5], element)])
        },
        OperatorExamples(GlobalAveragePool.self) {
            (GlobalAveragePool(), [$0.tensor([2, 2, $0.extent(7), 3], $1)])
        },
    ]

    static let movement = [
        OperatorExamples(Reshape.self, types: numbers) {
            (Reshape([0, -1]), [$0.tensor([2, $0.extent(6), 3], $1)])
        },
        OperatorExamples(Flatten.self, types: numbers) {
            (Flatten(axis: $0.below(4)), [$0.tensor([2, 3, $0.extent(4)], $1)])
        },
        OperatorExamples(Transpose.self, types: numbers) { random, element in
            (Transpose([0, 1, 2].shuffled(using: &random)), [random.tensor(random.cube(), element)])
        },
        OperatorExamples(Concat.self, types: numbers) { random, element in
            (
                Concat(axis: -1),
                (0..<random.extent(4)).map { _ in random.tensor([2, random.extent(5)], element) }
            )
        },
        OperatorExamples(Slice.self, types: numbers) { random, element in
            let step = [1, 2, -1, -2][random.below(4)]
            let slice = Slice(
                starts: [step > 0 ? random.below(2) : 4, 0], ends: [step > 0 ? 5 : random.below(2), 2],
                axes: [-1, 0], steps: [step, 1])
            return (slice, [random.tensor([3, 5], element)])
        },
        OperatorExamples(Gather.self, types: numbers) { random, element in
            (
                Gather(axis: random.below(2)),
                [random.tensor([3, 3], element), random.indices([2, 2], below: 3)]
            )
        },
        OperatorExamples(Expand.self, types: numbers) { random, element in
            let full = random.shape()
            return (Expand(full), [random.tensor(random.repeatable(full), element)])
        },
        OperatorExamples(Cast.self, types: [.float32, .int32]) {
            (Cast(to: .float64), [$0.tensor($0.shape(), $1)])
        },
    ]

    static let quantization = [
        OperatorExamples(QuantizeLinear.self, types: [.float32], smooth: false) { random, element in
            let scale = HostTensor(TensorType(element, []), doubles: [0.0625])
            return (
                QuantizeLinear(output: .uint8),
                [random.tensor(random.cube(), element), scale, HostTensor(zeros: TensorType(.uint8, []))]
            )
        }
    ]
}

extension SeededGenerator {
    mutating func extent(_ most: Int) -> Int { 1 + below(most) }

    mutating func shape() -> Shape { Shape((0..<(1 + below(3))).map { _ in extent(9) }) }

    mutating func cube() -> Shape { [extent(5), extent(6), extent(7)] }

    /// Values from a normal distribution; whole numbers from -8 to 8 for integers.
    mutating func tensor(_ shape: Shape, _ element: ElementType) -> HostTensor {
        let values = (0..<shape.count).map { _ in element.isFloating ? normal() : Double(below(17) - 8) }
        return HostTensor(TensorType(element, shape), doubles: values)
    }

    /// Values between a half and two, or whole numbers from 1 to 4.
    mutating func positive(_ shape: Shape, _ element: ElementType) -> HostTensor {
        let values = (0..<shape.count).map { _ in
            element.isFloating ? 0.5 + 1.5 * uniform() : Double(1 + below(4))
        }
        return HostTensor(TensorType(element, shape), doubles: values)
    }

    /// Values apart from each other and from zero, for functions with kinks there.
    mutating func spread(_ shape: Shape, _ element: ElementType) -> HostTensor {
        let steps = (0..<shape.count).shuffled(using: &self)
        let values = steps.map {
            (Double($0) - Double(shape.count / 2) + 0.5) * 4 / Double(max(8, shape.count))
        }
        return HostTensor(TensorType(element, shape), doubles: values)
    }

    mutating func indices(_ shape: Shape, below bound: Int) -> HostTensor {
        HostTensor(TensorType(.int64, shape), integers: (0..<shape.count).map { _ in Int64(below(bound)) })
    }

    /// Two operands that broadcast to one shape, the second positive.
    mutating func pair(_ element: ElementType) -> [HostTensor] {
        let full = shape()
        return [tensor(full, element), positive(repeatable(full), element)]
    }

    /// A shape that broadcasts to the given one: some extents become 1, and some leading axes go.
    mutating func repeatable(_ shape: Shape) -> Shape {
        guard shape.rank > 0 else { return shape }
        return Shape(shape.extents.dropFirst(below(shape.rank)).map { below(2) == 0 ? $0 : 1 })
    }

    mutating func axes(of rank: Int) -> [Int] { (0..<rank).filter { _ in below(2) == 0 } }
}
