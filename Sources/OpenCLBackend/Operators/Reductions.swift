internal import CHengAccelerator
internal import OpenCLKernelSources

/// Reductions over axes.
enum Reductions {
    struct Form: Sendable {
        var kernel: String
        var types: Set<Int32> = ElementTypes.reals
        /// The version of the operator set from which the axes are an input.
        var inputSince: Int
    }

    static let forms: [String: Form] = [
        "ReduceSum": Form(kernel: "sum", types: ElementTypes.numbers, inputSince: 13),
        "ReduceMean": Form(kernel: "mean", inputSince: 18),
        "ReduceMax": Form(kernel: "max", types: ElementTypes.numbers, inputSince: 18),
        "ReduceMin": Form(kernel: "min", types: ElementTypes.numbers, inputSince: 18),
        "ReduceProd": Form(kernel: "prod", types: ElementTypes.numbers, inputSince: 18),
        "ReduceL1": Form(kernel: "l1", types: ElementTypes.numbers, inputSince: 18),
        "ReduceL2": Form(kernel: "l2", inputSince: 18),
        "ReduceLogSum": Form(kernel: "log_sum", inputSince: 18),
        "ReduceLogSumExp": Form(kernel: "log_sum_exp", inputSince: 18),
        "ReduceSumSquare": Form(kernel: "sum_square", types: ElementTypes.numbers, inputSince: 18),
    ]

    static func plan(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        guard let form = forms[use.name] else { return }
        let x = try use.input(0, of: form.types)
        let given = try use.axes(input: 1) ?? []
        let keeps = use.integer("keepdims") ?? 1 != 0
        if given.isEmpty, use.integer("noop_with_empty_axes") ?? 0 != 0 {
            // Only the change of each element remains, which for a plain sum is none.
            guard ["sum", "mean", "max", "min", "prod"].contains(form.kernel) else {
                throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "reduces over no axis.")
            }
            plan.add(output: x.type, x.dims)
            plan.copy(.output(0), .input(0), x.bytes)
            return
        }
        var axes: Set<Int> = []
        for axis in given { axes.insert(try use.axis(axis, rank: x.rank)) }
        if given.isEmpty { axes = Set(0..<x.rank) }
        plan.add(output: x.type, shape(x, axes, keeps))
        try reduce(&plan, use, form.kernel, x, axes, from: .input(0), to: .output(0))
    }

    private static func shape(_ x: TensorFacts, _ axes: Set<Int>, _ keeps: Bool) -> [Int] {
        x.dims.indices.compactMap { axes.contains($0) ? (keeps ? 1 : nil) : x.dims[$0] }
    }

    /// The rows to reduce: their length and distance, and the walk over the outputs.
    private struct Rows {
        var place: Place
        var length: Int
        var stride: Int
        var walk: Walk
        var outputs: Int
    }

    private static func rows(
        _ plan: inout Plan, _ use: OperatorUse, _ x: TensorFacts, _ axes: Set<Int>, _ place: Place
    ) throws(Refusal) -> Rows {
        let strides = Walk.dense(x.dims)
        let kept = x.dims.indices.filter { !axes.contains($0) }
        let gone = x.dims.indices.filter { axes.contains($0) }
        let outer = kept.map { x.dims[$0] }
        let length = gone.map { x.dims[$0] }.reduce(1, *)
        let inner = try Walk(gone.map { x.dims[$0] }, [gone.map { strides[$0] }], use)
        let outputs = outer.reduce(1, *)
        if inner.dims.count <= 1 || length == 0 || outputs == 0 {
            return Rows(
                place: place, length: length, stride: inner.strides[0].first ?? 1,
                walk: try Walk(outer, [kept.map { strides[$0] }], use), outputs: outputs)
        }
        // Axes that lie apart come together first.
        let order = kept + gone
        let dims = order.map { x.dims[$0] }
        let scratch = plan.scratch(x.bytes)
        try Movements.move(
            &plan, use, size: x.elementSize, dims: dims, to: scratch, Walk.dense(dims), from: place,
            order.map { strides[$0] })
        return Rows(
            place: scratch, length: length, stride: 1, walk: try Walk([outputs], [[length]], use),
            outputs: outputs)
    }

    static func reduce(
        _ plan: inout Plan, _ use: OperatorUse, _ kernel: String, _ x: TensorFacts, _ axes: Set<Int>,
        from source: Place, to target: Place
    ) throws(Refusal) {
        let rows = try rows(&plan, use, x, axes, source)
        guard rows.outputs > 0 else { return }
        plan.algorithm = "one work item for each row"
        let common: [StepArgument] = [
            .tensor(rows.place), .uint(rows.outputs), .uint(rows.length), .long(rows.stride),
            .bytes(rows.walk.bytes),
        ]
        let name = "HENG_OPERATOR=ROW_\(kernel)"
        if kernel == "log_sum_exp" {
            plan.run(
                .reduce, "reduce_log_sum_exp", type: x.type, [.tensor(target)] + common, count: rows.outputs,
                heavy: true)
            return
        }
        // Few long rows are cut, so that all compute units have work; the cut depends on nothing but the shape.
        guard rows.outputs < 64, rows.length >= 16384 else {
            plan.run(
                .reduce, "reduce_rows", type: x.type, [name], [.tensor(target)] + common, count: rows.outputs,
                heavy: true)
            return
        }
        let parts = min(256, rows.length / 1024)
        let length = (rows.length + parts - 1) / parts
        let partial = plan.scratch(
            rows.outputs * parts * ElementTypes.sumSize(x.type, hasDouble: use.hasDouble))
        plan.run(
            .reduce, "reduce_parts", type: x.type, [name],
            [.tensor(partial)] + common + [.uint(parts), .uint(length)], count: rows.outputs * parts,
            heavy: true)
        plan.run(
            .reduce, "reduce_combine", type: x.type, [name],
            [.tensor(target), .tensor(partial), .uint(rows.outputs), .uint(rows.length), .uint(parts)],
            count: rows.outputs, heavy: true)
        plan.algorithm = "parts of rows, then one work item for each row"
    }

    static func planArgument(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.numbers)
        guard x.rank > 0 else { throw use.refuse(HENG_REFUSAL_RANK, "needs an axis.") }
        let axis = try use.axis(use.integer("axis") ?? 0, rank: x.rank)
        plan.add(output: ElementTypes.int64, shape(x, [axis], use.integer("keepdims") ?? 1 != 0))
        let rows = try rows(&plan, use, x, [axis], .input(0))
        guard rows.outputs > 0 else { return }
        guard rows.length > 0 else { throw use.refuse(HENG_REFUSAL_SHAPE, "has nothing to choose from.") }
        plan.run(
            .reduce, "reduce_argument", type: x.type,
            ["HENG_OPERATOR=BETTER_\(use.name == "ArgMax" ? "max" : "min")"],
            [
                .tensor(.output(0)), .tensor(rows.place), .uint(rows.outputs), .uint(rows.length),
                .long(rows.stride), .bytes(rows.walk.bytes),
                .uint(use.integer("select_last_index") ?? 0),
            ], count: rows.outputs, heavy: true)
    }

    static func planSoftmax(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        plan.add(output: x.type, x.dims)
        guard x.count > 0 else { return }
        let isOld = !use.isVersion(13)
        let axis: Int
        if x.rank == 0 {
            axis = 0
        } else if isOld, use.integer("axis") ?? 1 == x.rank {
            axis = x.rank
        } else {
            axis = try use.axis(use.integer("axis") ?? (isOld ? 1 : -1), rank: x.rank)
        }
        // The old form takes everything from the axis on as one row.
        let length =
            x.rank == 0 ? 1 : isOld ? x.dims[axis...].reduce(1, *) : x.dims[axis]
        let inner = x.rank == 0 || isOld ? 1 : x.dims[(axis + 1)...].reduce(1, *)
        let rows = x.count / length
        plan.algorithm = "one work item for each row"
        plan.run(
            .softmax, "softmax_rows", type: x.type,
            [
                .tensor(.output(0)), .tensor(.input(0)), .uint(rows), .uint(length), .uint(inner),
                .uint(use.name == "LogSoftmax" ? 1 : 0),
            ], count: rows, heavy: true)
    }
}
