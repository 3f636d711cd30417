#if canImport(Glibc)
internal import Glibc
#endif

/// The discrete Fourier transform of rows of one length, in about `n log n` steps for any length.
///
/// Powers of two take Cooley and Tukey's way: transforms of the halves are joined, from pairs upwards. Any other
/// length n becomes a circular convolution whose length is a power of two of at least `2 n - 1`, by Bluestein's
/// identity `j k = (j^2 + k^2 - (k - j)^2) / 2`.
/// References: Cooley and Tukey, https://doi.org/10.1090/S0025-5718-1965-0178586-1; Bluestein,
/// https://doi.org/10.1109/TAU.1970.1162132
struct FourierTransform {
    let length: Int
    private let powerOfTwo: PowerOfTwoTransform
    /// Nil where the length is a power of two.
    private let chirp: Chirp?

    /// `length` is at least 1.
    init(length: Int) {
        self.length = length
        if length & (length - 1) == 0 {
            powerOfTwo = PowerOfTwoTransform(length: length)
            chirp = nil
        } else {
            var padded = 1
            while padded < 2 * length - 1 { padded *= 2 }
            powerOfTwo = PowerOfTwoTransform(length: padded)
            chirp = Chirp(length: length, transform: powerOfTwo)
        }
    }

    /// `sum over j of x[j] exp(-2 pi i j k / n)` for each k, without a factor.
    func forward(_ x: ComplexRow) -> ComplexRow {
        precondition(x.count == length, "a row has the length of its transform")
        guard let chirp else {
            var result = x
            powerOfTwo.forward(&result)
            return result
        }
        return chirp.forward(x, powerOfTwo)
    }

    /// `sum over k of x[k] exp(2 pi i j k / n) / n` for each j.
    func inverse(_ x: ComplexRow) -> ComplexRow {
        // The conjugate of the transform of the conjugate.
        var result = forward(ComplexRow(real: x.real, imaginary: x.imaginary.map(-)))
        for index in 0..<length {
            result.real[index] /= Double(length)
            result.imaginary[index] /= -Double(length)
        }
        return result
    }
}

/// Complex numbers, the two parts apart.
struct ComplexRow {
    var real: [Double]
    var imaginary: [Double]

    var count: Int { real.count }

    init(real: [Double], imaginary: [Double]) {
        self.real = real
        self.imaginary = imaginary
    }

    init(zeros count: Int) {
        self.init(
            real: [Double](repeating: 0, count: count), imaginary: [Double](repeating: 0, count: count))
    }

    subscript(index: Int) -> (real: Double, imaginary: Double) {
        get { (real[index], imaginary[index]) }
        set { (real[index], imaginary[index]) = newValue }
    }
}

private func product(
    _ left: (real: Double, imaginary: Double), _ right: (real: Double, imaginary: Double)
) -> (real: Double, imaginary: Double) {
    (
        left.real * right.real - left.imaginary * right.imaginary,
        left.real * right.imaginary + left.imaginary * right.real
    )
}

/// The transform of rows whose length is a power of two, in place.
private struct PowerOfTwoTransform {
    let length: Int
    /// `exp(-2 pi i k / n)` for k below n / 2.
    private let roots: ComplexRow

    init(length: Int) {
        self.length = length
        let angles = (0..<length / 2).map { -2 * Double.pi * Double($0) / Double(length) }
        roots = ComplexRow(real: angles.map { cos($0) }, imaginary: angles.map { sin($0) })
    }

    func forward(_ x: inout ComplexRow) {
        reorder(&x)
        var half = 1
        while half < length {
            let stride = length / (2 * half)
            for block in Swift.stride(from: 0, to: length, by: 2 * half) {
                for place in 0..<half {
                    let (even, odd) = (
                        x[block + place], product(roots[place * stride], x[block + half + place])
                    )
                    x[block + place] = (even.real + odd.real, even.imaginary + odd.imaginary)
                    x[block + half + place] = (even.real - odd.real, even.imaginary - odd.imaginary)
                }
            }
            half *= 2
        }
    }

    /// Moves each element to the place whose number has the bits of its own in reverse.
    private func reorder(_ x: inout ComplexRow) {
        var reversed = 0
        for index in 0..<length {
            if index < reversed {
                x.real.swapAt(index, reversed)
                x.imaginary.swapAt(index, reversed)
            }
            var bit = length >> 1
            while bit > 0, reversed & bit != 0 {
                reversed ^= bit
                bit >>= 1
            }
            reversed |= bit
        }
    }
}

/// Bluestein's way for a length that is no power of two.
private struct Chirp {
    /// `exp(-pi i k^2 / n)` for each k.
    private let factors: ComplexRow
    /// The transform of the conjugate factors, wrapped around.
    private let kernel: ComplexRow

    init(length: Int, transform: PowerOfTwoTransform) {
        var factors = ComplexRow(zeros: length)
        var wrapped = ComplexRow(zeros: transform.length)
        // The square modulo 2 n, so that the angle stays small and exact.
        var square = 0
        for index in 0..<length {
            let angle = -Double.pi * Double(square) / Double(length)
            factors[index] = (cos(angle), sin(angle))
            let conjugate = (factors.real[index], -factors.imaginary[index])
            wrapped[index] = conjugate
            if index > 0 { wrapped[transform.length - index] = conjugate }
            square = (square + 2 * index + 1) % (2 * length)
        }
        transform.forward(&wrapped)
        self.factors = factors
        kernel = wrapped
    }

    func forward(_ x: ComplexRow, _ transform: PowerOfTwoTransform) -> ComplexRow {
        var padded = ComplexRow(zeros: transform.length)
        for index in 0..<x.count { padded[index] = product(x[index], factors[index]) }
        transform.forward(&padded)
        // The inverse transform is the conjugate of that of the conjugate.
        for index in 0..<padded.count {
            let value = product(padded[index], kernel[index])
            padded[index] = (value.real, -value.imaginary)
        }
        transform.forward(&padded)
        var result = ComplexRow(zeros: x.count)
        for index in 0..<x.count {
            let value = (
                padded.real[index] / Double(padded.count), -padded.imaginary[index] / Double(padded.count)
            )
            result[index] = product(value, factors[index])
        }
        return result
    }
}
