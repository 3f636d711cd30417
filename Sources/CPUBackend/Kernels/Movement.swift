internal import CKernels
internal import ComputeGraph
internal import KernelInterface

extension CPUKernelProvider {
    /// Operators that only move data.
    static let movementKernels: [CPUKernel] = [
        CPUKernel(name: "view", operatorName: "Reshape", refuse: takesAll) { view($0) },
        CPUKernel(name: "view", operatorName: "Flatten", refuse: takesAll) { view($0) },
        CPUKernel(name: "view", operatorName: "Cast", refuse: refuseConversion) { view($0) },
        CPUKernel(name: "strided", operatorName: "Transpose", refuse: refuseStrided) { try strided($0) },
        CPUKernel(name: "strided", operatorName: "Slice", refuse: refuseStrided) { try strided($0) },
        CPUKernel(name: "strided", operatorName: "Expand", refuse: refuseStrided) { try strided($0) },
        CPUKernel(name: "rows", operatorName: "Gather", refuse: refuseGather) { gather($0) },
        CPUKernel(name: "rows", operatorName: "GatherGradient", refuse: refuseGatherGradient) {
            gatherGradient($0)
        },
        CPUKernel(name: "rows", operatorName: "Concat", refuse: takesAll) { concat($0) },
    ]

    /// The copy serves a caller that needs the bytes in another place; executables share the memory instead.
    private static func view(_ node: NodeSignature) -> CPUPreparedKernel {
        let count = node.inputs[0].byteCount
        return CPUPreparedKernel(
            isView: true,
            .once { operands in
                unsafe operands.bytes(1).copyMemory(from: operands.bytes(0), byteCount: count)
            })
    }

    @Sendable private static func takesAll(_ node: NodeSignature) -> Refusal? { nil }

    @Sendable private static func refuseConversion(_ node: NodeSignature) -> Refusal? {
        node.inputs[0].element == node.outputs[0].element ? nil : "It does not convert \(node.inputs[0])."
    }

    @Sendable private static func refuseStrided(_ node: NodeSignature) -> Refusal? {
        guard let walk = StridedWalk(node) else { return "It walks one input with strides." }
        if node.inputs[0].element.size < 4 {
            return "It moves elements of 4 and 8 bytes, not \(node.inputs[0])."
        }
        if node.outputs[0].shape.count == 0 { return "There is nothing to move." }
        return walk.extents.count > Int(CK_MAX_RANK)
            ? "It walks at most \(CK_MAX_RANK) axes that cannot be joined, and here are \(walk.extents.count)."
            : nil
    }

    private static func strided(_ node: NodeSignature) throws -> CPUPreparedKernel {
        guard let walk = StridedWalk(node) else {
            preconditionFailure("\(node.operator.name) was not refused")
        }
        let perPart = walk.extents.dropFirst().reduce(1, *)
        return CPUPreparedKernel(
            .split(walk.extents[0], grain: max(1, Threads.elementGrain / perPart)) { operands, part in
                let (from, to) = unsafe (operands.bytes(0) + walk.start * 4, operands.bytes(1))
                unsafe walk.extents.withUnsafeBufferPointer { extents in
                    unsafe walk.strides.withUnsafeBufferPointer { strides in
                        unsafe ck_transpose_32(
                            extents.count, extents.baseAddress, strides.baseAddress, from, to,
                            part.lowerBound,
                            part.upperBound)
                    }
                }
            })
    }

    @Sendable private static func refuseGather(_ node: NodeSignature) -> Refusal? {
        if node.inputs[1].element != .int64 { return "Indices are int64, not \(node.inputs[1])." }
        if node.outputs[0].shape.count == 0 { return "There is nothing to move." }
        return [.float32, .int32, .int64].contains(node.inputs[0].element)
            ? nil : "It gathers float32, int32 and int64, not \(node.inputs[0])."
    }

    private static func gather(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = node.inputs[0].shape
        let axis = axis(of: (node.operator as? Gather)?.axis ?? 0, in: shape)
        let (outer, extent) = (shape.extents[..<axis].reduce(1, *), shape[axis])
        let inner = shape.extents[(axis + 1)...].reduce(1, *) * node.inputs[0].element.size / 4
        let count = node.inputs[1].shape.count
        // What the operator puts in place of an index outside: NaN where there is one.
        let missing: UInt32 = node.inputs[0].element == .float32 ? Float.nan.bitPattern : 0
        return CPUPreparedKernel(
            .split(outer, grain: max(1, Threads.elementGrain / max(count * inner, 1))) { operands, part in
                let (from, to) = unsafe (operands.bytes(0), operands.bytes(2))
                let indices = unsafe operands.integers(1)
                unsafe ck_gather_32(
                    part.lowerBound, part.upperBound, extent, inner, indices, count, missing, from, to)
            })
    }

    @Sendable private static func refuseGatherGradient(_ node: NodeSignature) -> Refusal? {
        if node.inputs[1].element != .int64 { return "Indices are int64, not \(node.inputs[1])." }
        return node.inputs[0].element == .float32 ? nil : "It adds float32, not \(node.inputs[0])."
    }

    private static func gatherGradient(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = node.outputs[0].shape
        let axis = axis(of: (node.operator as? GatherGradient)?.axis ?? 0, in: shape)
        let (outer, extent) = (shape.extents[..<axis].reduce(1, *), shape[axis])
        let inner = shape.extents[(axis + 1)...].reduce(1, *)
        let count = node.inputs[1].shape.count
        return CPUPreparedKernel(
            .split(outer, grain: max(1, Threads.elementGrain / max((extent + count) * inner, 1))) {
                operands, part in
                let (from, indices, to) = unsafe (operands.input(0), operands.integers(1), operands.output(0))

                unsafe ck_scatter_add_f32(
                    part.lowerBound, part.upperBound, extent, inner, indices, count, from, to)
            })
    }

    private static func concat(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = node.outputs[0].shape
        let axis = axis(of: (node.operator as? Concat)?.axis ?? 0, in: shape)
        let rows = shape.extents[..<axis].reduce(1, *)
        let widths = node.inputs.map { $0.byteCount / max(rows, 1) }
        let stride = widths.reduce(0, +)
        let offsets = widths.indices.map { widths[..<$0].reduce(0, +) }
        let grain = max(1, 4 * Threads.elementGrain / max(stride, 1))
        let split = Phase.split(rows, grain: grain) { operands, part in
            for (index, width) in widths.enumerated() {
                let (from, to) = unsafe (operands.bytes(index), operands.bytes(widths.count) + offsets[index])
                unsafe ck_copy_rows(
                    part.count, width, from + part.lowerBound * width, width, to + part.lowerBound * stride,
                    stride)
            }
        }
        return CPUPreparedKernel(split)
    }

    private static func axis(of axis: Int, in shape: Shape) -> Int { axis < 0 ? axis + shape.rank : axis }
}

/// A dense output read from a strided input, in 4-byte steps; neighbouring axes are joined where they can be.
struct StridedWalk: Sendable {
    private(set) var extents: [Int] = []
    private(set) var strides: [Int] = []
    private(set) var start = 0

    init?(_ node: NodeSignature) {
        let (from, to) = (node.inputs[0].shape, node.outputs[0].shape)
        let steps: [Int]
        switch node.operator {
        case let transpose as Transpose: steps = transpose.permutation.map { from.strides[$0] }
        case is Expand: steps = from.strides(broadcastTo: to)
        case let slice as Slice:
            let taken = slice.ranges(in: from)
            steps = zip(taken, from.strides).map { $0.step * $1 }
            start = zip(taken, from.strides).reduce(0) { $0 + $1.0.start * $1.1 }
        default: return nil
        }
        join(to.extents, steps)
        widen(by: node.inputs[0].element.size / 4)
    }

    private mutating func join(_ shape: [Int], _ steps: [Int]) {
        for axis in shape.indices where shape[axis] != 1 {
            if let last = strides.last, last == steps[axis] * shape[axis] {
                extents[extents.count - 1] *= shape[axis]
                strides[strides.count - 1] = steps[axis]
            } else {
                extents.append(shape[axis])
                strides.append(steps[axis])
            }
        }
        if extents.isEmpty { (extents, strides) = ([1], [1]) }
    }

    /// Elements of 8 bytes are pairs of 4.
    private mutating func widen(by words: Int) {
        guard words > 1 else { return }
        start *= words
        strides = strides.map { $0 * words }
        if strides[strides.count - 1] == words {
            extents[extents.count - 1] *= words
            strides[strides.count - 1] = 1
        } else {
            extents.append(words)
            strides.append(1)
        }
    }
}
