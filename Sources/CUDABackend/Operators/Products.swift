internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Products of matrices, and attention.
enum Products {
    private static let types = ElementTypes.real.union([
        HENG_TYPE_INT32, HENG_TYPE_INT64, HENG_TYPE_UINT32, HENG_TYPE_UINT64,
    ])
    /// More products than this in one operator are not worth their launches.
    private static let stepLimit = 256

    static let entries = [
        OperatorEntry(name: "MatMul", since: 1, types: types, plan: matMul),
        OperatorEntry(name: "Gemm", since: 7, types: types, plan: gemm),
        OperatorEntry(name: "Attention", since: 23, types: ElementTypes.real, plan: attention),
    ]

    private static func matMul(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let a = try request.input(0, of: types)
        let b = try request.input(1, of: types)
        guard a.type == b.type else {
            throw request.refuse(
                HENG_REFUSAL_TYPE, "The factors of MatMul have different types.", argument: 1)
        }
        guard a.rank > 0, b.rank > 0 else {
            throw request.refuse(HENG_REFUSAL_RANK, "MatMul takes no scalars.", argument: a.rank == 0 ? 0 : 1)
        }
        let left = a.rank == 1 ? [1] + a.dims : a.dims
        let right = b.rank == 1 ? b.dims + [1] : b.dims
        let (m, k, n) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
        let (aBatch, bBatch) = (Array(left.dropLast(2)), Array(right.dropLast(2)))
        guard k == right[right.count - 2], let batch = broadcast(aBatch, bBatch) else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "MatMul cannot join \(a.dims) and \(b.dims).", argument: 1)
        }
        let dims = batch + (a.rank == 1 ? [] : [m]) + (b.rank == 1 ? [] : [n])
        let output = TensorSpec(type: a.type, dims: dims)
        guard k > 0 else {
            throw request.refuse(HENG_REFUSAL_SHAPE, "Products over no values are not offered.", argument: 0)
        }
        var step = ProductStep(type: a.type, rows: m, columns: n, depth: k)
        step.isFastWelcome = request.isFastWelcome
        step.isStrict = request.determinism > HENG_DETERMINISM_RUN
        let count = batch.reduce(1, *)
        if bBatch.allSatisfy({ $0 == 1 }) {
            // The right matrix is always the same, so the left ones lie as one tall matrix.
            step.rows = m * count
            return OperatorPlan([output], "product", [.product(step)])
        }
        return OperatorPlan([output], "product", try batched(request, step, aBatch, bBatch, batch, m, k, n))
    }

    /// One product for each index of the outer axes; the inner ones go as one batch with even strides.
    private static func batched(
        _ request: OperatorRequest, _ step: ProductStep, _ aBatch: [Int], _ bBatch: [Int], _ batch: [Int],
        _ m: Int,
        _ k: Int, _ n: Int
    ) throws(OperatorRefusal) -> [OperatorStep] {
        let a = broadcastStrides(aBatch, to: batch).map { $0 * m * k }
        let b = broadcastStrides(bBatch, to: batch).map { $0 * k * n }
        var inner = batch.count
        var count = 1
        var strides = (a: 0, b: 0)
        // An axis joins the batch while both operands go on with the same stride.
        while inner > 0 {
            let axis = inner - 1
            let fits = count == 1 || (a[axis] == strides.a * count && b[axis] == strides.b * count)
            if batch[axis] > 1 {
                guard fits else { break }
                if count == 1 { strides = (a[axis], b[axis]) }
            }
            count *= batch[axis]
            inner = axis
        }
        let outer = Array(batch.prefix(inner))
        let total = outer.reduce(1, *)
        guard total <= stepLimit, count <= Int(Int32.max) else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "This way of broadcasting batches is not offered.", argument: 0)
        }
        return (0..<total).map { index in
            var product = step
            var rest = index
            product.batch = count
            product.strides = strides
            for axis in outer.indices.reversed() {
                product.starts.a += rest % outer[axis] * a[axis]
                product.starts.b += rest % outer[axis] * b[axis]
                rest /= outer[axis]
            }
            product.starts.d = index * count * m * n
            return .product(product)
        }
    }

    private static func gemm(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 3)
        let a = try request.input(0, of: types)
        let b = try request.input(1, of: types)
        let turned = (a: request.int("transA", 0) != 0, b: request.int("transB", 0) != 0)
        let (alpha, beta) = (request.float("alpha", 1), request.float("beta", 1))
        guard a.type == b.type, a.rank == 2, b.rank == 2 else {
            throw request.refuse(HENG_REFUSAL_RANK, "Gemm takes two matrices of one type.", argument: 1)
        }
        guard ElementTypes.real.contains(a.type) || (alpha == alpha.rounded() && beta == beta.rounded())
        else {
            throw request.refuse(HENG_REFUSAL_ATTRIBUTE, "Integers are multiplied only by whole factors.")
        }
        let (m, k) = turned.a ? (a.dims[1], a.dims[0]) : (a.dims[0], a.dims[1])
        let (depth, n) = turned.b ? (b.dims[1], b.dims[0]) : (b.dims[0], b.dims[1])
        guard k == depth, k > 0 else {
            throw request.refuse(HENG_REFUSAL_SHAPE, "Gemm cannot join \(a.dims) and \(b.dims).", argument: 1)
        }
        var step = ProductStep(type: a.type, rows: m, columns: n, depth: k)
        step.isTransposed = turned
        step.alpha = alpha
        step.isFastWelcome = request.isFastWelcome
        step.isStrict = request.determinism > HENG_DETERMINISM_RUN
        var steps: [OperatorStep] = []
        if request.optional(2) != nil, beta != 0 {
            let c = try request.input(2)
            guard c.type == a.type, broadcast(c.dims, [m, n]) == [m, n] else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "The addend of Gemm does not fit [\(m), \(n)].", argument: 2)
            }
            // The addend is spread over the result, on which the product is then added.
            steps.append(
                Movement.view(
                    "read_view", c.type, from: .input(2), to: .output(0), dims: [m, n],
                    strides: broadcastStrides(c.dims, to: [m, n]), offset: 0))
            step.beta = beta
        }
        steps.append(.product(step))
        return OperatorPlan([TensorSpec(type: a.type, dims: [m, n])], "product", steps)
    }

    // MARK: Attention

    /// The strides of batch, head and position, for tensors with heads apart (rank 4) or side by side (rank 3).
    private static func layout(
        _ request: OperatorRequest, _ index: Int, _ heads: Int?
    ) throws(OperatorRefusal) -> (batch: Int, heads: Int, length: Int, width: Int, strides: [Int], type: Int)
    {
        let x = try request.input(index, of: ElementTypes.real)
        if x.rank == 4 {
            let (h, s, d) = (x.dims[1], x.dims[2], x.dims[3])
            return (x.dims[0], h, s, d, [h * s * d, s * d, d], x.type)
        }
        guard x.rank == 3, let heads, heads > 0, x.dims[2] % heads == 0 else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "Attention takes rank 4, or rank 3 with the number of heads.",
                argument: index)
        }
        let d = x.dims[2] / heads
        return (x.dims[0], heads, x.dims[1], d, [x.dims[1] * x.dims[2], d, x.dims[2]], x.type)
    }

    private static func attention(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 4)
        let queryHeads = request.int("q_num_heads", 0)
        let keyHeads = request.int("kv_num_heads", 0)
        let q = try layout(request, 0, queryHeads > 0 ? queryHeads : nil)
        let k = try layout(request, 1, keyHeads > 0 ? keyHeads : nil)
        let v = try layout(request, 2, keyHeads > 0 ? keyHeads : nil)
        _ = (request.int("softmax_precision", 0), request.int("qk_matmul_output_mode", 0))
        guard q.type == k.type, q.type == v.type, q.batch == k.batch, q.batch == v.batch, k.heads == v.heads,
            k.heads > 0, q.heads % k.heads == 0, k.length == v.length, q.width == k.width
        else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "Queries, keys and values of Attention do not fit.", argument: 1)
        }
        guard q.width <= 256, v.width <= 256 else {
            throw request.refuse(
                HENG_REFUSAL_SIZE, "Heads of more than 256 elements are not offered.", argument: 0)
        }
        let isCausal = request.int("is_causal", 0) != 0
        let cap = request.float("softcap", 0)
        let mask = try maskLayout(request, q.type, [q.batch, q.heads, q.length, k.length])
        guard cap == 0 || (!isCausal && mask.kind == 0) else {
            throw request.refuse(HENG_REFUSAL_ATTRIBUTE, "Attention takes softcap only without a mask.")
        }
        let isApart = request.inputs[0]?.rank == 4
        let dims = isApart ? [q.batch, q.heads, q.length, v.width] : [q.batch, q.length, q.heads * v.width]
        let strides =
            isApart
            ? [q.heads * q.length * v.width, q.length * v.width, v.width]
            : [q.length * q.heads * v.width, v.width, q.heads * v.width]
        let scale = request.float("scale", 1 / Double(max(1, q.width)).squareRoot())
        let blocks = min(65536, q.batch * q.heads * q.length)
        let step = KernelStep(.attention, "attention", type: q.type, groups: blocks, items: 128) {
            for index in 0...2 { $0.add(.input(index)) }
            $0.add(mask.kind == 0 ? .none : .input(3))
            $0.add(.output(0))
            let extents = [q.batch, q.heads, q.heads / k.heads, q.length, k.length, q.width, v.width]
            $0.add(extents + q.strides + k.strides + v.strides + strides + mask.strides)
            $0.add(scale)
            $0.add(cap)
            $0.add(small: isCausal ? 1 : 0)
            $0.add(small: mask.kind)
        }
        return OperatorPlan([TensorSpec(type: q.type, dims: dims)], "one pass over the keys", [.kernel(step)])
    }

    private static func maskLayout(
        _ request: OperatorRequest, _ type: Int, _ shape: [Int]
    ) throws(OperatorRefusal) -> (kind: Int, strides: [Int]) {
        guard request.optional(3) != nil else { return (0, [0, 0, 0, 0]) }
        let mask = try request.input(3)
        guard mask.type == HENG_TYPE_BOOL || mask.type == type, broadcast(mask.dims, shape) == shape else {
            throw request.refuse(HENG_REFUSAL_SHAPE, "The mask of Attention does not fit.", argument: 3)
        }
        return (mask.type == HENG_TYPE_BOOL ? 1 : 2, broadcastStrides(mask.dims, to: shape))
    }
}
