internal import CHengAccelerator
internal import OpenCLKernelSources

/// The operator Attention without a past.
enum Attentions {
    /// The extents of one of the three operands, as [batch, heads, length, size], and its strides.
    private struct Operand {
        var heads: Int
        var length: Int
        var size: Int
        var strides: [Int]
    }

    private static func operand(
        _ tensor: TensorFacts, _ key: String, _ use: OperatorUse
    ) throws(Refusal) -> Operand {
        if tensor.rank == 4 {
            let strides = Walk.dense(tensor.dims)
            return Operand(
                heads: tensor.dims[1], length: tensor.dims[2], size: tensor.dims[3],
                strides: Array(strides[..<3]))
        }
        guard tensor.rank == 3, let heads = use.integer(key), heads > 0, tensor.dims[2] % heads == 0 else {
            throw use.refuse(HENG_REFUSAL_RANK, "needs operands of 4 axes, or of 3 with a number of heads.")
        }
        let size = tensor.dims[2] / heads
        return Operand(
            heads: heads, length: tensor.dims[1], size: size,
            strides: [tensor.dims[1] * tensor.dims[2], size, tensor.dims[2]])
    }

    static func plan(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let q = try use.input(0, of: ElementTypes.reals)
        let (k, v) = (try use.input(1, like: q), try use.input(2, like: q))
        guard use.inputs.count <= 4, !use.wanted.dropFirst().contains(true) else {
            throw use.refuse(HENG_REFUSAL_OTHER, "is offered without a past, and with one output.")
        }
        if let precision = use.integer("softmax_precision"), precision != Int(q.type), precision != 1 {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "computes its softmax in float32.")
        }
        let (a, b) = (try operand(q, "q_num_heads", use), try operand(k, "kv_num_heads", use))
        let c = try operand(v, "kv_num_heads", use)
        let batches = q.dims[0]
        guard a.size == b.size, b.heads == c.heads, b.length == c.length, k.dims[0] == batches,
            v.dims[0] == batches, b.heads > 0, a.heads % b.heads == 0
        else { throw use.refuse(HENG_REFUSAL_SHAPE, "has operands that do not fit.") }
        let dims =
            q.rank == 4 ? [batches, a.heads, a.length, c.size] : [batches, a.length, a.heads * c.size]
        let scores = [batches, a.heads, a.length, b.length]
        _ = try Walk.common(dims, [], use)
        _ = try Walk.common(scores, [], use)
        plan.add(output: q.type, dims)
        guard dims.reduce(1, *) > 0 else { return }
        var facts = StructBytes()
        for number in [
            batches, a.heads, a.heads / b.heads, a.length, b.length, a.size, c.size,
            use.integer("is_causal") ?? 0,
        ] { facts.uint(number) }
        let result =
            q.rank == 4
            ? Array(Walk.dense(dims)[..<3]) : [a.length * a.heads * c.size, c.size, a.heads * c.size]
        for strides in [a.strides, b.strides, c.strides, result] {
            for stride in strides { facts.long(stride) }
        }
        let mask = try maskStrides(scores, q, use)
        for stride in mask.strides { facts.long(stride) }
        facts.uint(mask.kind)
        facts.float(use.real("scale") ?? 1 / Double(a.size).squareRoot())
        facts.float(use.real("softcap") ?? 0)
        facts.uint(0)
        let count = scores.reduce(1, *)
        let memory = plan.scratch(count * ElementTypes.valueSize(q.type))
        plan.algorithm = "scores, softmax and values one after the other"
        plan.run(
            .attention, "attention_scores", type: q.type,
            [
                .tensor(memory), .tensor(.input(0)), .tensor(.input(1)),
                .tensor(mask.kind == 0 ? .input(0) : .input(3)), .uint(count), .bytes(facts.bytes),
            ], count: count)
        let rows = batches * a.heads * a.length
        plan.run(
            .attention, "attention_softmax", type: q.type, [.tensor(memory), .uint(rows), .uint(b.length)],
            count: rows, heavy: true)
        plan.run(
            .attention, "attention_values", type: q.type,
            [
                .tensor(.output(0)), .tensor(memory), .tensor(.input(2)), .uint(dims.reduce(1, *)),
                .bytes(facts.bytes),
            ], count: dims.reduce(1, *))
    }

    /// What the mask is, 0 none, 1 truth and 2 added, and how it is repeated to the scores.
    private static func maskStrides(
        _ scores: [Int], _ q: TensorFacts, _ use: OperatorUse
    ) throws(Refusal) -> (kind: Int, strides: [Int]) {
        guard use.has(3) else { return (0, [0, 0, 0, 0]) }
        let mask = try use.input(3)
        guard mask.type == ElementTypes.bool || mask.type == q.type else {
            throw use.refuse(
                HENG_REFUSAL_TYPE, "takes a mask of truth values or of its own type.", argument: 3)
        }
        guard mask.rank <= 4, try Walk.common(mask.dims, scores, use) == scores else {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "has a mask of shape \(mask.dims) for scores \(scores).", argument: 3)
        }
        return (mask.type == ElementTypes.bool ? 1 : 2, Walk.repeated(mask.dims, to: scores))
    }
}
