extension ModelOperatorFamilies {
    /// Conversion between element types, quantization, and text.
    static let types: [any ModelOperator.Type] = []
}
