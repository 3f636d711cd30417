#if canImport(Glibc)
internal import Glibc
#endif

/// A complex number of two doubles.
struct ComplexDouble {
    var real: Double
    var imaginary: Double

    init(_ real: Double, _ imaginary: Double = 0) {
        self.real = real
        self.imaginary = imaginary
    }

    var conjugate: Self { Self(real, -imaginary) }
    var magnitude: Double { hypot(real, imaginary) }

    static func + (a: Self, b: Self) -> Self { Self(a.real + b.real, a.imaginary + b.imaginary) }
    static func - (a: Self, b: Self) -> Self { Self(a.real - b.real, a.imaginary - b.imaginary) }
    static func * (a: Self, b: Self) -> Self {
        Self(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real)
    }
    static func * (a: Double, b: Self) -> Self { Self(a * b.real, a * b.imaginary) }
    static func / (a: Self, b: Self) -> Self {
        // Scaled by the larger part, so that the square of the divisor neither overflows nor vanishes.
        let scale = max(abs(b.real), abs(b.imaginary))
        let (x, y) = (b.real / scale, b.imaginary / scale)
        let norm = scale * (x * x + y * y)
        return Self((a.real * x + a.imaginary * y) / norm, (a.imaginary * x - a.real * y) / norm)
    }

    var squareRoot: Self {
        guard magnitude > 0 else { return self }
        let real = ((magnitude + abs(self.real)) / 2).squareRoot()
        let other = abs(imaginary) / (2 * real)
        let sign = imaginary < 0 ? -1.0 : 1
        return self.real >= 0 ? Self(real, sign * other) : Self(other, sign * real)
    }
}

/// The eigenvalues of a real matrix and unit eigenvectors, by the QR iteration on its complex Hessenberg form.
///
/// The values rise by their real part, then by their imaginary part; the deciding entry of each vector is real and
/// positive. Pairs are exactly conjugate. The values are NaN where the iteration does not converge.
struct GeneralEigen {
    private(set) var values: [ComplexDouble]
    /// One vector for each value.
    private(set) var vectors: [[ComplexDouble]]

    init(_ matrix: Matrix) {
        // Squares of what is scaled to 1 neither overflow nor vanish.
        let scale = matrix.largest > 0 ? matrix.largest : 1
        var form = SchurForm(Matrix(matrix.rows, matrix.rows, matrix.elements.map { $0 / scale }))
        guard form.reduce() else {
            let nothing = [ComplexDouble](repeating: ComplexDouble(.nan, .nan), count: matrix.rows)
            values = nothing
            vectors = nothing.map { _ in nothing }
            return
        }
        values = form.values.map { scale * $0 }
        vectors = (0..<matrix.rows).map { form.vector($0) }
        let tolerance = 16 * Double(matrix.rows) * 0x1p-52 * matrix.largest
        makeConjugate(tolerance: tolerance)
        let order = values.indices.sorted {
            (values[$0].real, values[$0].imaginary, $0) < (values[$1].real, values[$1].imaginary, $1)
        }
        (values, vectors) = (order.map { values[$0] }, order.map { vectors[$0] })
    }

    /// Values that are real up to rounding become real, and each other takes the nearest of the other sign along.
    private mutating func makeConjugate(tolerance: Double) {
        var isOpen = values.map { abs($0.imaginary) > tolerance }
        for place in values.indices where !isOpen[place] { values[place].imaginary = 0 }
        for place in values.indices where isOpen[place] && values[place].imaginary > 0 {
            let wanted = values[place].conjugate
            let partners = values.indices.filter { isOpen[$0] && values[$0].imaginary < 0 }
            let nearest = partners.min {
                (values[$0] - wanted).magnitude < (values[$1] - wanted).magnitude
            }
            guard let nearest else { continue }
            isOpen[place] = false
            isOpen[nearest] = false
            values[nearest] = wanted
            vectors[nearest] = vectors[place].map(\.conjugate)
        }
    }
}

/// The triangular T and unitary Z of A = Z T Z', in complex numbers.
private struct SchurForm {
    private var t: [[ComplexDouble]]
    private var z: [[ComplexDouble]]
    private let size: Int

    init(_ matrix: Matrix) {
        size = matrix.rows
        var hessenberg = matrix
        var basis = Matrix(identity: size)
        for step in 0..<max(size - 2, 0) {
            let vector = reflector(hessenberg.column(step), from: step + 1)
            hessenberg.reflect(vector, from: 0)
            hessenberg.reflectFromRight(vector)
            basis.reflectFromRight(vector)
            for row in (step + 2)..<size { hessenberg[row, step] = 0 }
        }
        let size = size
        func complex(_ matrix: Matrix) -> [[ComplexDouble]] {
            (0..<size).map { row in (0..<size).map { ComplexDouble(matrix[row, $0]) } }
        }
        t = complex(hessenberg)
        z = complex(basis)
    }

    var values: [ComplexDouble] { (0..<size).map { t[$0][$0] } }

    /// Makes T triangular; false where that does not converge.
    mutating func reduce() -> Bool {
        var last = size - 1
        var iterations = 0
        while last > 0 {
            let first = startOfBlock(endingAt: last)
            if first == last {
                last -= 1
                iterations = 0
                continue
            }
            iterations += 1
            if iterations > 300 { return false }
            // Now and then a shift from outside, in case the iteration goes round in a circle.
            let shift =
                iterations % 10 == 0
                ? t[last][last] + ComplexDouble(t[last][last - 1].magnitude) : wilkinsonShift(last)
            step(first, last, shift)
        }
        return true
    }

    /// The first row of the block that ends at `last` and that no zero below the diagonal parts.
    private mutating func startOfBlock(endingAt last: Int) -> Int {
        var first = last
        while first > 0 {
            let sum = t[first][first].magnitude + t[first - 1][first - 1].magnitude
            let limit = 0x1p-53 * (sum > 0 ? sum : t[first - 1][first].magnitude)
            if t[first][first - 1].magnitude <= max(limit, .leastNormalMagnitude) {
                t[first][first - 1] = ComplexDouble(0)
                return first
            }
            first -= 1
        }
        return 0
    }

    /// The eigenvalue of the last two rows and columns that is nearer to the last element.
    private func wilkinsonShift(_ last: Int) -> ComplexDouble {
        let (a, b) = (t[last - 1][last - 1], t[last - 1][last])
        let (c, d) = (t[last][last - 1], t[last][last])
        let half = 0.5 * (a - d)
        let root = (half * half + b * c).squareRoot
        let (one, other) = (half + root, half - root)
        return d + (one.magnitude < other.magnitude ? one : other)
    }

    /// One step of the iteration on the rows and columns from `first` to `last`.
    private mutating func step(_ first: Int, _ last: Int, _ shift: ComplexDouble) {
        for place in first...last { t[place][place] = t[place][place] - shift }
        var rotations: [(c: Double, s: ComplexDouble)] = []
        for row in first..<last {
            let rotation = givens(t[row][row], t[row + 1][row])
            rotations.append(rotation)
            for column in row..<size {
                let (x, y) = (t[row][column], t[row + 1][column])
                t[row][column] = rotation.c * x + rotation.s * y
                t[row + 1][column] = rotation.c * y - rotation.s.conjugate * x
            }
        }
        for (offset, rotation) in rotations.enumerated() {
            let column = first + offset
            for row in 0...min(column + 1, last) { turn(&t[row], column, rotation) }
            for row in 0..<size { turn(&z[row], column, rotation) }
        }
        for place in first...last { t[place][place] = t[place][place] + shift }
    }

    private func turn(_ row: inout [ComplexDouble], _ column: Int, _ rotation: (c: Double, s: ComplexDouble))
    {
        let (x, y) = (row[column], row[column + 1])
        row[column] = rotation.c * x + rotation.s.conjugate * y
        row[column + 1] = rotation.c * y - rotation.s * x
    }

    /// The rotation that clears the second of two numbers.
    private func givens(_ a: ComplexDouble, _ b: ComplexDouble) -> (c: Double, s: ComplexDouble) {
        let norm = hypot(a.magnitude, b.magnitude)
        guard norm > 0 else { return (1, ComplexDouble(0)) }
        guard a.magnitude > 0 else { return (0, (1 / b.magnitude) * b.conjugate) }
        let phase = (1 / a.magnitude) * a
        return (a.magnitude / norm, (1 / norm) * (phase * b.conjugate))
    }

    /// The unit eigenvector of a value, its deciding entry real and positive.
    func vector(_ place: Int) -> [ComplexDouble] {
        let largest = t.reduce(0) { $1.reduce($0) { max($0, $1.magnitude) } }
        let smallest = max(0x1p-52 * largest, .leastNormalMagnitude)
        var x = [ComplexDouble](repeating: ComplexDouble(0), count: size)
        x[place] = ComplexDouble(1)
        for row in (0..<place).reversed() {
            var sum = ComplexDouble(0)
            for column in (row + 1)...place { sum = sum + t[row][column] * x[column] }
            var divisor = t[place][place] - t[row][row]
            if divisor.magnitude < smallest { divisor = ComplexDouble(smallest) }
            x[row] = sum / divisor
            // A nearly defective matrix makes entries grow without bound.
            if x[row].magnitude > 1e100 { x = x.map { 1e-100 * $0 } }
        }
        let entries = (0..<size).map { row in
            (0...place).reduce(ComplexDouble(0)) { $0 + z[row][$1] * x[$1] }
        }
        return ComplexDouble.unit(entries)
    }
}

extension ComplexDouble {
    /// The vector divided by its length and turned until its deciding entry is real and positive.
    static func unit(_ vector: [ComplexDouble]) -> [ComplexDouble] {
        let largest = vector.reduce(0) { max($0, $1.magnitude) }
        guard largest > 0, largest.isFinite else { return vector }
        let scaled = vector.map { (1 / largest) * $0 }
        let norm = scaled.reduce(0) { $0 + $1.magnitude * $1.magnitude }.squareRoot()
        let magnitudes = scaled.map(\.magnitude)
        guard let entry = decidingEntry(of: magnitudes) else { return vector }
        let turn = (1 / (magnitudes[entry] * norm)) * scaled[entry].conjugate
        var result = scaled.map { turn * $0 }
        result[entry].imaginary = 0
        return result
    }
}
