/// A dense matrix in double precision, row by row: what the references of linear algebra compute on.
struct Matrix {
    let rows: Int
    let columns: Int
    private(set) var elements: [Double]

    init(_ rows: Int, _ columns: Int, _ elements: [Double]) {
        precondition(elements.count == rows * columns, "the elements fill the matrix")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    init(zeros rows: Int, _ columns: Int) {
        self.init(rows, columns, [Double](repeating: 0, count: rows * columns))
    }

    init(identity size: Int) {
        self.init(zeros: size, size)
        for place in 0..<size { self[place, place] = 1 }
    }

    subscript(row: Int, column: Int) -> Double {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    var transposed: Matrix {
        Matrix(columns, rows, elements.transposedMatrix(from: 0, rows: rows, columns: columns))
    }

    var isFinite: Bool { elements.allSatisfy(\.isFinite) }

    /// The largest magnitude of an element.
    var largest: Double { elements.reduce(0) { max($0, abs($1)) } }

    func times(_ other: Matrix) -> Matrix {
        var result = [Double](repeating: 0, count: rows * other.columns)
        for row in 0..<rows {
            for term in 0..<columns {
                result.add(
                    self[row, term], times: other.elements, from: term * other.columns, step: 1,
                    count: other.columns, at: row * other.columns)
            }
        }
        return Matrix(rows, other.columns, result)
    }

    func column(_ column: Int) -> [Double] { (0..<rows).map { self[$0, column] } }

    mutating func scaleColumn(_ column: Int, by factor: Double) {
        for row in 0..<rows { self[row, column] *= factor }
    }

    mutating func scaleRow(_ row: Int, by factor: Double) {
        for column in 0..<columns { self[row, column] *= factor }
    }

    mutating func swapRows(_ first: Int, _ second: Int) {
        guard first != second else { return }
        for column in 0..<columns {
            elements.swapAt(first * columns + column, second * columns + column)
        }
    }

    /// The columns in the order of the list.
    func columns(_ order: [Int]) -> Matrix {
        var result = Matrix(zeros: rows, order.count)
        for (place, source) in order.enumerated() {
            for row in 0..<rows { result[row, place] = self[row, source] }
        }
        return result
    }

    /// Turns two columns into each other: `(x, y)` becomes `(c x - s y, s x + c y)`.
    mutating func rotateColumns(_ first: Int, _ second: Int, cosine: Double, sine: Double) {
        for row in 0..<rows {
            let (x, y) = (self[row, first], self[row, second])
            self[row, first] = cosine * x - sine * y
            self[row, second] = sine * x + cosine * y
        }
    }

    mutating func rotateRows(_ first: Int, _ second: Int, cosine: Double, sine: Double) {
        for column in 0..<columns {
            let (x, y) = (self[first, column], self[second, column])
            self[first, column] = cosine * x - sine * y
            self[second, column] = sine * x + cosine * y
        }
    }
}

/// The share of the largest magnitude from which on an entry may decide a vector's sign: rounding must not choose
/// between equal ones.
package let decidingShare = 0.999

/// The entry that decides the sign or the phase of a vector: the first of the largest, up to `decidingShare`.
func decidingEntry(of magnitudes: [Double]) -> Int? {
    let largest = magnitudes.max() ?? 0
    return magnitudes.firstIndex { $0 >= decidingShare * largest }
}

/// The cosine and sine of the rotation that makes the symmetric `[[a, b], [b, d]]` diagonal.
func jacobiRotation(_ a: Double, _ b: Double, _ d: Double) -> (cosine: Double, sine: Double) {
    let zeta = (d - a) / (2 * b)
    let tangent =
        abs(zeta) > 1e150
        ? 1 / (2 * zeta) : (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
    let cosine = 1 / (1 + tangent * tangent).squareRoot()
    return (cosine, tangent * cosine)
}
