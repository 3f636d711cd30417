internal import CHengAccelerator
internal import OpenCLKernelSources

/// Normalizations.
enum Normalizations {
    static func planBatch(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        if use.integer("training_mode") ?? 0 != 0 || use.wanted.dropFirst().contains(true) {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "is offered for inference only.")
        }
        if use.version > 0, use.version < 9, use.integer("spatial") ?? 1 == 0 {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "is offered for whole channels only.")
        }
        guard x.rank >= 2 else { throw use.refuse(HENG_REFUSAL_RANK, "needs a batch and channels.") }
        for index in 1...4 {
            let facts = try use.input(index, like: x)
            guard facts.dims == [x.dims[1]] else {
                throw use.refuse(HENG_REFUSAL_SHAPE, "needs one number for each channel.", argument: index)
            }
        }
        plan.add(output: x.type, x.dims)
        plan.run(
            .normalize, "batch_normalize", type: x.type,
            [
                .tensor(.output(0)), .tensor(.input(0)), .tensor(.input(1)), .tensor(.input(2)),
                .tensor(.input(3)), .tensor(.input(4)), .uint(x.count), .uint(x.dims[1]),
                .uint(x.dims[2...].reduce(1, *)), .float(use.real("epsilon") ?? 1e-5),
            ], count: x.count)
    }

    /// How an element finds its scale: by its place in the row, or by the block it is in.
    private struct Scales {
        var scale: Place
        var bias: Place?
        var block: Int?
        var blocks = 1
    }

    private static func rows(
        _ plan: inout Plan, _ use: OperatorUse, _ x: TensorFacts, rows: Int, length: Int, epsilon: Double,
        isCentered: Bool, _ scales: Scales
    ) -> Place {
        let facts = plan.scratch(rows * 2 * ElementTypes.valueSize(x.type))
        plan.algorithm = "rows first, then one work item for each element"
        plan.run(
            .normalize, "row_facts", type: x.type,
            [
                .tensor(facts), .tensor(.input(0)), .uint(rows), .uint(length), .float(epsilon),
                .uint(isCentered ? 1 : 0),
            ], count: length > 0 ? rows : 0, heavy: true)
        plan.run(
            .normalize, "apply_facts", type: x.type,
            [
                .tensor(.output(0)), .tensor(.input(0)), .tensor(facts), .tensor(scales.scale),
                .tensor(scales.bias ?? scales.scale), .uint(x.count), .uint(length),
                .uint(scales.block == nil ? 0 : 1), .uint(scales.block ?? 1), .uint(scales.blocks),
                .uint(scales.bias == nil ? 0 : 1),
            ], count: x.count)
        return facts
    }

    /// LayerNormalization and RMSNormalization.
    static func planLayer(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        guard x.rank > 0 else { throw use.refuse(HENG_REFUSAL_RANK, "needs an axis.") }
        if let stash = use.integer("stash_type"), stash != 1, x.type != ElementTypes.float64 {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "computes in float32 only.")
        }
        let isCentered = use.name == "LayerNormalization"
        let axis = try use.axis(use.integer("axis") ?? -1, rank: x.rank)
        let normalized = Array(x.dims[axis...])
        for index in 1...(isCentered ? 2 : 1) where index == 1 || use.has(index) {
            var dims = try use.input(index, like: x).dims
            while dims.count > normalized.count, dims.first == 1 { dims.removeFirst() }
            guard dims == normalized else {
                throw use.refuse(
                    HENG_REFUSAL_SHAPE, "takes a scale and bias of the normalized shape \(normalized) only.",
                    argument: index)
            }
        }
        plan.add(output: x.type, x.dims)
        let length = normalized.reduce(1, *)
        let count = x.dims[..<axis].reduce(1, *)
        let facts = rows(
            &plan, use, x, rows: count, length: length, epsilon: use.real("epsilon") ?? 1e-5,
            isCentered: isCentered,
            Scales(scale: .input(1), bias: isCentered && use.has(2) ? .input(2) : nil))
        guard isCentered else {
            if use.wants(1) { throw use.refuse(HENG_REFUSAL_OTHER, "has one output.") }
            return
        }
        let kept = x.dims[..<axis] + [Int](repeating: 1, count: x.rank - axis)
        for (index, which) in [(1, 0), (2, 1)] where use.wants(1) || use.wants(index) {
            plan.add(output: x.type == ElementTypes.float64 ? x.type : ElementTypes.float32, Array(kept))
            guard use.wants(index) else { continue }
            plan.run(
                .normalize, "export_facts", type: x.type,
                [.tensor(.output(index)), .tensor(facts), .uint(count), .uint(which)],
                count: length > 0 ? count : 0)
        }
    }

    /// InstanceNormalization and GroupNormalization.
    static func planGroup(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        guard x.rank >= 2 else { throw use.refuse(HENG_REFUSAL_RANK, "needs a batch and channels.") }
        let channels = x.dims[1]
        let isInstance = use.name == "InstanceNormalization"
        let groups = isInstance ? channels : use.integer("num_groups") ?? 0
        guard groups > 0 || channels == 0, groups == 0 || channels % groups == 0 else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has \(channels) channels in \(groups) groups.")
        }
        if let stash = use.integer("stash_type"), stash != 1, x.type != ElementTypes.float64 {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "computes in float32 only.")
        }
        let scale = try use.input(1, like: x)
        let bias = try use.input(2, like: x)
        // Version 18 has one scale for each group, later ones for each channel.
        let blocks = isInstance || use.isVersion(21) ? channels : groups
        guard scale.dims == [blocks], bias.dims == [blocks] else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "needs \(blocks) scales and biases.", argument: 1)
        }
        plan.add(output: x.type, x.dims)
        guard x.count > 0 else { return }
        let inner = x.dims[2...].reduce(1, *)
        _ = rows(
            &plan, use, x, rows: x.dims[0] * groups, length: channels / groups * inner,
            epsilon: use.real("epsilon") ?? 1e-5, isCentered: true,
            Scales(scale: .input(1), bias: .input(2), block: channels / blocks * inner, blocks: blocks))
    }

    static func planLocalResponse(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        guard x.rank >= 2 else { throw use.refuse(HENG_REFUSAL_RANK, "needs a batch and channels.") }
        guard let size = use.integer("size"), size > 0, size < 1 << 20 else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "needs a size.")
        }
        plan.add(output: x.type, x.dims)
        plan.run(
            .normalize, "local_response", type: x.type,
            [
                .tensor(.output(0)), .tensor(.input(0)), .uint(x.count), .uint(x.dims[1]),
                .uint(x.dims[2...].reduce(1, *)), .uint(size), .float(use.real("alpha") ?? 1e-4),
                .float(use.real("beta") ?? 0.75), .float(use.real("bias") ?? 1),
            ], count: x.count)
    }
}
