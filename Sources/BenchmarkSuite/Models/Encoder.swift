internal import ComputeGraph

/// The shape of an encoder as BERT has it, over int64 tokens `[batch, length]`.
package struct Encoder: Hashable, Sendable {
    package var layers = 4
    package var width = 256
    package var heads = 4
    /// The width inside each block's two-layer network.
    package var hidden = 1024
    /// Tokens of one sample.
    package var length = 128
    package var vocabulary = 4096
    /// What the last weights of each branch are multiplied by.
    package var branchScale: Float = 0.3

    package init() {}

    /// From tokens to features `[batch, width]`: the mean over all positions.
    func features(of tokens: ValueID, in builder: inout GraphBuilder) throws -> ValueID {
        let words = try builder.embedding(tokens, rows: vocabulary, width: width, name: "words")
        let positions = builder.parameter("positions.weight", .float32(length, width))
        var x = try builder.add(Add(), [words, positions])
        x = try builder.layerNormalization(x, name: "words.norm")
        for layer in 1...layers {
            x = try builder.encoderBlock(x, heads: heads, hidden: hidden, name: "layer\(layer)")
        }
        return try builder.add(ReduceMean(axes: [1], keepDims: false), [x], name: "features")
    }

    /// Whether a weight matrix is the last of a residual branch.
    static func endsBranch(_ parameter: String) -> Bool {
        parameter.hasSuffix(".attention.output.weight") || parameter.hasSuffix(".down.weight")
    }
}
