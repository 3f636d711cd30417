internal import COpenBLAS
internal import Essentials

/// A linear layer fitted to labelled features: least squares on one-hot targets with a ridge.
package struct RidgeRegression {
    /// `[features, classes]`, row by row.
    package private(set) var weights: [Double]
    /// One for each class.
    package private(set) var bias: [Double]

    /// Fits to rows of equal length, one label each.
    ///
    /// Features are centred and scaled to variance 1 first, and both go into the result. The system that is solved has
    /// as many unknowns as there are rows, so few rows of many features are cheap. `ridge` is a part of the scaled rows'
    /// mean squared length. One thread does it; the last bits may still differ between processors.
    package init(rows: [[Float]], labels: [Int], classes: Int, ridge: Double) throws {
        precondition(rows.count == labels.count && !rows.isEmpty, "each row has a label")
        let features = StandardizedFeatures(rows)
        let share = labels.reduce(into: [Double](repeating: 0, count: classes)) {
            $0[$1] += 1 / Double(rows.count)
        }
        var targets = (0..<classes).flatMap { label in labels.map { ($0 == label ? 1 : 0) - share[label] } }
        try features.solve(&targets, classes: classes, ridge: ridge)
        var weights = features.combined(targets, classes: classes)
        var bias = share
        for feature in 0..<features.width {
            for label in 0..<classes {
                weights[feature * classes + label] *= features.factors[feature]
                bias[label] -= features.means[feature] * weights[feature * classes + label]
            }
        }
        (self.weights, self.bias) = (weights, bias)
    }
}

/// Rows of features, each feature of mean 0 and variance 1.
private struct StandardizedFeatures {
    let count: Int
    let width: Int
    let means: [Double]
    let factors: [Double]
    /// Row by row, `count` times `width` of them.
    private let values: [Double]

    init(_ rows: [[Float]]) {
        let (count, width) = (rows.count, rows[0].count)
        var means = [Double](repeating: 0, count: width)
        for row in rows {
            for (feature, value) in row.enumerated() { means[feature] += Double(value) / Double(count) }
        }
        var values = rows.flatMap { row in row.enumerated().map { Double($0.element) - means[$0.offset] } }
        var variances = [Double](repeating: 0, count: width)
        for (place, value) in values.enumerated() {
            variances[place % width] += value * value / Double(count)
        }
        // A feature that hardly moves is not blown up.
        let least = max(1e-6 * (variances.max() ?? 0), .leastNormalMagnitude)
        let factors = variances.map { 1 / max($0, least).squareRoot() }
        for place in values.indices { values[place] *= factors[place % width] }
        (self.count, self.width, self.means, self.factors, self.values) = (
            count, width, means, factors, values
        )
    }

    /// Replaces the targets, `[classes, count]`, by the coefficients of the rows.
    ///
    /// They solve (X Xᵀ + ridge) a = y for each class.
    func solve(_ targets: inout [Double], classes: Int, ridge: Double) throws {
        let size = blasint(count)
        var gram = [Double](repeating: 0, count: count * count)
        if let trouble = unsafe copenblas_open() {
            throw Failure(
                "The last layer cannot be fitted without OpenBLAS: \(unsafe String(cString: trouble)).",
                nextStep: "Install the package libopenblas0.", exitCode: .setupMissing)
        }
        unsafe copenblas_dsyrk(size, blasint(width), values, &gram)
        let trace = (0..<count).reduce(0) { $0 + gram[$1 * count + $1] }
        for row in 0..<count { gram[row * count + row] += ridge * trace / Double(count) }
        // What is the upper half row by row is the lower half column by column.
        let result = unsafe copenblas_dposv(size, blasint(classes), &gram, &targets)
        guard result == 0 else {
            throw Failure(
                "The last layer cannot be fitted: its system is not positive definite at row \(result).",
                nextStep: "Use a larger ridge.")
        }
    }

    /// The weights, `[width, classes]`, that coefficients `[classes, count]` of the rows stand for.
    func combined(_ coefficients: [Double], classes: Int) -> [Double] {
        var result = [Double](repeating: 0, count: width * classes)
        unsafe copenblas_dgemm(
            CblasTrans, CblasTrans, blasint(width), blasint(classes), blasint(count), values, blasint(width),
            coefficients, blasint(count), &result, blasint(classes))
        return result
    }
}
