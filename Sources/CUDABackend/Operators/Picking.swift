internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Operators that pick values by number, or put values around others.
enum Picking {
    static let entries = [
        OperatorEntry(name: "Gather", since: 1, types: ElementTypes.all, plan: gather),
        OperatorEntry(name: "GatherElements", since: 11, types: ElementTypes.all, plan: gatherElements),
        OperatorEntry(name: "Pad", since: 11, types: ElementTypes.all, plan: pad),
        OperatorEntry(name: "Tile", since: 6, types: ElementTypes.all, plan: tile),
    ]

    private static func gather(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let x = try request.input(0, of: ElementTypes.all)
        let indices = try request.input(1, of: ElementTypes.indices)
        guard x.rank > 0 else {
            throw request.refuse(HENG_REFUSAL_RANK, "Gather needs an axis.", argument: 0)
        }
        let axis = try request.axis(request.int("axis", 0), rank: x.rank)
        let dims = x.dims.prefix(axis) + indices.dims + x.dims.dropFirst(axis + 1)
        let output = TensorSpec(type: x.type, dims: Array(dims))
        let outer = x.dims.prefix(axis).reduce(1, *)
        let inner = x.dims.dropFirst(axis + 1).reduce(1, *)
        let groups = KernelStep.groups(for: output.count)
        let step = KernelStep(.movement, "gather", type: Movement.unit(x.type), groups: groups) {
            $0.add(.input(0))
            $0.add(.input(1))
            $0.add(.output(0))
            for number in [outer, x.dims[axis], indices.count, inner] { $0.add(number) }
            $0.add(small: indices.type == HENG_TYPE_INT64 ? 1 : 0)
        }
        return OperatorPlan([output], "element by element", [.kernel(step)])
    }

    private static func gatherElements(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let x = try request.input(0, of: ElementTypes.all)
        let indices = try request.input(1, of: ElementTypes.indices)
        guard x.rank > 0, x.rank <= rankLimit, indices.rank == x.rank else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "GatherElements takes two tensors of one rank up to \(rankLimit).",
                argument: 1)
        }
        let axis = try request.axis(request.int("axis", 0), rank: x.rank)
        guard x.dims.indices.allSatisfy({ $0 == axis || indices.dims[$0] <= x.dims[$0] }) else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "The indices of GatherElements leave the input.", argument: 1)
        }
        var strides = denseStrides(x.dims)
        let along = strides[axis]
        strides[axis] = 0
        let output = TensorSpec(type: x.type, dims: indices.dims)
        let groups = KernelStep.groups(for: output.count)
        let step = KernelStep(.movement, "gather_elements", type: Movement.unit(x.type), groups: groups) {
            $0.add(.input(0))
            $0.add(.input(1))
            $0.add(.output(0))
            $0.add([x.rank, 0] + padded(indices.dims, 1) + padded(strides))
            $0.add(output.count)
            $0.add(x.dims[axis])
            $0.add(along)
            $0.add(small: indices.type == HENG_TYPE_INT64 ? 1 : 0)
        }
        return OperatorPlan([output], "element by element", [.kernel(step)])
    }

    /// A result around or of copies of the input: `before` is what lies ahead of it on each axis.
    private static func frame(
        _ request: OperatorRequest, _ x: TensorSpec, _ dims: [Int], before: [Int], constant: Operand,
        mode: Int
    ) throws(OperatorRefusal) -> OperatorPlan {
        guard x.rank <= rankLimit else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "\(request.name) takes ranks up to \(rankLimit).", argument: 0)
        }
        guard dims.allSatisfy({ $0 >= 0 }), x.count > 0 || mode == 0 || dims.contains(0) else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "\(request.name) cannot make \(dims) of \(x.dims).", argument: 1)
        }
        let output = TensorSpec(type: x.type, dims: dims)
        let groups = KernelStep.groups(for: output.count)
        let step = KernelStep(.movement, "pad", type: Movement.unit(x.type), groups: groups) {
            $0.add(.input(0))
            $0.add(constant)
            $0.add(.output(0))
            $0.add([dims.count] + padded(dims, 1) + padded(x.dims, 1) + padded(before))
            $0.add(output.count)
            $0.add(small: mode)
        }
        return OperatorPlan([output], "element by element", [.kernel(step)])
    }

    private static func pad(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 4)
        let x = try request.input(0, of: ElementTypes.all)
        guard let pads = try request.integers(1) else {
            throw request.refuse(HENG_REFUSAL_OTHER, "Pad needs its pads.", argument: 1)
        }
        let axes = try request.integers(3) ?? Array(x.dims.indices)
        let modes = ["constant", "reflect", "edge", "wrap"]
        guard let mode = modes.firstIndex(of: request.string("mode", "constant")),
            pads.count == axes.count * 2
        else {
            throw request.refuse(
                HENG_REFUSAL_ATTRIBUTE, "Pad has no such mode, or not two pads for each axis.")
        }
        var (dims, before) = (x.dims, x.dims.map { _ in 0 })
        for (index, given) in axes.enumerated() {
            let axis = try request.axis(given, rank: x.rank)
            guard pads[index].magnitude < 1 << 40, pads[index + axes.count].magnitude < 1 << 40 else {
                throw request.refuse(HENG_REFUSAL_SIZE, "The pads of Pad are too large.", argument: 1)
            }
            before[axis] = pads[index]
            dims[axis] += pads[index] + pads[index + axes.count]
        }
        var constant = Operand.none
        if request.optional(2) != nil {
            let value = try request.input(2)
            guard value.type == x.type, value.count == 1 else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "Pad puts one value of the input's type around.", argument: 2)
            }
            constant = .input(2)
        }
        return try frame(request, x, dims, before: before, constant: constant, mode: mode)
    }

    private static func tile(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let x = try request.input(0, of: ElementTypes.all)
        guard let repeats = try request.integers(1), repeats.count == x.rank,
            repeats.allSatisfy({ (0..<(1 << 32)).contains($0) })
        else { throw request.refuse(HENG_REFUSAL_SHAPE, "Tile needs a count for each axis.", argument: 1) }
        let dims = zip(x.dims, repeats).map { $0 * $1 }
        return try frame(request, x, dims, before: x.dims.map { _ in 0 }, constant: .none, mode: 3)
    }
}
