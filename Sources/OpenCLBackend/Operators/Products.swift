internal import CHengAccelerator
internal import OpenCLKernelSources

/// Matrix products.
enum Products {
    static let types: Set<Int32> = [ElementTypes.float32, ElementTypes.float64]

    /// A matrix, or many of them, one after the other.
    struct Operand {
        var place: Place
        /// The batch's strides, in elements.
        var strides: [Int]
    }

    /// What is added to each product: a tensor with the distances of its rows and columns.
    struct Added {
        var place: Place
        var row: Int
        var column: Int
        var factor: Double
    }

    /// y[batch] = factor * a[batch] x b[batch] + added.
    static func product(
        _ plan: inout Plan, _ use: OperatorUse, type: Int32, rows: Int, columns: Int, depth: Int,
        batch: [Int],
        a: Operand, b: Operand, to y: Place, factor: Double = 1, added: Added? = nil
    ) throws(Refusal) {
        let walk = try Walk(batch, [a.strides, b.strides], use)
        let batches = batch.reduce(1, *)
        guard rows > 0, columns > 0, batches > 0 else { return }
        var right = b
        // Panels make the reads of b one after the other, and fill up the last one; making them costs a pass over b.
        let isShared = b.strides.allSatisfy { $0 == 0 } || batches == 1
        let packs =
            plan.isCPU && isShared && depth > 0 && rows * batches >= 16
            && (columns % 16 != 0 || depth * columns > 1 << 19 || columns % 1024 == 0)
        let panels = (columns + 15) / 16
        if packs {
            let packed = plan.scratch(panels * 16 * depth * ElementTypes.size(type))
            plan.steps.append(
                .kernel(
                    KernelName(file: .matmul, kernel: "pack_panels", type: type),
                    [.tensor(packed), .tensor(b.place), .uint(depth), .uint(columns)],
                    global: [(depth + 63) / 64 * 64, panels, 1], local: [64, 1, 1]))
            right.place = packed
        }
        var facts = StructBytes()
        for number in [rows, columns, depth, batches] { facts.uint(number) }
        facts.long(added?.row ?? 0)
        facts.long(added?.column ?? 0)
        facts.uint(added == nil ? 0 : 1)
        facts.uint(packs ? 1 : 0)
        facts.float(factor)
        facts.float(added?.factor ?? 0)
        facts.bytes += walk.bytes
        let arguments: [StepArgument] = [
            .tensor(y), .tensor(a.place), .tensor(right.place), .tensor(added?.place ?? y),
            .bytes(facts.bytes),
        ]
        if plan.isCPU {
            // Groups walk down the rows below one panel of b, which stays in the cache.
            let rowGroups = (rows + 3) / 4
            let group = rowGroups >= 8 ? 8 : 1
            plan.steps.append(
                .kernel(
                    KernelName(file: .matmul, kernel: "product_registers", type: type), arguments,
                    global: [(rowGroups + group - 1) / group * group, panels, batches], local: [group, 1, 1]))
            plan.algorithm =
                packs ? "tiles of 4 x 16 in registers, b in panels" : "tiles of 4 x 16 in registers"
        } else {
            plan.steps.append(
                .kernel(
                    KernelName(file: .matmul, kernel: "product_local", type: type), arguments,
                    global: [(columns + 63) / 64 * 16, (rows + 63) / 64 * 16, batches], local: [16, 16, 1]))
            plan.algorithm = "tiles of 64 x 64 in local memory"
        }
    }

    static func planMatMul(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let a = try use.input(0, of: types)
        let b = try use.input(1, like: a)
        guard a.rank > 0, b.rank > 0 else {
            throw use.refuse(HENG_REFUSAL_RANK, "multiplies no scalars.")
        }
        let aDims = a.rank == 1 ? [1] + a.dims : a.dims
        let bDims = b.rank == 1 ? b.dims + [1] : b.dims
        let (rows, depth) = (aDims[aDims.count - 2], aDims[aDims.count - 1])
        let columns = bDims[bDims.count - 1]
        guard bDims[bDims.count - 2] == depth else {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "has inputs of shapes \(a.dims) and \(b.dims), which do not fit.")
        }
        let (aBatch, bBatch) = (Array(aDims.dropLast(2)), Array(bDims.dropLast(2)))
        let batch = try Walk.common(aBatch, bBatch, use)
        var dims = batch
        if a.rank > 1 { dims.append(rows) }
        if b.rank > 1 { dims.append(columns) }
        _ = try Walk.common(dims, [], use)
        plan.add(output: a.type, dims)
        // One b for all: the batches of a are more rows of one product.
        if bBatch.allSatisfy({ $0 == 1 }), aBatch.reduce(1, *) == batch.reduce(1, *) {
            try product(
                &plan, use, type: a.type, rows: batch.reduce(1, *) * rows, columns: columns, depth: depth,
                batch: [], a: Operand(place: .input(0), strides: []),
                b: Operand(place: .input(1), strides: []),
                to: .output(0))
            return
        }
        try product(
            &plan, use, type: a.type, rows: rows, columns: columns, depth: depth, batch: batch,
            a: Operand(place: .input(0), strides: Walk.repeated(aBatch, to: batch).map { $0 * rows * depth }),
            b: Operand(
                place: .input(1), strides: Walk.repeated(bBatch, to: batch).map { $0 * depth * columns }),
            to: .output(0))
    }

    static func planGemm(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let a = try use.input(0, of: types)
        let b = try use.input(1, like: a)
        guard a.rank == 2, b.rank == 2 else {
            throw use.refuse(HENG_REFUSAL_RANK, "multiplies two matrices.")
        }
        let (turnsA, turnsB) = (use.integer("transA") ?? 0 != 0, use.integer("transB") ?? 0 != 0)
        let (rows, depth) = turnsA ? (a.dims[1], a.dims[0]) : (a.dims[0], a.dims[1])
        let columns = turnsB ? b.dims[0] : b.dims[1]
        guard (turnsB ? b.dims[1] : b.dims[0]) == depth else {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "has matrices of shapes \(a.dims) and \(b.dims), which do not fit.")
        }
        _ = try Walk.common([rows, columns], [], use)
        plan.add(output: a.type, [rows, columns])
        var added: Added?
        if use.has(2) {
            let c = try use.input(2, like: a)
            guard try Walk.common(c.dims, [rows, columns], use) == [rows, columns] else {
                throw use.refuse(
                    HENG_REFUSAL_SHAPE, "adds a matrix that is larger than the product.", argument: 2)
            }
            let strides = Walk.repeated(c.dims, to: [rows, columns])
            added = Added(
                place: .input(2), row: strides[0], column: strides[1], factor: use.real("beta") ?? 1)
        }
        let left = turnsA ? try turned(&plan, a, .input(0), use) : Place.input(0)
        let right = turnsB ? try turned(&plan, b, .input(1), use) : Place.input(1)
        try product(
            &plan, use, type: a.type, rows: rows, columns: columns, depth: depth, batch: [],
            a: Operand(place: left, strides: []), b: Operand(place: right, strides: []), to: .output(0),
            factor: use.real("alpha") ?? 1, added: added)
    }

    /// A matrix with its axes exchanged, in scratch memory.
    private static func turned(
        _ plan: inout Plan, _ matrix: TensorFacts, _ place: Place, _ use: OperatorUse
    ) throws(Refusal) -> Place {
        let target = plan.scratch(matrix.bytes)
        try Movements.move(
            &plan, use, size: matrix.elementSize, dims: [matrix.dims[1], matrix.dims[0]],
            to: target, Walk.dense([matrix.dims[1], matrix.dims[0]]), from: place, [1, matrix.dims[1]])
        return target
    }
}
