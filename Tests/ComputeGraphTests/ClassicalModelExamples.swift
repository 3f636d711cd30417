import ComputeGraph

private let nan = Double.nan
private let half = Float(0.5).squareRoot()

private func forest(leaves: [[DecisionForest.Vote]], targets: Int) -> DecisionForest {
    let branch = DecisionForest.Branch(
        .atMost, feature: 0, threshold: 0.5, ifTrue: .leaf(0), ifFalse: .leaf(1))
    do {
        return try DecisionForest(roots: [.branch(0)], branches: [branch], leaves: leaves, targets: targets)
    } catch {
        preconditionFailure("one branch and two leaves are a tree: \(error)")
    }
}

/// Operators of the machine-learning domain and of linear algebra.
extension OperatorExampleTests {
    static let classicalModels = [
        Example(Scaler(offset: [1, 2], scale: [10, 0.5]), [t([1, 2], 3, 4)], t([1, 2], 20, 1)),
        Example(Normalizer(.euclidean), [t([1, 2], 3, -4)], t([1, 2], 0.6, -0.8)),
        Example(Binarizer(threshold: 0.5), [t([3], 0.5, 0.6, .nan)], t([3], 0, 1, 0)),
        Example(
            Imputer(replaced: .fraction(nan), imputed: [.fraction(7)]), [t([2], 1, .nan)], t([2], 1, 7)),
        Example(
            FeatureVectorizer(widths: [1, 2]), [t([1, 2], 1, 2), t([1, 1], 5)], t([1, 3], 1, 5, 0)),
        Example(OneHotEncoder(categories: [4, 5]), [i([2], 5, 9)], t([2, 2], 0, 1, 0, 0)),
        Example(
            LabelEncoder(
                keys: [.whole(4)], values: [.fraction(0.5)], defaultValue: .fraction(-1), keyElement: .int64,
                valueElement: .float32), [i([2], 4, 5)], t([2], 0.5, -1)),
        Example(
            LinearRegressor(coefficients: [1, 10], intercepts: [0.5]), [t([1, 2], 1, 2)], t([1, 1], 21.5)),
        Example(
            LinearClassifier(coefficients: [1, 0, 0, 1], classes: ClassLabels(labels: [7, 9])),
            [t([1, 2], 1, 2)], i([1], 9), t([1, 2], 1, 2)),
        Example(
            SVMRegressor(
                SupportVectorKernel(.linear), vectors: [1, 2], vectorCount: 2, coefficients: [3, 4], rho: 1),
            [t([1, 1], 2)], t([1, 1], 23)),
        // The decision 2 * 1 - 1 is for the first class.
        Example(
            SVMClassifier(
                SupportVectorKernel(.linear), vectors: [1, 0], vectorsPerClass: [1, 1], coefficients: [1, 1],
                rho: [-1], classes: ClassLabels(labels: [7, 9])), [t([1, 1], 2)], i([1], 7), t([1, 2], -1, 1)),
        Example(
            TreeEnsemble(
                forest(leaves: [[.init(target: 0, weight: 2)], [.init(target: 0, weight: 3)]], targets: 1),
                targets: 1, base: [10]), [t([2, 1], 0.5, 1)], t([2, 1], 12, 13)),
        Example(
            TreeEnsembleClassifier(
                forest(leaves: [[.init(target: 0, weight: 1)], [.init(target: 1, weight: 1)]], targets: 2),
                classes: ClassLabels(labels: [7, 9])), [t([2, 1], 0.5, 1)], i([2], 7, 9),
            t([2, 2], 1, 0, 0, 1)),
    ]

    static let matrices = [
        Example(Inverse(), [t([2, 2], 4, 3, 6, 3)], t([2, 2], -0.5, 0.5, 1, -2.0 / 3)),
        Example(Solve(), [t([2, 2], 4, 3, 6, 3), t([2, 1], 10, 12)], t([2, 1], 1, 2)),
        Example(LeastSquares(), [t([3, 1], 1, 1, 1), t([3, 1], 1, 2, 6)], t([1, 1], 3)),
        Example(LogDeterminant(), [t([2, 2], 1, 2, 3, 5)], t([], -1), t([], 0)),
        Example(Cholesky(), [t([2, 2], 4, 99, 2, 5)], t([2, 2], 2, 0, 1, 2)),
        Example(QR(), [t([2, 2], 3, 1, -4, 2)], t([2, 2], 0.6, 0.8, -0.8, 0.6), t([2, 2], 5, -1, 0, 2)),
        Example(
            SVD(), [t([2, 2], 0, 2, -3, 0)], t([2, 2], 0, 1, 1, 0), t([2], 3, 2), t([2, 2], -1, 0, 0, 1)),
        Example(MatrixRank(), [t([2, 2, 2], 1, 2, 2, 4, 1, 2, 3, 4)], i([2], 1, 2)),
        Example(Pinverse(), [t([1, 2], 3, 4)], t([2, 1], 0.12, 0.16)),
        Example(Eigh(), [t([2, 2], 2, 99, 1, 2)], t([2], 1, 3), t([2, 2], half, half, -half, half)),
        // A quarter turn has the eigenvalues -i and i.
        Example(
            Eig(), [t([2, 2], 0, -1, 1, 0)], t([2, 2], 0, -1, 0, 1),
            t([2, 2, 2], half, 0, half, 0, 0, half, 0, -half)),
    ]
}
