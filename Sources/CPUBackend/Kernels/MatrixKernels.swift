internal import CKernels
internal import COpenBLAS
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

extension CPUKernelProvider {
    /// Matrix products.
    ///
    /// GFLOP/s of one Zen 3 core (rows x columns x terms; right operand packed once / by OpenBLAS 0.3.21 / packed per
    /// run; best of 30 on a busy machine, launch included):
    ///
    ///     16x256x256     74 / 51 / 56       16x768x768     92 / 64 / 60       16x4096x1024   77 / 60 / 40
    ///     512x256x256    94 / 89 / 93       512x768x768    94 / 93 / 90       512x4096x1024  87 / 92 / 82
    ///
    /// So frozen right operands are packed at load. Those that change are packed per run while the packed form stays
    /// in the second-level cache; beyond that OpenBLAS, which packs in smaller pieces, is the better (`packedLimit`).
    static let matrixKernels: [CPUKernel] = ["MatMul", "FusedMatMul", "Gemm"].flatMap { name in
        [
            CPUKernel(name: "packed-gemm", operatorName: name, refuse: refusePackedProduct) { node in
                try packedProduct(node)
            },
            CPUKernel(name: "openblas", operatorName: name, refuse: refuseOpenBLAS) { node in
                try openBLASProduct(node)
            },
            CPUKernel(name: "gemm", operatorName: name, refuse: refuseProduct) { node in
                try packingProduct(node)
            },
            CPUKernel(name: "openblas-float64", operatorName: name, refuse: refuseFloat64Product) { node in
                try float64Product(node)
            },
        ]
    }

    @Sendable private static func refuseProduct(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyFloat32(node) { return refusal }
        if case .failure(let refused) = MatrixProduct.of(node) { return refused.refusal }
        return nil
    }

    @Sendable private static func refusePackedProduct(_ node: NodeSignature) -> Refusal? {
        if let refusal = refuseProduct(node) { return refusal }
        guard node.frozenInputs.contains(1) else {
            return "It packs the right operand once, and that may change between runs."
        }
        guard node.inputs[1].shape.extents.dropLast(2).allSatisfy({ $0 == 1 }) else {
            return "It packs one right operand, and here is a batch of them."
        }
        return nil
    }

    private static func packedProduct(_ node: NodeSignature) throws -> CPUPreparedKernel {
        let product = try MatrixProduct.of(node).get()
        let plan = ProductPlan(product)
        let size = ByteCount(bytes: ck_gemm_packed_count_f32(product.terms, product.columns) * 4)
        let packing = unsafe Packing(
            key: "gemm right \(product.terms)x\(product.columns) transposed \(product.transposesRight)",
            size: size
        ) { plain, packed in
            guard let from = plain.baseAddress, let to = packed.baseAddress else { return }
            unsafe ck_gemm_pack_f32(
                product.terms, product.columns, from.assumingMemoryBound(to: Float.self),
                product.rightTermStride,
                product.rightColumnStride, 0, product.columns, to.assumingMemoryBound(to: Float.self))
        }
        return unsafe CPUPreparedKernel(
            packings: [1: packing], plan.phase(packedStride: 0) { unsafe $0.input(1) })
    }

    private static func packingProduct(_ node: NodeSignature) throws -> CPUPreparedKernel {
        let product = try MatrixProduct.of(node).get()
        let plan = ProductPlan(product)
        let one = ck_gemm_packed_count_f32(product.terms, product.columns)
        // Equal offsets mean the same matrix, which is packed once.
        let distinct = Set(product.rightOffsets).count == 1 ? [0] : product.rightOffsets
        let panels = (product.columns + ProductPlan.panel - 1) / ProductPlan.panel
        let grain = max(8, Threads.elementGrain / max(product.terms * ProductPlan.panel, 1))
        let pack = Phase.split(distinct.count * panels, grain: grain) { operands, part in
            let (from, packed) = unsafe (operands.input(1), operands.workspace)
            var unit = part.lowerBound
            while unit < part.upperBound {
                let matrix = unit / panels
                let end = min(part.upperBound, (matrix + 1) * panels)
                unsafe ck_gemm_pack_f32(
                    product.terms, product.columns, from + distinct[matrix], product.rightTermStride,
                    product.rightColumnStride, (unit - matrix * panels) * ProductPlan.panel,
                    min((end - matrix * panels) * ProductPlan.panel, product.columns), packed + matrix * one)
                unit = end
            }
        }
        let multiply = unsafe plan.phase(packedStride: distinct.count == 1 ? 0 : one) {
            unsafe UnsafePointer($0.workspace)
        }
        return CPUPreparedKernel(
            workspace: ByteCount(bytes: max(1, one * distinct.count) * 4), pack, multiply)
    }

    /// Elements of a right operand whose packed form no longer fits into the second-level cache beside the rest.
    private static let packedLimit = 400_000

    @Sendable private static func refuseOpenBLAS(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyFloat32(node) { return refusal }
        switch plainProduct(node) {
        case .failure(let refused): return refused.refusal
        case .success(let product):
            guard product.batch == 1 else { return "It computes one product, and here are \(product.batch)." }
            return product.columns * product.terms >= packedLimit
                ? OpenBLAS.refusal
                : "It is the faster only where the right operand has \(packedLimit) elements or more."
        }
    }

    @Sendable private static func refuseFloat64Product(_ node: NodeSignature) -> Refusal? {
        guard (node.inputs + node.outputs).allSatisfy({ $0.element == .float64 }) else {
            return Refusal(.type, "It is written for float64.")
        }
        switch plainProduct(node) {
        case .failure(let refused): return refused.refusal
        case .success(let product):
            let isEmpty = [product.rows, product.columns, product.terms, product.batch].contains(0)
            return isEmpty ? "It does not take empty tensors." : OpenBLAS.refusal
        }
    }

    private static func plainProduct(_ node: NodeSignature) -> Result<MatrixProduct, RefusedProduct> {
        MatrixProduct.of(node).flatMap { product in
            product.columnBias == nil && product.residual == nil && product.activation == .identity
                ? .success(product) : .failure(RefusedProduct("It computes plain products only."))
        }
    }

    private static func openBLASProduct(_ node: NodeSignature) throws -> CPUPreparedKernel {
        try unsafe tiledProduct(node) {
            left, right, rows, columns, terms, a, aStride, b, bStride, c, cStride in
            unsafe copenblas_sgemm(left, right, rows, columns, terms, a, aStride, b, bStride, c, cStride)
        }
    }

    private static func float64Product(_ node: NodeSignature) throws -> CPUPreparedKernel {
        try unsafe tiledProduct(node) {
            left, right, rows, columns, terms, a, aStride, b, bStride, c, cStride in
            unsafe copenblas_dgemm(left, right, rows, columns, terms, a, aStride, b, bStride, c, cStride)
        }
    }

    /// A product of BLAS on numbers that lie row by row.
    private typealias Multiply<Element> =
        @Sendable (
            _ left: CBLAS_TRANSPOSE, _ right: CBLAS_TRANSPOSE, _ rows: Int32, _ columns: Int32,
            _ terms: Int32, _ a: UnsafePointer<Element>, _ aStride: Int32, _ b: UnsafePointer<Element>,
            _ bStride: Int32, _ c: UnsafeMutablePointer<Element>, _ cStride: Int32
        ) -> Void

    /// Plain products of a batch, tile by tile.
    private static func tiledProduct<Element>(
        _ node: NodeSignature, _ multiply: @escaping Multiply<Element>
    ) throws -> CPUPreparedKernel {
        let product = try MatrixProduct.of(node).get()
        let tiles = OpenBLASTiles(product)
        let (left, right) = (
            product.transposesLeft ? CblasTrans : CblasNoTrans,
            product.transposesRight ? CblasTrans : CblasNoTrans
        )
        try OpenBLAS.open()
        // About 10 microseconds of work are worth waking anyone.
        let grain = 500_000 / max(product.floatingPointOperations / tiles.count, 1) + 1
        let split = Phase.split(tiles.count * product.batch, grain: grain) { operands, part in
            let a = unsafe operands.bytes(0).assumingMemoryBound(to: Element.self)
            let b = unsafe operands.bytes(1).assumingMemoryBound(to: Element.self)
            let c = unsafe operands.bytes(2).assumingMemoryBound(to: Element.self)
            for index in part {
                let (matrix, (rows, columns)) = (index / tiles.count, tiles[index % tiles.count])
                let place = (matrix * product.rows + rows.lowerBound) * product.columns + columns.lowerBound
                unsafe multiply(
                    left, right, Int32(rows.count), Int32(columns.count), Int32(product.terms),
                    a + product.leftOffsets[matrix] + rows.lowerBound * product.leftRowStride,
                    Int32(product.transposesLeft ? product.rows : product.terms),
                    b + product.rightOffsets[matrix] + columns.lowerBound * product.rightColumnStride,
                    Int32(product.transposesRight ? product.terms : product.columns), c + place,
                    Int32(product.columns))
            }
        }
        return CPUPreparedKernel(split)
    }
}

/// How OpenBLAS gets a product: in tiles that depend on its shape alone.
///
/// How the library orders the terms of a sum may depend on the extents it is given. With tiles that were cut by the
/// number of threads, the bits would be too. GFLOP/s of one Zen 3 core with two calls, and in these tiles:
/// 512x768x768 102 and 101, 512x4096x1024 98 and 94, 2000x700x700 95 and 92, 37x613x811 87 and 86,
/// 16x4096x1024 45 and 42.
private struct OpenBLASTiles: Sendable {
    private let extents: (rows: Int, columns: Int)
    private let tile: (rows: Int, columns: Int)
    private let across: Int
    let count: Int

    init(_ product: MatrixProduct) {
        extents = (product.rows, product.columns)
        tile = (
            product.rows >= 1024 ? 512 : max(product.rows, 1),
            // An even number of tiles of at most 256 columns, in whole vectors.
            OpenBLASTiles.quotient(
                OpenBLASTiles.quotient(product.columns, 2 * OpenBLASTiles.quotient(product.columns, 512)), 16)
                * 16
        )
        across = OpenBLASTiles.quotient(product.columns, tile.columns)
        count = across * OpenBLASTiles.quotient(product.rows, tile.rows)
    }

    private static func quotient(_ value: Int, _ divisor: Int) -> Int { (value + divisor - 1) / divisor }

    subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        let (row, column) = (index / across * tile.rows, index % across * tile.columns)
        return (
            row..<min(row + tile.rows, extents.rows), column..<min(column + tile.columns, extents.columns)
        )
    }
}

/// How one matrix product is cut into parts for the pool.
///
/// With few rows the columns are cut, so that each part of the right operand is read by one core only; with many
/// rows the rows.
struct ProductPlan: Sendable {
    static let panel = Int(CK_TILE_COLUMNS)
    static let tile = Int(CK_TILE_ROWS)

    let product: MatrixProduct
    private let cutsRows: Bool
    private let unitsPerMatrix: Int
    private let grain: Int

    init(_ product: MatrixProduct) {
        self.product = product
        cutsRows = product.rows > 2 * product.columns
        let unit = cutsRows ? ProductPlan.tile : ProductPlan.panel
        let extent = cutsRows ? product.rows : product.columns
        unitsPerMatrix = (extent + unit - 1) / unit
        let operations = product.floatingPointOperations / max(unitsPerMatrix, 1)
        grain = ProductPlan.grain(units: unitsPerMatrix * product.batch, operationsPerUnit: operations)
    }

    /// Units per part: at least 10 microseconds of work, and else two parts per thread, so that one that is
    /// held up does not hold up all.
    static func grain(units: Int, operationsPerUnit: Int) -> Int {
        let smallest = 1_000_000 / max(operationsPerUnit, 1) + 1
        let parts = 2 * Threads.count
        return max(smallest, (units + parts - 1) / parts)
    }

    /// The work itself; `packed` finds the packed right operand, of which each matrix takes `packedStride` floats.
    func phase(
        packedStride: Int, packed: @escaping @Sendable (Operands) -> UnsafePointer<Float>
    ) -> Phase {
        .split(unitsPerMatrix * product.batch, grain: grain) { operands, part in
            var unit = part.lowerBound
            while unit < part.upperBound {
                let matrix = unit / unitsPerMatrix
                let end = min(part.upperBound, (matrix + 1) * unitsPerMatrix)
                var gemm = unsafe describe(operands, matrix, packed(operands) + matrix * packedStride)
                let units = unit - matrix * unitsPerMatrix..<end - matrix * unitsPerMatrix
                if cutsRows {
                    unsafe ck_gemm_f32(
                        &gemm, units.lowerBound * ProductPlan.tile,
                        min(units.upperBound * ProductPlan.tile, product.rows), 0, product.columns)
                } else {
                    unsafe ck_gemm_f32(
                        &gemm, 0, product.rows, units.lowerBound * ProductPlan.panel,
                        min(units.upperBound * ProductPlan.panel, product.columns))
                }
                unit = end
            }
        }
    }

    private func describe(_ operands: Operands, _ matrix: Int, _ packed: UnsafePointer<Float>) -> ck_gemm {
        let place = matrix * product.rows * product.columns
        var gemm = unsafe ck_gemm()
        unsafe gemm.depth = product.terms
        unsafe gemm.columns = product.columns
        unsafe gemm.a = operands.input(0) + product.leftOffsets[matrix]
        unsafe gemm.a_row_stride = product.leftRowStride
        unsafe gemm.a_depth_stride = product.leftTermStride
        unsafe gemm.packed_b = packed
        unsafe gemm.c = operands.output(0) + place
        unsafe gemm.c_stride = product.columns
        if let bias = product.columnBias { unsafe gemm.epilogue.column_bias = operands.input(bias) }
        if let residual = product.residual {
            unsafe gemm.epilogue.residual = operands.input(residual) + place
        }
        unsafe gemm.epilogue.residual_stride = product.columns
        unsafe gemm.epilogue.activation = product.activation.inKernels
        return unsafe gemm
    }
}

extension Activation {
    var inKernels: ck_activation {
        switch self {
        case .identity: CK_ACTIVATION_NONE
        case .relu: CK_ACTIVATION_RELU
        case .gelu: CK_ACTIVATION_GELU
        }
    }
}
