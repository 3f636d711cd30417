#if canImport(Glibc)
internal import Glibc
#endif

/// The triangular factors of a square matrix whose rows were exchanged for the largest pivots.
struct LUFactors {
    /// Below the diagonal L, whose diagonal is 1, else U.
    private var factors: Matrix
    /// The row that each row of the factors was.
    private var order: [Int]
    /// The sign of the exchanges.
    private var sign = 1.0
    private(set) var isSingular = false

    init(_ matrix: Matrix) {
        factors = matrix
        order = Array(0..<matrix.rows)
        for step in 0..<matrix.rows {
            let pivot = (step..<matrix.rows).reduce(step) {
                abs(factors[$1, step]) > abs(factors[$0, step]) ? $1 : $0
            }
            if pivot != step {
                factors.swapRows(pivot, step)
                order.swapAt(pivot, step)
                sign = -sign
            }
            guard factors[step, step] != 0 else {
                isSingular = true
                continue
            }
            for row in (step + 1)..<max(matrix.rows, step + 1) { eliminate(row, step) }
        }
    }

    private mutating func eliminate(_ row: Int, _ step: Int) {
        let factor = factors[row, step] / factors[step, step]
        factors[row, step] = factor
        for column in (step + 1)..<max(factors.columns, step + 1) {
            factors[row, column] -= factor * factors[step, column]
        }
    }

    /// The X of A X = B; all NaN where A is singular.
    func solve(_ right: Matrix) -> Matrix {
        var x = Matrix(zeros: right.rows, right.columns)
        guard !isSingular else {
            return Matrix(right.rows, right.columns, x.elements.map { _ in .nan })
        }
        for column in 0..<right.columns {
            for row in 0..<right.rows {
                let known = (0..<row).reduce(0) { $0 + factors[row, $1] * x[$1, column] }
                x[row, column] = right[order[row], column] - known
            }
            for row in (0..<right.rows).reversed() {
                let known = ((row + 1)..<max(right.rows, row + 1)).reduce(0) {
                    $0 + factors[row, $1] * x[$1, column]
                }
                x[row, column] = (x[row, column] - known) / factors[row, row]
            }
        }
        return x
    }

    /// The sign of the determinant and the logarithm of its magnitude; 0 and -infinity where it is 0.
    var logDeterminant: (sign: Double, logarithm: Double) {
        if isSingular { return (0, -.infinity) }
        return (0..<factors.rows).reduce((sign, 0)) { result, place in
            let pivot = factors[place, place]
            return (pivot < 0 ? -result.0 : result.0, result.1 + log(abs(pivot)))
        }
    }
}
