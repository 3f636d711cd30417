extension ModelOperatorFamilies {
    /// Arithmetic, comparison, logic and activations, element by element.
    static let elementwise: [any ModelOperator.Type] = [
        Add.self,
        Relu.self,
    ]
}
