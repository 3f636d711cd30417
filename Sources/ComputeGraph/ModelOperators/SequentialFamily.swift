extension ModelOperatorFamilies {
    /// Control flow, sequences, recurrence, attention, signals and training.
    static let sequential: [any ModelOperator.Type] = []
}
