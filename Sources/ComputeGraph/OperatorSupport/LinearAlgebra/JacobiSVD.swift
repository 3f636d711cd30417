/// The singular values of a matrix, falling, and its singular vectors, by one-sided Jacobi rotations.
///
/// The deciding entry of each left vector is positive.
struct JacobiSVD {
    /// `[m, k]` with k the smaller extent.
    private(set) var u: Matrix
    private(set) var values: [Double]
    /// `[k, n]`: the right vectors as rows.
    private(set) var vh: Matrix

    init(_ matrix: Matrix) {
        let isWide = matrix.columns > matrix.rows
        let scale = matrix.largest
        // Squares of what is scaled to 1 neither overflow nor vanish.
        let scaled =
            scale > 0 ? Matrix(matrix.rows, matrix.columns, matrix.elements.map { $0 / scale }) : matrix
        let (left, lengths, right) = JacobiSVD.orthogonalize(isWide ? scaled.transposed : scaled)
        values = lengths.map { $0 * scale }
        u = isWide ? right : left
        vh = (isWide ? left : right).transposed
        for place in values.indices {
            let column = u.column(place)
            guard let entry = decidingEntry(of: column.map { abs($0) }), column[entry] < 0 else { continue }
            u.scaleColumn(place, by: -1)
            vh.scaleRow(place, by: -1)
        }
    }

    /// Turns the columns of a tall matrix until they are orthogonal: unit vectors, their lengths, and the turns.
    private static func orthogonalize(_ matrix: Matrix) -> (Matrix, [Double], Matrix) {
        var work = matrix
        var turns = Matrix(identity: matrix.columns)
        let sweeps = 60
        for _ in 0..<sweeps {
            var isDone = true
            for first in 0..<work.columns {
                for second in (first + 1)..<max(work.columns, first + 1) {
                    let (x, y) = (work.column(first)[...], work.column(second)[...])
                    let (a, b, d) = (dot(x, x), dot(x, y), dot(y, y))
                    if abs(b) <= 1e-15 * (a * d).squareRoot() || abs(b) < 1e-300 { continue }
                    isDone = false
                    let (cosine, sine) = jacobiRotation(a, b, d)
                    work.rotateColumns(first, second, cosine: cosine, sine: sine)
                    turns.rotateColumns(first, second, cosine: cosine, sine: sine)
                }
            }
            if isDone { break }
        }
        let lengths = (0..<work.columns).map { column in
            let x = work.column(column)[...]
            return dot(x, x).squareRoot()
        }
        let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        let falling = order.map { lengths[$0] }
        return (unitColumns(work.columns(order), falling), falling, turns.columns(order))
    }

    /// The columns divided by their lengths; those that are only rounding become any that complete the others.
    private static func unitColumns(_ matrix: Matrix, _ lengths: [Double]) -> Matrix {
        var unit = matrix
        let limit = (lengths.first ?? 0) * 1e-15
        for column in lengths.indices {
            if lengths[column] > limit {
                unit.scaleColumn(column, by: 1 / lengths[column])
            } else {
                complete(&unit, column)
            }
        }
        return unit
    }

    /// Fills a column with a unit vector that is orthogonal to all before it.
    private static func complete(_ matrix: inout Matrix, _ column: Int) {
        var best: [Double] = []
        var bestLength = -1.0
        for axis in 0..<matrix.rows where bestLength < 0.7 {
            var candidate = [Double](repeating: 0, count: matrix.rows)
            candidate[axis] = 1
            // Twice, so that rounding of the first pass is gone.
            for _ in 0..<2 {
                for other in 0..<column {
                    let direction = matrix.column(other)
                    let part = dot(direction[...], candidate[...])
                    for row in 0..<matrix.rows { candidate[row] -= part * direction[row] }
                }
            }
            let length = dot(candidate[...], candidate[...]).squareRoot()
            if length > bestLength { (best, bestLength) = (candidate, length) }
        }
        for row in 0..<matrix.rows { matrix[row, column] = best[row] / bestLength }
    }

    /// The values that count, as one over themselves, and 0 for those up to `tolerance` times the largest.
    func inverseValues(tolerance: Double) -> [Double] {
        let limit = tolerance * (values.first ?? 0)
        return values.map { $0 > limit ? 1 / $0 : 0 }
    }
}
