internal import CHengAccelerator
internal import OpenCLKernelSources

/// Operators that put elements to other places, and those that only change a shape.
enum Movements {
    /// Copies `dims` elements between two places with strides of their own; offsets count elements.
    static func move(
        _ plan: inout Plan, _ use: OperatorUse, size: Int, dims: [Int], to target: Place, _ toStrides: [Int],
        toOffset: Int = 0, from source: Place, _ fromStrides: [Int], fromOffset: Int = 0
    ) throws(Refusal) {
        let count = dims.reduce(1, *)
        guard count > 0 else { return }
        let walk = try Walk(dims, [toStrides, fromStrides], use)
        if walk.isPlain {
            plan.copy(target.moved(toOffset * size), source.moved(fromOffset * size), count * size)
            return
        }
        plan.run(
            .move, "move", ["HENG_SIZE=\(size)"],
            [
                .tensor(target), .tensor(source), .uint(count), .bytes(walk.bytes), .long(toOffset),
                .long(fromOffset),
            ], count: count)
    }

    static func planTranspose(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let order = use.integers("perm") ?? Array((0..<x.rank).reversed())
        guard order.sorted() == Array(0..<x.rank) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has an order of axes that is none.")
        }
        let dims = order.map { x.dims[$0] }
        let strides = Walk.dense(x.dims)
        plan.add(output: x.type, dims)
        try move(
            &plan, use, size: x.elementSize, dims: dims, to: .output(0), Walk.dense(dims), from: .input(0),
            order.map { strides[$0] })
    }

    static func planConcat(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let first = try use.input(0, of: ElementTypes.movable)
        let axis = try use.axis(use.integer("axis") ?? 1, rank: first.rank)
        var extent = 0
        for index in use.inputs.indices {
            let x = try use.input(index, like: first)
            guard x.rank == first.rank,
                x.dims.indices.allSatisfy({ $0 == axis || x.dims[$0] == first.dims[$0] })
            else { throw use.refuse(HENG_REFUSAL_SHAPE, "joins tensors that do not fit.", argument: index) }
            extent += x.dims[axis]
        }
        var dims = first.dims
        dims[axis] = extent
        _ = try Walk.common(dims, [], use)
        plan.add(output: first.type, dims)
        let strides = Walk.dense(dims)
        var begin = 0
        for index in use.inputs.indices {
            let x = try use.input(index)
            try move(
                &plan, use, size: x.elementSize, dims: x.dims, to: .output(0), strides,
                toOffset: begin * strides[axis], from: .input(index), Walk.dense(x.dims))
            begin += x.dims[axis]
        }
    }

    static func planSplit(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let axis = try use.axis(use.integer("axis") ?? 0, rank: x.rank)
        let extent = x.dims[axis]
        let given = use.has(1) ? try use.constantIntegers(1) : use.integers("split")
        let parts = max(1, use.integer("num_outputs") ?? use.wanted.count)
        // Equal parts; the last one is smaller where they do not go up.
        let size = (extent + parts - 1) / parts
        let sizes = given ?? (0..<parts).map { max(0, min(size, extent - $0 * size)) }
        guard sizes.reduce(0, +) == extent, sizes.allSatisfy({ $0 >= 0 }) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "splits \(extent) into \(sizes), which do not add up.")
        }
        let strides = Walk.dense(x.dims)
        var begin = 0
        for (index, size) in sizes.enumerated() {
            var dims = x.dims
            dims[axis] = size
            plan.add(output: x.type, dims)
            guard use.wants(index) else {
                begin += size
                continue
            }
            try move(
                &plan, use, size: x.elementSize, dims: dims, to: .output(index), Walk.dense(dims),
                from: .input(0), strides, fromOffset: begin * strides[axis])
            begin += size
        }
    }

    static func planSlice(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let isOld = use.attributes["starts"] != nil
        let starts = isOld ? use.integers("starts") ?? [] : try use.constantIntegers(1)
        let ends = isOld ? use.integers("ends") ?? [] : try use.constantIntegers(2)
        let axes =
            isOld ? use.integers("axes") : use.has(3) ? try use.constantIntegers(3) : nil
        let steps = !isOld && use.has(4) ? try use.constantIntegers(4) : nil
        let chosen = axes ?? Array(0..<starts.count)
        guard ends.count == starts.count, chosen.count == starts.count,
            (steps?.count ?? starts.count) == starts.count
        else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "has starts, ends, axes and steps of different lengths.")
        }
        var dims = x.dims
        var strides = Walk.dense(x.dims)
        var offset = 0
        for (index, rawAxis) in chosen.enumerated() {
            let axis = try use.axis(rawAxis, rank: x.rank)
            let step = steps?[index] ?? 1
            guard step != 0, step > Int(Int32.min), step < Int(Int32.max) else {
                throw use.refuse(HENG_REFUSAL_OTHER, "has a step that is 0 or beyond all extents.")
            }
            let (begin, count) = bounds(starts[index], ends[index], step, x.dims[axis])
            dims[axis] = count
            offset += begin * strides[axis]
            strides[axis] *= step
        }
        plan.add(output: x.type, dims)
        try move(
            &plan, use, size: x.elementSize, dims: dims, to: .output(0), Walk.dense(dims), from: .input(0),
            strides, fromOffset: offset)
    }

    /// Where a slice of an axis begins, and how many indices it has.
    private static func bounds(_ start: Int, _ end: Int, _ step: Int, _ extent: Int) -> (Int, Int) {
        func clamped(_ value: Int, _ low: Int, _ high: Int) -> Int {
            let value = value < 0 ? value.addingReportingOverflow(extent).partialValue : value
            return min(max(value, low), high)
        }
        if step > 0 {
            let (begin, stop) = (clamped(start, 0, extent), clamped(end, 0, extent))
            return (begin, max(0, (stop - begin + step - 1) / step))
        }
        let begin = clamped(start, 0, extent - 1)
        let stop = clamped(end, -1, extent - 1)
        let count = extent == 0 ? 0 : max(0, (begin - stop - step - 1) / -step)
        return (count == 0 ? 0 : begin, count)
    }

    static func planExpand(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let shape = try checked(try use.constantIntegers(1), use)
        let dims = try Walk.common(x.dims, shape, use)
        plan.add(output: x.type, dims)
        try move(
            &plan, use, size: x.elementSize, dims: dims, to: .output(0), Walk.dense(dims), from: .input(0),
            Walk.repeated(x.dims, to: dims))
    }

    private static func checked(_ shape: [Int], _ use: OperatorUse) throws(Refusal) -> [Int] {
        guard shape.count <= Int(HENG_RANK_LIMIT), shape.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) })
        else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "has a shape that no tensor has.")
        }
        return shape
    }

    static func planTile(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let repeats = try checked(try use.constantIntegers(1), use)
        guard repeats.count == x.rank else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "needs a number of repeats for each axis.")
        }
        var dims: [Int] = []
        for axis in x.dims.indices {
            let (product, isTooLarge) = x.dims[axis].multipliedReportingOverflow(by: repeats[axis])
            guard !isTooLarge else { throw use.refuse(HENG_REFUSAL_SIZE, "would make too many elements.") }
            dims.append(product)
        }
        _ = try Walk.common(dims, [], use)
        plan.add(output: x.type, dims)
        // Each axis as two: the repeats, and what is repeated.
        let own = Walk.dense(x.dims)
        let pairs = x.dims.indices.flatMap { [repeats[$0], x.dims[$0]] }
        try move(
            &plan, use, size: x.elementSize, dims: pairs, to: .output(0), Walk.dense(pairs), from: .input(0),
            own.flatMap { [0, $0] })
    }

    static func planShape(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let dims: [Int]
        switch use.name {
        case "Flatten":
            let axis = use.integer("axis") ?? 1
            let place = axis < 0 ? axis + x.rank : axis
            guard place >= 0, place <= x.rank else {
                throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has an axis beyond its input.")
            }
            dims = [x.dims[..<place].reduce(1, *), x.dims[place...].reduce(1, *)]
        case "Squeeze": dims = try squeezed(x, use)
        case "Unsqueeze": dims = try unsqueezed(x, use)
        default: dims = try reshaped(x, use)
        }
        guard dims.reduce(1, *) == x.count else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "cannot make \(dims) of \(x.dims).")
        }
        plan.add(output: x.type, dims)
        plan.algorithm = "copy"
        plan.copy(.output(0), .input(0), x.bytes)
    }

    private static func squeezed(_ x: TensorFacts, _ use: OperatorUse) throws(Refusal) -> [Int] {
        guard let given = try use.axes(input: 1) else { return x.dims.filter { $0 != 1 } }
        var axes: Set<Int> = []
        for axis in given { axes.insert(try use.axis(axis, rank: x.rank)) }
        guard axes.allSatisfy({ x.dims[$0] == 1 }) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "takes away axes whose extent is not 1.")
        }
        return x.dims.indices.filter { !axes.contains($0) }.map { x.dims[$0] }
    }

    private static func unsqueezed(_ x: TensorFacts, _ use: OperatorUse) throws(Refusal) -> [Int] {
        let given = try use.axes(input: 1) ?? []
        let rank = x.rank + given.count
        var axes: Set<Int> = []
        for axis in given { axes.insert(try use.axis(axis, rank: rank)) }
        guard axes.count == given.count, rank <= Int(HENG_RANK_LIMIT) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "names an axis twice, or too many.")
        }
        var rest = x.dims.makeIterator()
        return (0..<rank).map { axes.contains($0) ? 1 : rest.next() ?? 1 }
    }

    private static func reshaped(_ x: TensorFacts, _ use: OperatorUse) throws(Refusal) -> [Int] {
        let shape: [Int]
        if let given = use.integers("shape") { shape = given } else { shape = try use.constantIntegers(1) }
        let keepsZero = use.integer("allowzero") ?? 0 != 0
        guard shape.count <= Int(HENG_RANK_LIMIT), shape.allSatisfy({ $0 >= -1 && $0 <= Int(Int32.max) }),
            shape.filter({ $0 == -1 }).count <= 1
        else { throw use.refuse(HENG_REFUSAL_SHAPE, "has a shape that no tensor has.") }
        var dims: [Int] = []
        for (axis, extent) in shape.enumerated() {
            if extent == 0, !keepsZero {
                guard axis < x.rank else {
                    throw use.refuse(HENG_REFUSAL_SHAPE, "copies an extent that its input has not.")
                }
                dims.append(x.dims[axis])
            } else {
                dims.append(extent)
            }
        }
        guard let open = dims.firstIndex(of: -1) else {
            _ = try Walk.common(dims, [], use)
            return dims
        }
        dims[open] = 1
        _ = try Walk.common(dims, [], use)
        let known = dims.reduce(1, *)
        guard known > 0, x.count % known == 0 else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "cannot make \(shape) of \(x.dims).")
        }
        dims[open] = x.count / known
        return dims
    }

    static func planGather(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let indices = try use.input(1, of: [ElementTypes.int32, ElementTypes.int64])
        guard x.rank > 0 else { throw use.refuse(HENG_REFUSAL_RANK, "needs an axis to choose from.") }
        let axis = try use.axis(use.integer("axis") ?? 0, rank: x.rank)
        let dims = x.dims[..<axis] + indices.dims + x.dims[(axis + 1)...]
        _ = try Walk.common(Array(dims), [], use)
        plan.add(output: x.type, Array(dims))
        let inner = x.dims[(axis + 1)...].reduce(1, *)
        plan.run(
            .move, "gather", ["HENG_SIZE=\(x.elementSize)"],
            [
                .tensor(.output(0)), .tensor(.input(0)), .tensor(.input(1)), .uint(dims.reduce(1, *)),
                .uint(indices.count), .uint(x.dims[axis]), .uint(inner),
                .uint(indices.type == ElementTypes.int64 ? 1 : 0),
            ], count: dims.reduce(1, *))
    }

    static func planGatherElements(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let indices = try use.input(1, of: [ElementTypes.int32, ElementTypes.int64])
        guard x.rank > 0, indices.rank == x.rank else {
            throw use.refuse(HENG_REFUSAL_RANK, "needs indices of its input's rank.", argument: 1)
        }
        let axis = try use.axis(use.integer("axis") ?? 0, rank: x.rank)
        guard indices.dims.indices.allSatisfy({ $0 == axis || indices.dims[$0] <= x.dims[$0] }) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "has more indices than its input has places.", argument: 1)
        }
        plan.add(output: x.type, indices.dims)
        guard indices.count > 0 else { return }
        var strides = Walk.dense(x.dims)
        let stride = strides[axis]
        strides[axis] = 0
        let walk = try Walk(indices.dims, [strides], use)
        plan.run(
            .move, "gather_elements", ["HENG_SIZE=\(x.elementSize)"],
            [
                .tensor(.output(0)), .tensor(.input(0)), .tensor(.input(1)), .uint(indices.count),
                .bytes(walk.bytes), .long(stride), .uint(x.dims[axis]),
                .uint(indices.type == ElementTypes.int64 ? 1 : 0),
            ], count: indices.count)
    }
}
