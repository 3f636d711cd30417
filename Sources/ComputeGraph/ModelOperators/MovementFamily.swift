extension ModelOperatorFamilies {
    /// Making, moving, choosing and folding elements.
    static let movement: [any ModelOperator.Type] = [
        NonZero.self,
        Reshape.self,
    ]
}
