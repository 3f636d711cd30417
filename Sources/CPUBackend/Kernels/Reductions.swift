internal import CKernels
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

extension CPUKernelProvider {
    /// Sums and means along axes.
    static let reductionKernels: [CPUKernel] = [
        CPUKernel(name: "sums", operatorName: "ReduceSum", refuse: onlyFloat32) { reduction($0) },
        CPUKernel(name: "sums", operatorName: "ReduceMean", refuse: onlyFloat32) { reduction($0) },
        CPUKernel(name: "sums", operatorName: "GlobalAveragePool", refuse: onlyFloat32) { node in
            let shape = node.inputs[0].shape
            let size = shape.count / (shape[0] * shape[1])
            let pass = SumPass(outer: shape[0] * shape[1], axis: size, inner: 1)
            return sums([pass], factor: 1 / Float(size))
        },
    ]

    private static func reduction(_ node: NodeSignature) -> CPUPreparedKernel {
        guard let op = node.operator as? any ReductionOperator else {
            preconditionFailure("\(node.operator.name) is not a reduction")
        }
        let passes = SumPass.passes(
            folding: op.foldedAxes(of: node.inputs[0].shape), of: node.inputs[0].shape)
        let count = node.inputs[0].shape.count / node.outputs[0].shape.count
        return sums(passes, factor: Float(1 / op.divisor(of: count)))
    }

    /// Runs the passes one after the other, the results between them in two halves of the workspace by turns.
    private static func sums(_ passes: [SumPass], factor: Float) -> CPUPreparedKernel {
        let between = passes.dropLast().map(\.resultCount).max() ?? 0
        let phases = passes.enumerated().map { index, pass in
            let isLast = index == passes.count - 1
            return unsafe pass.phase(factor: isLast ? factor : 1) { operands in
                let from =
                    unsafe index == 0
                    ? operands.input(0) : UnsafePointer(operands.workspace + (index - 1) % 2 * between)
                return unsafe (from, isLast ? operands.output(0) : operands.workspace + index % 2 * between)
            }
        }
        return CPUPreparedKernel(workspace: ByteCount(bytes: 2 * between * 4), phases: phases)
    }
}

/// One sum over the middle axis of `[outer, axis, inner]`.
struct SumPass: Sendable {
    var outer: Int
    var axis: Int
    var inner: Int

    var resultCount: Int { outer * inner }

    /// The passes that fold the axes, neighbours together, the last first, so that the data shrinks early.
    static func passes(folding axes: [Int], of shape: Shape) -> [SumPass] {
        var extents = shape.extents
        var passes: [SumPass] = []
        var axis = extents.count - 1
        while axis >= 0 {
            guard axes.contains(axis) else {
                axis -= 1
                continue
            }
            var first = axis
            while first > 0, axes.contains(first - 1) { first -= 1 }
            let pass = SumPass(
                outer: extents[..<first].reduce(1, *), axis: extents[first...axis].reduce(1, *),
                inner: extents[(axis + 1)...].reduce(1, *))
            if pass.axis > 1 { passes.append(pass) }
            for folded in first...axis { extents[folded] = 1 }
            axis = first - 1
        }
        // Folding only axes of extent 1, or none, is a copy: a sum over one element.
        return passes.isEmpty ? [SumPass(outer: 1, axis: 1, inner: shape.count)] : passes
    }

    /// The pass over the matrices that `places` finds: from, and to.
    func phase(
        factor: Float,
        _ places: @escaping @Sendable (Operands) -> (UnsafePointer<Float>, UnsafeMutablePointer<Float>)
    ) -> Phase {
        if outer >= Threads.count || inner == 1 {
            return .split(outer, grain: max(1, Threads.elementGrain / (axis * inner))) { operands, part in
                let (from, to) = unsafe places(operands)
                unsafe ck_reduce_sum_f32(
                    part.lowerBound, part.upperBound, axis, inner, 0, inner, factor, from, to)
            }
        }
        // Parts begin at multiples of 64, so that a split does not change which sums share a vector.
        let units = (inner + 63) / 64
        return .split(units, grain: max(1, Threads.elementGrain / (axis * 64))) { operands, part in
            let (from, to) = unsafe places(operands)
            unsafe ck_reduce_sum_f32(
                0, outer, axis, inner, part.lowerBound * 64, min(part.upperBound * 64, inner), factor, from,
                to)
        }
    }
}
