extension ModelOperatorFamilies {
    /// Trees, linear models, encoders and linear algebra.
    static let machineLearning: [any ModelOperator.Type] = []
}
