extension ModelOperatorFamilies {
    /// Convolution, pooling, normalization, losses and resampling.
    static let neural: [any ModelOperator.Type] = []
}
