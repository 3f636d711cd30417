internal import COpenBLAS
internal import ComputeGraph
internal import KernelInterface

/// Eigenvalues and eigenvectors of symmetric matrices; our lower triangle is LAPACK's upper one.
struct EighKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let workSize: Int
    private let integerSize: Int

    init(_ node: NodeSignature) {
        let extents = MatrixExtents(node)
        self.extents = extents
        var integers: blasint = 0
        workSize = unsafe workspaceSize {
            unsafe Element.lapack.syevd(extents.n, nil, nil, $0, -1, &integers, -1)
        }
        integerSize = max(1, Int(integers))
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) { (extents.size + workSize, integerSize) }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let rows = extents.rows
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let values = unsafe tensors.numbers(1) + matrix * rows
        let vectors = unsafe tensors.numbers(2) + matrix * extents.size
        let (columns, work) = unsafe (scratch.take(extents.size), scratch.take(workSize))
        unsafe Dense.copy(a, extents.size, to: columns)
        guard unsafe Dense.isFinite(a, extents.size),
            unsafe Element.lapack.syevd(
                extents.n, columns, values, work, blasint(workSize), scratch.integers, blasint(integerSize))
                == 0
        else {
            unsafe Dense.fill(values, rows, with: .nan)
            return unsafe Dense.fill(vectors, extents.size, with: .nan)
        }
        for place in 0..<rows {
            let vector = unsafe columns + place * rows
            let entry = unsafe Dense.decidingEntry(vector, rows)
            if unsafe vector[entry] < 0 { unsafe Dense.scale(vector, rows, by: -1) }
        }
        unsafe Dense.transpose(columns, rows: rows, columns: rows, to: vectors)
    }
}

/// Complex eigenvalues and eigenvectors of square matrices.
struct EigKernel<Element: LAPACKElement>: MatrixKernel {
    private let extents: MatrixExtents
    private let workSize: Int

    init(_ node: NodeSignature) {
        let extents = MatrixExtents(node)
        self.extents = extents
        workSize = unsafe workspaceSize { unsafe Element.lapack.geev(extents.n, nil, nil, nil, nil, $0, -1) }
    }

    var matrices: Int { extents.count }
    var scratch: (numbers: Int, integers: Int) {
        (2 * extents.size + 4 * extents.rows + workSize, extents.rows)
    }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>) {
        let rows = extents.rows
        let a = unsafe tensors.constants(0) + matrix * extents.size
        let values = unsafe tensors.numbers(1) + matrix * 2 * rows
        let vectors = unsafe tensors.numbers(2) + matrix * 2 * extents.size
        let (columns, found) = unsafe (scratch.take(extents.size), scratch.take(extents.size))
        let (re, im) = unsafe (scratch.take(rows), scratch.take(rows))
        let (x, y) = unsafe (scratch.take(rows), scratch.take(rows))
        let work = unsafe scratch.take(workSize)
        unsafe Dense.transpose(a, rows: rows, columns: rows, to: columns)
        guard unsafe Dense.isFinite(a, extents.size),
            unsafe Element.lapack.geev(extents.n, columns, re, im, found, work, blasint(workSize)) == 0
        else {
            unsafe Dense.fill(values, 2 * rows, with: .nan)
            return unsafe Dense.fill(vectors, 2 * extents.size, with: .nan)
        }
        unsafe sort(scratch.integers, re, im)
        for place in 0..<rows {
            let source = unsafe Int(scratch.integers[place])
            unsafe (values[2 * place], values[2 * place + 1]) = unsafe (re[source], im[source])
            unsafe vector(source, im[source], found, x, y)
            unsafe turn(x, y)
            for row in 0..<rows {
                let target = unsafe vectors + 2 * (row * rows + place)
                unsafe (target[0], target[1]) = unsafe (x[row], y[row])
            }
        }
    }

    /// The places of the eigenvalues by rising real, then imaginary part.
    private func sort(
        _ order: UnsafeMutablePointer<blasint>, _ re: UnsafePointer<Element>, _ im: UnsafePointer<Element>
    ) {
        for place in 0..<extents.rows {
            var hole = place
            while hole > 0 {
                let other = unsafe Int(order[hole - 1])
                guard unsafe (re[other], im[other]) > (re[place], im[place]) else { break }
                unsafe order[hole] = blasint(other)
                hole -= 1
            }
            unsafe order[hole] = blasint(place)
        }
    }

    /// Writes the real and the imaginary part of a vector; of a pair only the first is in the columns.
    private func vector(
        _ place: Int, _ im: Element, _ columns: UnsafePointer<Element>, _ x: UnsafeMutablePointer<Element>,
        _ y: UnsafeMutablePointer<Element>
    ) {
        let rows = extents.rows
        let first = unsafe columns + (im < 0 ? place - 1 : place) * rows
        unsafe Dense.copy(first, rows, to: x)
        if im == 0 { return unsafe Dense.fill(y, rows, with: 0) }
        unsafe Dense.copy(first + rows, rows, to: y)
        if im < 0 { unsafe Dense.scale(y, rows, by: -1) }
    }

    /// Turns a vector until its deciding entry is real and positive.
    private func turn(_ x: UnsafeMutablePointer<Element>, _ y: UnsafeMutablePointer<Element>) {
        let rows = extents.rows
        var largest: Element = 0
        for row in 0..<rows {
            unsafe largest = max(largest, (x[row] * x[row] + y[row] * y[row]).squareRoot())
        }
        for entry in 0..<rows {
            let length = unsafe (x[entry] * x[entry] + y[entry] * y[entry]).squareRoot()
            guard length >= Element(decidingShare) * largest, length > 0 else { continue }
            let (cosine, sine) = unsafe (x[entry] / length, y[entry] / length)
            for row in 0..<rows {
                let (a, b) = unsafe (x[row], y[row])
                unsafe (x[row], y[row]) = (a * cosine + b * sine, b * cosine - a * sine)
            }
            unsafe y[entry] = 0
            return
        }
    }
}
