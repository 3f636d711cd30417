internal import ComputeGraph
internal import KernelInterface

/// A matrix product as the kernels see it, whichever operator it came from: `MatMul`, `FusedMatMul` or `Gemm`.
///
/// For each batch index b: C = activation(A B + bias + residual), with the batch's offsets in elements.
struct MatrixProduct: Sendable {
    var rows: Int
    var columns: Int
    var terms: Int
    var leftOffsets: [Int]
    var rightOffsets: [Int]
    var transposesLeft: Bool
    var transposesRight: Bool
    var columnBias: Int?
    var residual: Int?
    var activation = Activation.identity

    var batch: Int { leftOffsets.count }
    var floatingPointOperations: Int { 2 * rows * columns * terms }

    var leftRowStride: Int { transposesLeft ? 1 : terms }
    var leftTermStride: Int { transposesLeft ? rows : 1 }
    var rightTermStride: Int { transposesRight ? 1 : columns }
    var rightColumnStride: Int { transposesRight ? terms : 1 }

    private init(_ product: MatMul, _ node: NodeSignature) {
        let extents = MatMulExtents(product, node.inputs[0].shape, node.inputs[1].shape)
        rows = extents.rows
        columns = extents.columns
        terms = extents.terms
        transposesLeft = product.transposesLeft
        transposesRight = product.transposesRight
        let batch = Shape(Array(node.outputs[0].shape.extents.dropLast(2)))
        leftOffsets = extents.leftBatch.offsets(broadcastTo: batch).map { $0 * extents.rows * extents.terms }
        rightOffsets = extents.rightBatch.offsets(broadcastTo: batch).map {
            $0 * extents.terms * extents.columns
        }
        if extents.rightBatch.count == 1, extents.leftBatch.count == batch.count, !transposesLeft {
            // One tall product: the matrices on the left lie one under the other.
            rows *= batch.count
            leftOffsets = [0]
            rightOffsets = [0]
        }
    }

    /// Reads the product out of a node, or says what about it no kernel here can do.
    static func of(_ node: NodeSignature) -> Result<MatrixProduct, RefusedProduct> {
        switch node.operator {
        case let product as MatMul: return .success(MatrixProduct(product, node))
        case let fused as FusedMatMul:
            var product = MatrixProduct(fused.product, node)
            product.activation = fused.activation
            if fused.hasBias { product.columnBias = 2 }
            if fused.hasResidual { product.residual = node.inputs.count - 1 }
            return .success(product)
        case let gemm as Gemm: return of(gemm, node)
        default: return .failure(RefusedProduct("It computes matrix products only."))
        }
    }

    private static func of(_ gemm: Gemm, _ node: NodeSignature) -> Result<MatrixProduct, RefusedProduct> {
        guard gemm.alpha == 1, gemm.beta == 1 || node.inputs.count == 2 else {
            return .failure(RefusedProduct("It does not scale: alpha is \(gemm.alpha), beta \(gemm.beta)."))
        }
        var product = MatrixProduct(gemm.product, node)
        guard node.inputs.count == 3 else { return .success(product) }
        let added = node.inputs[2].shape
        if added == node.outputs[0].shape {
            product.residual = 2
        } else if added.count == product.columns, added.rank > 0, added[added.rank - 1] == product.columns {
            product.columnBias = 2
        } else {
            return .failure(RefusedProduct("It adds rows or whole matrices, not the shape \(added)."))
        }
        return .success(product)
    }
}

/// A refusal that travels as an error.
struct RefusedProduct: Error {
    var refusal: Refusal
    init(_ reason: String) { refusal = Refusal(reason) }
}

extension Shape {
    /// For each index of the larger shape in order, the flat index of this one's element.
    fileprivate func offsets(broadcastTo shape: Shape) -> [Int] {
        let steps = strides(broadcastTo: shape)
        var offsets = [0]
        for axis in shape.extents.indices {
            offsets = offsets.flatMap { offset in (0..<shape[axis]).map { offset + $0 * steps[axis] } }
        }
        return offsets
    }
}
