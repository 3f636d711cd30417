internal import COpenBLAS
internal import ComputeGraph
internal import KernelInterface

/// The singular values and vectors of one matrix.
///
/// Our A = U S Vh is for LAPACK the matrix A' = V S U', whose left vectors, column by column, are our Vh row by row, and
/// whose right vectors are our U: nothing is transposed.
private struct SingularValues<Element: LAPACKElement>: Sendable {
    let rows: Int
    let columns: Int
    private let withVectors: Bool
    private let workSize: Int

    init(rows: Int, columns: Int, withVectors: Bool) {
        self.rows = rows
        self.columns = columns
        self.withVectors = withVectors
        workSize = unsafe workspaceSize {
            unsafe Element.lapack.gesdd(
                withVectors ? 1 : 0, blasint(columns), blasint(rows), nil, nil, nil, nil, $0, -1, nil)
        }
    }

    var smaller: Int { min(rows, columns) }
    var scratch: (numbers: Int, integers: Int) { (rows * columns + workSize, 8 * smaller) }

    /// Whether the matrix is finite and has been taken apart.
    func run(
        _ a: UnsafePointer<Element>, u: UnsafeMutablePointer<Element>?, s: UnsafeMutablePointer<Element>,
        vh: UnsafeMutablePointer<Element>?, _ scratch: inout MatrixScratch<Element>
    ) -> Bool {
        let (copy, work) = unsafe (scratch.take(rows * columns), scratch.take(workSize))
        guard unsafe Dense.isFinite(a, rows * columns) else { return false }
        unsafe Dense.copy(a, rows * columns, to: copy)
        return unsafe Element.lapack.gesdd(
            withVectors ? 1 : 0, blasint(columns), blasint(rows), copy, s, vh, u, work, blasint(workSize),
            scratch.integers) == 0
    }

    /// Turns each value into one over itself, or into 0 where it is up to `tolerance` times the largest.
    func invert(_ s: UnsafeMutablePointer<Element>, tolerance: Double) {
        let limit = unsafe Element(tolerance) * s[0]
        for place in 0..<smaller { unsafe s[place] = unsafe s[place] > limit ? 1 / s[place] : 0 }
    }
}

/// Singular values and vectors.
struct SVDKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let routine: SingularValues<Element>

    init(_ node: NodeSignature) {
        extents = MatrixExtents(node)
        routine = SingularValues(rows: extents.rows, columns: extents.columns, withVectors: true)
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) { routine.scratch }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let (rows, columns, size) = (extents.rows, extents.columns, extents.smaller)
        let u = unsafe tensors.numbers(1) + matrix * rows * size
        let s = unsafe tensors.numbers(2) + matrix * size
        let vh = unsafe tensors.numbers(3) + matrix * size * columns
        guard unsafe routine.run(tensors.constants(0) + matrix * extents.size, u: u, s: s, vh: vh, &scratch)
        else {
            unsafe Dense.fill(u, rows * size, with: .nan)
            unsafe Dense.fill(s, size, with: .nan)
            return unsafe Dense.fill(vh, size * columns, with: .nan)
        }
        for place in 0..<size {
            let entry = unsafe Dense.decidingEntry(u + place, rows, step: size)
            guard unsafe u[entry * size + place] < 0 else { continue }
            unsafe Dense.scale(u + place, rows, step: size, by: -1)
            unsafe Dense.scale(vh + place * columns, columns, by: -1)
        }
    }
}

/// Ranks by singular values.
struct RankKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let routine: SingularValues<Element>
    private let tolerance: Double

    init(_ node: NodeSignature) {
        extents = MatrixExtents(node)
        routine = SingularValues(rows: extents.rows, columns: extents.columns, withVectors: false)
        tolerance = singularTolerance(
            (node.operator as? MatrixRank)?.tolerance, extents.rows, extents.columns, node.inputs[0].element)
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) {
        (routine.scratch.numbers + extents.smaller, routine.scratch.integers)
    }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let rank = unsafe tensors.integers(1) + matrix
        let s = unsafe scratch.take(extents.smaller)
        unsafe rank.pointee = 0
        let a = unsafe tensors.constants(0) + matrix * extents.size
        guard unsafe routine.run(a, u: nil, s: s, vh: nil, &scratch) else { return }
        let limit = unsafe Element(tolerance) * s[0]
        for place in 0..<extents.smaller where unsafe s[place] > limit { unsafe rank.pointee += 1 }
    }
}

/// Moore-Penrose inverses by singular values.
struct PinverseKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let routine: SingularValues<Element>
    private let tolerance: Double

    init(_ node: NodeSignature) {
        extents = MatrixExtents(node)
        routine = SingularValues(rows: extents.rows, columns: extents.columns, withVectors: true)
        tolerance = singularTolerance(
            (node.operator as? Pinverse)?.tolerance, extents.rows, extents.columns, node.inputs[0].element)
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) {
        let own = extents.smaller * (extents.rows + extents.columns + 1)
        return (routine.scratch.numbers + own, routine.scratch.integers)
    }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let (rows, columns, size) = (extents.rows, extents.columns, extents.smaller)
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let x = unsafe tensors.numbers(1) + matrix * extents.size
        let (u, s) = unsafe (scratch.take(rows * size), scratch.take(size))
        let vh = unsafe scratch.take(size * columns)
        guard unsafe routine.run(a, u: u, s: s, vh: vh, &scratch) else {
            return unsafe Dense.fill(x, extents.size, with: .nan)
        }
        unsafe routine.invert(s, tolerance: tolerance)
        for place in 0..<size { unsafe Dense.scale(vh + place * columns, columns, by: s[place]) }
        unsafe Element.lapack.gemm(
            CblasTrans, CblasTrans, blasint(columns), blasint(rows), blasint(size), vh, blasint(columns), u,
            blasint(size), x)
    }
}

/// Solutions with the smallest squares by singular values.
struct LeastSquaresKernel<Element: LAPACKElement>: MatrixKernel {
    private let pairs: MatrixPairs
    private let routine: SingularValues<Element>
    private let tolerance: Double

    init(_ node: NodeSignature) {
        pairs = MatrixPairs(
            node.inputs[0].shape, node.inputs[1].shape,
            batch: Shape(Array(node.outputs[0].shape.extents.dropLast(2))))
        routine = SingularValues(rows: pairs.rows, columns: pairs.columns, withVectors: true)
        tolerance = singularTolerance(
            (node.operator as? LeastSquares)?.tolerance, pairs.rows, pairs.columns, node.inputs[0].element)
    }

    var matrices: Int { pairs.batch.count }
    var scratch: (numbers: Int, integers: Int) {
        let own = routine.smaller * (pairs.rows + pairs.columns + 1 + pairs.rightColumns)
        return (routine.scratch.numbers + own, routine.scratch.integers)
    }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let (rows, columns, size) = (pairs.rows, pairs.columns, routine.smaller)
        let sides = pairs.rightColumns
        let a = unsafe tensors.constants(0) + pairs.left[matrix] * rows * columns
        let b = unsafe tensors.constants(1) + pairs.right[matrix] * rows * sides
        let x = unsafe tensors.numbers(2) + matrix * columns * sides
        let (u, s) = unsafe (scratch.take(rows * size), scratch.take(size))
        let (vh, parts) = unsafe (scratch.take(size * columns), scratch.take(size * sides))
        guard unsafe Dense.isFinite(b, rows * sides), unsafe routine.run(a, u: u, s: s, vh: vh, &scratch)
        else {
            return unsafe Dense.fill(x, columns * sides, with: .nan)
        }
        unsafe routine.invert(s, tolerance: tolerance)
        unsafe Element.lapack.gemm(
            CblasTrans, CblasNoTrans, blasint(size), blasint(sides), blasint(rows), u, blasint(size), b,
            blasint(sides), parts)
        for place in 0..<size { unsafe Dense.scale(parts + place * sides, sides, by: s[place]) }
        unsafe Element.lapack.gemm(
            CblasTrans, CblasNoTrans, blasint(columns), blasint(sides), blasint(size), vh, blasint(columns),
            parts, blasint(sides), x)
    }
}
