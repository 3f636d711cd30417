internal import COpenBLAS
internal import ComputeGraph

/// The element types that LAPACK computes on.
protocol LAPACKElement: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    static var lapack: LAPACK<Self> { get }
}

extension Float: LAPACKElement {
    static let lapack = unsafe LAPACK<Float>(
        getrf: copenblas_sgetrf, getri: copenblas_sgetri, getrs: copenblas_sgetrs, potrf: copenblas_spotrf,
        geqrf: copenblas_sgeqrf, orgqr: copenblas_sorgqr, gesdd: copenblas_sgesdd, syevd: copenblas_ssyevd,
        geev: copenblas_sgeev,
        gemm: { unsafe copenblas_sgemm($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $3) })
}

extension Double: LAPACKElement {
    static let lapack = unsafe LAPACK<Double>(
        getrf: copenblas_dgetrf, getri: copenblas_dgetri, getrs: copenblas_dgetrs, potrf: copenblas_dpotrf,
        geqrf: copenblas_dgeqrf, orgqr: copenblas_dorgqr, gesdd: copenblas_dgesdd, syevd: copenblas_dsyevd,
        geev: copenblas_dgeev,
        gemm: { unsafe copenblas_dgemm($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $3) })
}

/// The routines of LAPACK in one precision, as `Sources/COpenBLAS/include/openblas_api.h` describes them, and one of BLAS.
///
/// LAPACK's matrices lie column by column and ours row by row: what is a matrix for one is its transpose for the
/// other.
@unsafe struct LAPACK<Element>: Sendable {
    typealias Numbers = UnsafeMutablePointer<Element>?
    typealias Constants = UnsafePointer<Element>?
    typealias Integers = UnsafeMutablePointer<blasint>?
    typealias Pivots = UnsafePointer<blasint>?

    let getrf: @Sendable (_ n: blasint, _ a: Numbers, _ pivots: Integers) -> blasint
    let getri:
        @Sendable (_ n: blasint, _ a: Numbers, _ pivots: Pivots, _ work: Numbers, _ size: blasint) -> blasint
    let getrs:
        @Sendable (_ n: blasint, _ k: blasint, _ a: Constants, _ pivots: Pivots, _ b: Numbers) -> blasint
    let potrf: @Sendable (_ n: blasint, _ a: Numbers) -> blasint
    let geqrf:
        @Sendable (
            _ m: blasint, _ n: blasint, _ a: Numbers, _ tau: Numbers, _ work: Numbers, _ size: blasint
        ) -> blasint
    let orgqr:
        @Sendable (
            _ m: blasint, _ k: blasint, _ a: Numbers, _ tau: Constants, _ work: Numbers, _ size: blasint
        ) -> blasint
    let gesdd:
        @Sendable (
            _ vectors: Int32, _ m: blasint, _ n: blasint, _ a: Numbers, _ s: Numbers, _ u: Numbers,
            _ vt: Numbers, _ work: Numbers, _ size: blasint, _ integers: Integers
        ) -> blasint
    let syevd:
        @Sendable (
            _ n: blasint, _ a: Numbers, _ values: Numbers, _ work: Numbers, _ size: blasint,
            _ integers: Integers, _ integerSize: blasint
        ) -> blasint
    let geev:
        @Sendable (
            _ n: blasint, _ a: Numbers, _ re: Numbers, _ im: Numbers, _ vectors: Numbers, _ work: Numbers,
            _ size: blasint
        ) -> blasint
    /// `c` = `a` `b`, rows x columns, row by row; each operand with its row stride, and transposed where it says.
    let gemm:
        @Sendable (
            _ ofLeft: CBLAS_TRANSPOSE, _ ofRight: CBLAS_TRANSPOSE, _ rows: blasint, _ columns: blasint,
            _ terms: blasint, _ a: Constants, _ aStride: blasint, _ b: Constants, _ bStride: blasint,
            _ c: Numbers
        ) -> Void
}

/// Scratch memory for one matrix: numbers, and behind them integers.
@unsafe struct MatrixScratch<Element: LAPACKElement> {
    private var numbers: UnsafeMutablePointer<Element>
    let integers: UnsafeMutablePointer<blasint>

    init(_ start: UnsafeMutableRawPointer, numbers count: Int) {
        unsafe numbers = start.assumingMemoryBound(to: Element.self)
        unsafe integers = UnsafeMutableRawPointer(numbers + count).assumingMemoryBound(to: blasint.self)
    }

    /// The next numbers that nobody has taken.
    mutating func take(_ count: Int) -> UnsafeMutablePointer<Element> {
        let start = unsafe numbers
        unsafe numbers += count
        return unsafe start
    }
}

/// Loops over matrices that kernels of linear algebra share.
enum Dense {
    static func isFinite<Element: LAPACKElement>(_ a: UnsafePointer<Element>, _ count: Int) -> Bool {
        var isFinite = true
        for index in 0..<count where unsafe !a[index].isFinite { isFinite = false }
        return isFinite
    }

    static func fill<Element: LAPACKElement>(
        _ a: UnsafeMutablePointer<Element>, _ count: Int, with value: Element
    ) {
        for index in 0..<count { unsafe a[index] = value }
    }

    static func copy<Element: LAPACKElement>(
        _ from: UnsafePointer<Element>, _ count: Int, to: UnsafeMutablePointer<Element>
    ) {
        for index in 0..<count { unsafe to[index] = unsafe from[index] }
    }

    /// Writes the rows of `from`, rows x columns, as the columns of `to`.
    static func transpose<Element: LAPACKElement>(
        _ from: UnsafePointer<Element>, rows: Int, columns: Int, to: UnsafeMutablePointer<Element>
    ) {
        for row in 0..<rows {
            for column in 0..<columns {
                unsafe to[column * rows + row] = unsafe from[row * columns + column]
            }
        }
    }

    static func scale<Element: LAPACKElement>(
        _ a: UnsafeMutablePointer<Element>, _ count: Int, step: Int = 1, by factor: Element
    ) {
        for index in 0..<count { unsafe a[index * step] *= factor }
    }

    /// The place of the entry that decides the sign of a vector, by the rule of the references.
    static func decidingEntry<Element: LAPACKElement>(
        _ a: UnsafePointer<Element>, _ count: Int, step: Int = 1
    ) -> Int {
        var largest: Element = 0
        for index in 0..<count { unsafe largest = max(largest, abs(a[index * step])) }
        for index in 0..<count where unsafe abs(a[index * step]) >= Element(decidingShare) * largest {
            return index
        }
        return 0
    }
}
