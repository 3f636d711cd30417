internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Operators that make few values of many: reductions, softmax, normalizations.
enum Reduction {
    private static let names = [
        "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSum", "ReduceLogSumExp",
    ]
    private static let types = ElementTypes.real.union([HENG_TYPE_INT32, HENG_TYPE_INT64])

    static let entries: [OperatorEntry] =
        names.enumerated().map { number, name in
            let isReal = [6, 8, 9].contains(number)
            return OperatorEntry(name: name, since: 1, types: isReal ? ElementTypes.real : types) {
                request throws(OperatorRefusal) in
                try reduce(request, number, isReal ? ElementTypes.real : types)
            }
        } + [
            OperatorEntry(name: "ArgMax", since: 1, types: types) { request throws(OperatorRefusal) in
                try place(request, isLeast: false)
            },
            OperatorEntry(name: "ArgMin", since: 1, types: types) { request throws(OperatorRefusal) in
                try place(request, isLeast: true)
            },
            OperatorEntry(name: "Softmax", since: 1, types: ElementTypes.real) {
                request throws(OperatorRefusal) in
                try softmax(request, isLogarithm: false)
            },
            OperatorEntry(name: "LogSoftmax", since: 1, types: ElementTypes.real) {
                request throws(OperatorRefusal) in
                try softmax(request, isLogarithm: true)
            },
        ]

    private static func reduce(
        _ request: OperatorRequest, _ number: Int, _ types: Set<Int>
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let x = try request.input(0, of: types)
        guard x.rank <= rankLimit else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "\(request.name) takes ranks up to \(rankLimit).", argument: 0)
        }
        let given = try request.integers(1) ?? request.ints("axes") ?? []
        if given.isEmpty, request.int("noop_with_empty_axes", 0) != 0 {
            return OperatorPlan(
                [TensorSpec(type: x.type, dims: x.dims)], "copy",
                [.copy(.input(0), .output(0), bytes: x.bytes)])
        }
        var axes: Set<Int> = given.isEmpty ? Set(x.dims.indices) : []
        for axis in given { axes.insert(try request.axis(axis, rank: x.rank)) }
        _ = request.int("noop_with_empty_axes", 0)
        let keeps = request.int("keepdims", 1) != 0
        let kept = x.dims.indices.filter { !axes.contains($0) }
        let reduced = x.dims.indices.filter { axes.contains($0) }
        let strides = denseStrides(x.dims)
        let inner = reduced.reduce(1) { $0 * x.dims[$1] }
        guard inner > 0 else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "\(request.name) over no values is not offered.", argument: 0)
        }
        let dims = x.dims.indices.compactMap { axes.contains($0) ? (keeps ? 1 : nil) : x.dims[$0] }
        let output = TensorSpec(type: x.type, dims: dims)
        let step = KernelStep(.reduce, "reduce", type: x.type, groups: min(65536, output.count)) {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add(
                [kept.count, reduced.count] + padded(kept.map { x.dims[$0] }, 1)
                    + padded(kept.map { strides[$0] }) + padded(reduced.map { x.dims[$0] }, 1)
                    + padded(reduced.map { strides[$0] }))
            $0.add(output.count)
            $0.add(inner)
            $0.add(small: number)
        }
        return OperatorPlan([output], "a block for each result, in a fixed tree", [.kernel(step)])
    }

    private static func place(
        _ request: OperatorRequest, isLeast: Bool
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: types)
        let axis = try request.axis(request.int("axis", 0), rank: x.rank)
        let isLast = request.int("select_last_index", 0) != 0
        let extent = x.dims.indices.contains(axis) ? x.dims[axis] : 1
        guard extent > 0 else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "\(request.name) over no values has no answer.", argument: 0)
        }
        var dims = x.dims
        if request.int("keepdims", 1) != 0 {
            if !dims.isEmpty { dims[axis] = 1 }
        } else if !dims.isEmpty {
            dims.remove(at: axis)
        }
        let outer = x.dims.prefix(axis).reduce(1, *)
        let inner = x.dims.dropFirst(axis + 1).reduce(1, *)
        let step = KernelStep(.reduce, "place", type: x.type, groups: KernelStep.groups(for: outer * inner)) {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add(outer)
            $0.add(extent)
            $0.add(inner)
            $0.add(small: isLeast ? 1 : 0)
            $0.add(small: isLast ? 1 : 0)
        }
        return OperatorPlan(
            [TensorSpec(type: HENG_TYPE_INT64, dims: dims)], "a thread for each row", [.kernel(step)])
    }

    private static func softmax(
        _ request: OperatorRequest, isLogarithm: Bool
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: ElementTypes.real)
        // Before version 13 all axes from the given one on were one row.
        let isOld = request.version < 13
        let axis = try request.axis(request.int("axis", isOld ? 1 : -1), rank: x.rank)
        let outer = x.dims.prefix(axis).reduce(1, *)
        let extent = isOld ? x.dims.dropFirst(axis).reduce(1, *) : x.dims.isEmpty ? 1 : x.dims[axis]
        let inner = isOld ? 1 : x.dims.dropFirst(axis + 1).reduce(1, *)
        let step = KernelStep(.softmax, "softmax", type: x.type, groups: min(65536, outer * inner)) {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add(outer)
            $0.add(extent)
            $0.add(inner)
            $0.add(small: isLogarithm ? 1 : 0)
        }
        return OperatorPlan([TensorSpec(type: x.type, dims: x.dims)], "a block for each row", [.kernel(step)])
    }
}
