internal import CKernels
internal import ComputeGraph
internal import KernelInterface

extension CPUKernelProvider {
    /// Operators that work element by element.
    static let elementwiseKernels: [CPUKernel] = unsafe [
        map("Relu") { unsafe ck_relu_f32($0, $1, $2) },
        unsafe map("Gelu", cost: 12, refuse: refuseNearGelu) { unsafe ck_gelu_f32($0, $1, $2) },
        unsafe map("Tanh", cost: 8) { unsafe ck_tanh_f32($0, $1, $2) },
        unsafe map("Exp", cost: 6) { unsafe ck_exp_f32($0, $1, $2) },
        unsafe map("Log", cost: 16) { unsafe ck_log_f32($0, $1, $2) },
        unsafe map("Sigmoid", cost: 8) { unsafe ck_sigmoid_f32($0, $1, $2) },
        unsafe map("Sqrt", cost: 4) { unsafe ck_sqrt_f32($0, $1, $2) },
        unsafe map("Neg") { unsafe ck_negate_f32($0, $1, $2) },
        unsafe slope("ReluGradient") { unsafe ck_relu_gradient_f32($0, $1, $2, $3) },
        unsafe slope("GeluGradient", cost: 20) { unsafe ck_gelu_gradient_f32($0, $1, $2, $3) },
        binary("Add", CK_ADD), binary("Sub", CK_SUBTRACT), binary("Mul", CK_MULTIPLY),
        binary("Div", CK_DIVIDE),
    ]

    private typealias Map = @Sendable (Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    private typealias Slope =
        @Sendable (Int, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void

    /// `cost` is the time of one element against that of a copied one.
    private static func map(
        _ name: String, cost: Int = 1, refuse: @escaping @Sendable (NodeSignature) -> Refusal? = onlyFloat32,
        _ function: @escaping Map
    ) -> CPUKernel {
        CPUKernel(name: "vector", operatorName: name, refuse: refuse) { node in
            let count = node.outputs[0].shape.count
            return CPUPreparedKernel(
                inPlacePairs: [InPlacePair(input: 0, output: 0)],
                .split(count, grain: max(Threads.elementGrain / cost, 256)) { operands, part in
                    let (from, to) = unsafe (operands.input(0), operands.output(0))
                    unsafe function(part.count, from + part.lowerBound, to + part.lowerBound)
                })
        }
    }

    @Sendable private static func refuseNearGelu(_ node: NodeSignature) -> Refusal? {
        if let gelu = node.operator as? Gelu, gelu.approximation != .none {
            return "It computes the exact form, not that of tanh."
        }
        return onlyFloat32(node)
    }

    private static func slope(_ name: String, cost: Int = 1, _ function: @escaping Slope) -> CPUKernel {
        CPUKernel(name: "vector", operatorName: name, refuse: onlyFloat32) { node in
            let count = node.outputs[0].shape.count
            let pairs = [InPlacePair(input: 0, output: 0), InPlacePair(input: 1, output: 0)]
            return CPUPreparedKernel(
                inPlacePairs: pairs,
                .split(count, grain: max(Threads.elementGrain / cost, 256)) { operands, part in
                    let (gradient, from, to) = unsafe (
                        operands.input(0), operands.input(1), operands.output(0)
                    )
                    let first = part.lowerBound
                    unsafe function(part.count, gradient + first, from + first, to + first)
                })
        }
    }

    private static func binary(_ name: String, _ operation: ck_binary) -> CPUKernel {
        CPUKernel(name: "broadcast", operatorName: name, refuse: refuseBroadcast) { node in
            let axes = BroadcastAxes(node.inputs[0].shape, node.inputs[1].shape, in: node.outputs[0].shape)
            let shape = axes.description
            let count = node.outputs[0].shape.count
            let pairs = [0, 1].filter { node.inputs[$0].shape == node.outputs[0].shape }
                .map { InPlacePair(input: $0, output: 0) }
            let split = Phase.split(count, grain: Threads.elementGrain) { operands, part in
                var shape = shape
                unsafe ck_binary_f32(
                    operation, &shape, part.lowerBound, part.upperBound, operands.input(0), operands.input(1),
                    operands.output(0))
            }
            return CPUPreparedKernel(inPlacePairs: pairs, split)
        }
    }

    @Sendable private static func refuseBroadcast(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyFloat32(node) { return refusal }
        let axes = BroadcastAxes(node.inputs[0].shape, node.inputs[1].shape, in: node.outputs[0].shape)
        return axes.extents.count > Int(CK_MAX_RANK)
            ? "It walks at most \(CK_MAX_RANK) axes that cannot be joined, and here are \(axes.extents.count)."
            : nil
    }
}

/// Takes float32 everywhere and nothing else.
@Sendable func onlyFloat32(_ node: NodeSignature) -> Refusal? {
    let types = node.inputs + node.outputs
    if let other = types.first(where: { $0.element != .float32 }) {
        return "It is written for float32, and \(other) is not."
    }
    return types.contains { $0.shape.count == 0 } ? "It does not take empty tensors." : nil
}

/// The axes of a broadcast, joined wherever both operands walk two neighbours in one stride.
struct BroadcastAxes {
    private(set) var extents: [Int] = []
    private(set) var left: [Int] = []
    private(set) var right: [Int] = []

    init(_ a: Shape, _ b: Shape, in shape: Shape) {
        let (aStrides, bStrides) = (a.strides(broadcastTo: shape), b.strides(broadcastTo: shape))
        for axis in 0..<shape.rank where shape[axis] != 1 {
            let last = extents.count - 1
            if last >= 0, left[last] == aStrides[axis] * shape[axis],
                right[last] == bStrides[axis] * shape[axis]
            {
                extents[last] *= shape[axis]
                left[last] = aStrides[axis]
                right[last] = bStrides[axis]
            } else {
                extents.append(shape[axis])
                left.append(aStrides[axis])
                right.append(bStrides[axis])
            }
        }
        if extents.isEmpty { (extents, left, right) = ([1], [0], [0]) }
    }

    var description: ck_broadcast {
        var shape = ck_broadcast()
        shape.rank = extents.count
        fill(&shape.extents, with: extents)
        fill(&shape.a_strides, with: left)
        fill(&shape.b_strides, with: right)
        return shape
    }
}

/// Sets the first numbers of a C array, which Swift sees as a tuple.
private func fill<Tuple>(_ tuple: inout Tuple, with numbers: [Int]) {
    unsafe withUnsafeMutableBytes(of: &tuple) { bytes in
        for (index, number) in numbers.enumerated() {
            unsafe bytes.storeBytes(of: number, toByteOffset: index * 8, as: Int.self)
        }
    }
}

extension Shape {
    /// The steps of this shape's elements along the axes of a larger one: 0 where it is repeated.
    func strides(broadcastTo shape: Shape) -> [Int] {
        let own = strides
        return shape.extents.indices.map { axis in
            let mine = axis - (shape.rank - rank)
            return mine < 0 || extents[mine] == 1 ? 0 : own[mine]
        }
    }
}
