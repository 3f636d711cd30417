import BenchmarkSuite
import Essentials
import TestSupport
import Testing

@Suite("Ridge regression")
struct ModelsRidgeTests {
    /// (X Xᵀ + 1) a = y is ((2, -1), (-1, 2)) a = (1/2, -1/2), so a = (1/6, -1/6) and the weight is 1/3.
    @Test func `two samples of one feature, by hand`() throws {
        let fit = try RidgeRegression(rows: [[1], [-1]], labels: [0, 1], classes: 2, ridge: 1)

        #expect(zip(fit.weights, [1.0 / 3, -1.0 / 3]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(zip(fit.bias, [0.5, 0.5]).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test(arguments: propertySeeds)
    func `moving and scaling a feature changes no score`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (width, classes) = (2 + random.below(20), 2 + random.below(4))
        let rows = (0..<classes * (2 + random.below(5))).map { _ in
            (0..<width).map { _ in Float(random.normal()) }
        }
        let labels = rows.indices.map { $0 % classes }
        let factors = (0..<width).map { _ in Float(sign: .plus, exponent: random.below(9) - 4, significand: 1)
        }
        let moved = rows.map { row in zip(row, factors).map { ($0 + 2) * $1 } }

        let plain = try RidgeRegression(rows: rows, labels: labels, classes: classes, ridge: 0.1)
        let other = try RidgeRegression(rows: moved, labels: labels, classes: classes, ridge: 0.1)

        for (row, movedRow) in zip(rows, moved) {
            let (expected, found) = (scores(plain, row), scores(other, movedRow))
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 })
            // The targets of each sample sum to 1, and so do the scores.
            #expect(abs(expected.reduce(0, +) - 1) < 1e-9)
        }
    }

    @Test func `a system without a solution is an error with a next step`() throws {
        #expect {
            try RidgeRegression(rows: [[1], [1]], labels: [0, 1], classes: 2, ridge: 0)
        } throws: { error in
            (error as? Failure)?.nextStep == "Use a larger ridge."
        }
    }

    private func scores(_ fit: RidgeRegression, _ row: [Float]) -> [Double] {
        fit.bias.indices.map { label in
            row.indices.reduce(fit.bias[label]) {
                $0 + Double(row[$1]) * fit.weights[$1 * fit.bias.count + label]
            }
        }
    }
}
