internal import COpenBLAS
internal import ComputeGraph
internal import KernelInterface

#if canImport(Glibc)
internal import Glibc
#endif

/// Inverses by triangular factors; our matrix is LAPACK's transpose, and so is the inverse.
struct InverseKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let workSize: Int

    init(_ node: NodeSignature) {
        let extents = MatrixExtents(node)
        self.extents = extents
        workSize = unsafe workspaceSize { unsafe Element.lapack.getri(extents.n, nil, nil, $0, -1) }
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) { (workSize, extents.rows) }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let x = unsafe tensors.numbers(1) + matrix * extents.size
        unsafe Dense.copy(a, extents.size, to: x)
        let work = unsafe scratch.take(workSize)
        guard unsafe Dense.isFinite(a, extents.size),
            unsafe Element.lapack.getrf(extents.n, x, scratch.integers) == 0,
            unsafe Element.lapack.getri(extents.n, x, scratch.integers, work, blasint(workSize)) == 0
        else { return unsafe Dense.fill(x, extents.size, with: .nan) }
    }
}

/// Linear equations by triangular factors.
struct SolveKernel<Element: LAPACKElement>: MatrixKernel {
    private let pairs: MatrixPairs

    init(_ node: NodeSignature) {
        pairs = MatrixPairs(
            node.inputs[0].shape, node.inputs[1].shape,
            batch: Shape(Array(node.outputs[0].shape.extents.dropLast(2))))
    }

    var matrices: Int { pairs.batch.count }
    private var size: Int { pairs.rows * pairs.rows }
    private var rightSize: Int { pairs.rows * pairs.rightColumns }
    var scratch: (numbers: Int, integers: Int) { (size + rightSize, pairs.rows) }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let a = unsafe tensors.constants(0) + pairs.left[matrix] * size
        let b = unsafe tensors.constants(1) + pairs.right[matrix] * rightSize
        let x = unsafe tensors.numbers(2) + matrix * rightSize
        let (factors, columns) = unsafe (scratch.take(size), scratch.take(rightSize))
        unsafe Dense.copy(a, size, to: factors)
        unsafe Dense.transpose(b, rows: pairs.rows, columns: pairs.rightColumns, to: columns)
        let n = blasint(pairs.rows)
        guard unsafe Dense.isFinite(a, size), unsafe Dense.isFinite(b, rightSize),
            unsafe Element.lapack.getrf(n, factors, scratch.integers) == 0,
            unsafe Element.lapack.getrs(n, blasint(pairs.rightColumns), factors, scratch.integers, columns)
                == 0
        else { return unsafe Dense.fill(x, rightSize, with: .nan) }
        unsafe Dense.transpose(columns, rows: pairs.rightColumns, columns: pairs.rows, to: x)
    }
}

/// Determinants by triangular factors.
struct LogDeterminantKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents

    init(_ node: NodeSignature) { extents = MatrixExtents(node) }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) { (extents.size, extents.rows) }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let (sign, logarithm) = unsafe (tensors.numbers(1) + matrix, tensors.numbers(2) + matrix)
        let factors = unsafe scratch.take(extents.size)
        unsafe Dense.copy(a, extents.size, to: factors)
        guard unsafe Dense.isFinite(a, extents.size) else {
            unsafe (sign.pointee, logarithm.pointee) = (.nan, .nan)
            return
        }
        guard unsafe Element.lapack.getrf(extents.n, factors, scratch.integers) == 0 else {
            unsafe (sign.pointee, logarithm.pointee) = (0, -.infinity)
            return
        }
        var isNegative = false
        var sum = 0.0
        for place in 0..<extents.rows {
            let pivot = unsafe Double(factors[place * extents.rows + place])
            let isExchanged = unsafe scratch.integers[place] != blasint(place + 1)
            if (pivot < 0) != isExchanged { isNegative.toggle() }
            sum += log(abs(pivot))
        }
        unsafe (sign.pointee, logarithm.pointee) = (isNegative ? -1 : 1, Element(sum))
    }
}

/// Cholesky factors; our lower triangle is LAPACK's upper one.
struct CholeskyKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let isUpper: Bool

    init(_ node: NodeSignature) {
        extents = MatrixExtents(node)
        isUpper = (node.operator as? Cholesky)?.isUpper ?? false
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) { (isUpper ? extents.size : 0, 0) }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let result = unsafe tensors.numbers(1) + matrix * extents.size
        let factor = unsafe isUpper ? scratch.take(extents.size) : result
        unsafe Dense.copy(a, extents.size, to: factor)
        guard unsafe Dense.isFinite(a, extents.size), unsafe Element.lapack.potrf(extents.n, factor) == 0
        else {
            return unsafe Dense.fill(result, extents.size, with: .nan)
        }
        for row in 0..<extents.rows {
            for column in (row + 1)..<max(extents.rows, row + 1) {
                unsafe factor[row * extents.rows + column] = 0
            }
        }
        if isUpper {
            unsafe Dense.transpose(factor, rows: extents.rows, columns: extents.rows, to: result)
        }
    }
}

/// Orthonormal and triangular factors by reflections.
struct QRKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let workSize: Int

    init(_ node: NodeSignature) {
        let extents = MatrixExtents(node)
        self.extents = extents
        let k = blasint(extents.smaller)
        workSize = unsafe max(
            workspaceSize { unsafe Element.lapack.geqrf(extents.m, extents.n, nil, nil, $0, -1) },
            workspaceSize { unsafe Element.lapack.orgqr(extents.m, k, nil, nil, $0, -1) })
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) { (extents.size + extents.smaller + workSize, 0) }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let (rows, columns, size) = (extents.rows, extents.columns, extents.smaller)
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let q = unsafe tensors.numbers(1) + matrix * rows * size
        let r = unsafe tensors.numbers(2) + matrix * size * columns
        let (turned, tau) = unsafe (scratch.take(extents.size), scratch.take(size))
        let work = unsafe scratch.take(workSize)
        unsafe Dense.transpose(a, rows: rows, columns: columns, to: turned)
        guard unsafe Dense.isFinite(a, extents.size),
            unsafe Element.lapack.geqrf(extents.m, extents.n, turned, tau, work, blasint(workSize)) == 0
        else {
            unsafe Dense.fill(q, rows * size, with: .nan)
            return unsafe Dense.fill(r, size * columns, with: .nan)
        }
        for row in 0..<size {
            for column in 0..<columns {
                unsafe r[row * columns + column] = unsafe column < row ? 0 : turned[column * rows + row]
            }
        }
        _ = unsafe Element.lapack.orgqr(
            extents.m, blasint(size), turned, tau, work, blasint(workSize))
        unsafe Dense.transpose(turned, rows: size, columns: rows, to: q)
        for place in 0..<size where unsafe r[place * columns + place] < 0 {
            unsafe Dense.scale(r + place * columns, columns, by: -1)
            unsafe Dense.scale(q + place, rows, step: size, by: -1)
        }
    }
}
