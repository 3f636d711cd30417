extension ModelOperatorFamilies {
    /// Control flow, sequences, recurrence, attention, signals and training.
    static let sequential: [any ModelOperator.Type] = [
        If.self,
        Loop.self,
        Scan.self,
        SequenceMap.self,

        SequenceAt.self,
        SequenceConstruct.self,
        SequenceEmpty.self,
        SequenceErase.self,
        SequenceInsert.self,
        SequenceLength.self,
        SplitToSequence.self,
        ConcatFromSequence.self,
        OptionalOperator.self,
        OptionalGetElement.self,
        OptionalHasElement.self,

        RNN.self,
        GRU.self,
        LSTM.self,

        Attention.self,
        FlexAttention.self,
        LinearAttention.self,
        RotaryEmbedding.self,

        DFT.self,
        STFT.self,
        HannWindow.self,
        HammingWindow.self,
        BlackmanWindow.self,
        MelWeightMatrix.self,

        Adam.self,
        Adagrad.self,
        Momentum.self,
        Gradient.self,
    ]
}
