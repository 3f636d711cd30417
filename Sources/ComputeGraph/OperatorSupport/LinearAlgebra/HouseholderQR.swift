/// The factors A = Q R by reflections, Q with orthonormal columns and R with no negative number on its diagonal.
struct HouseholderQR {
    /// `[m, k]` with k the smaller extent.
    let q: Matrix
    /// `[k, n]`, upper triangular.
    let r: Matrix

    init(_ matrix: Matrix) {
        let (rows, columns) = (matrix.rows, matrix.columns)
        let size = min(rows, columns)
        var work = matrix
        var reflectors: [[Double]] = []
        for step in 0..<size {
            let vector = reflector(work.column(step), from: step)
            work.reflect(vector, from: step)
            reflectors.append(vector)
        }
        var q = Matrix(zeros: rows, size)
        for place in 0..<size { q[place, place] = 1 }
        for step in (0..<size).reversed() { q.reflect(reflectors[step], from: 0) }
        var r = Matrix(zeros: size, columns)
        for row in 0..<size {
            for column in row..<columns { r[row, column] = work[row, column] }
        }
        for place in 0..<size where r[place, place] < 0 {
            r.scaleRow(place, by: -1)
            q.scaleColumn(place, by: -1)
        }
        self.q = q
        self.r = r
    }
}

/// The unit vector v for which I - 2 v v' clears what is below `first` of the column; zeros where nothing is.
func reflector(_ column: [Double], from first: Int) -> [Double] {
    var v = column
    for row in 0..<first { v[row] = 0 }
    let scale = v.reduce(0) { max($0, abs($1)) }
    guard scale > 0, first < v.count else { return v.map { _ in 0 } }
    v = v.map { $0 / scale }
    let length = dot(v[...], v[...]).squareRoot()
    v[first] += v[first] < 0 ? -length : length
    let norm = dot(v[...], v[...]).squareRoot()
    return v.map { $0 / norm }
}

extension Matrix {
    /// Multiplies the columns from `first` on by I - 2 v v' from the left.
    mutating func reflect(_ v: [Double], from first: Int) {
        for column in first..<max(columns, first) {
            let sum = 2 * (0..<rows).reduce(0) { $0 + v[$1] * self[$1, column] }
            for row in 0..<rows { self[row, column] -= sum * v[row] }
        }
    }

    /// Multiplies by I - 2 v v' from the right.
    mutating func reflectFromRight(_ v: [Double]) {
        for row in 0..<rows {
            let sum = 2 * (0..<columns).reduce(0) { $0 + self[row, $1] * v[$1] }
            for column in 0..<columns { self[row, column] -= sum * v[column] }
        }
    }
}
