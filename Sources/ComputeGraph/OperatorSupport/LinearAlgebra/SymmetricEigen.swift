/// The eigenvalues of a symmetric matrix, rising, and unit eigenvectors as columns, by Jacobi rotations.
///
/// Only the lower triangle is read. The deciding entry of each vector is positive.
struct SymmetricEigen {
    let values: [Double]
    let vectors: Matrix

    init(_ matrix: Matrix) {
        var work = matrix
        for row in 0..<work.rows {
            for column in row..<work.rows { work[row, column] = matrix[column, row] }
        }
        let scale = max(work.largest, .leastNormalMagnitude)
        var vectors = Matrix(identity: work.rows)
        for _ in 0..<60 {
            var isDone = true
            for first in 0..<work.rows {
                for second in (first + 1)..<max(work.rows, first + 1)
                where abs(work[first, second]) > 1e-16 * scale {
                    isDone = false
                    let (cosine, sine) = jacobiRotation(
                        work[first, first], work[first, second], work[second, second])
                    work.rotateColumns(first, second, cosine: cosine, sine: sine)
                    work.rotateRows(first, second, cosine: cosine, sine: sine)
                    vectors.rotateColumns(first, second, cosine: cosine, sine: sine)
                }
            }
            if isDone { break }
        }
        let order = (0..<work.rows).sorted { (work[$0, $0], $0) < (work[$1, $1], $1) }
        values = order.map { work[$0, $0] }
        vectors = vectors.columns(order)
        for column in 0..<work.rows {
            let entries = vectors.column(column)
            if let entry = decidingEntry(of: entries.map { abs($0) }), entries[entry] < 0 {
                vectors.scaleColumn(column, by: -1)
            }
        }
        self.vectors = vectors
    }
}
