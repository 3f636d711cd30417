extension ModelOperatorFamilies {
    /// Conversion between element types, quantization, and text.
    static let types: [any ModelOperator.Type] = [
        BitCast.self,
        Cast.self,
        CastLike.self,
        ConvInteger.self,
        DequantizeLinear.self,
        DynamicQuantizeLinear.self,
        MatMulInteger.self,
        QLinearConv.self,
        QLinearMatMul.self,
        QuantizeLinear.self,
        RegexFullMatch.self,
        StringConcat.self,
        StringNormalizer.self,
        StringSplit.self,
        TfIdfVectorizer.self,
    ]
}
