internal import ComputeGraph

/// The shape of a residual network of bottleneck blocks, with ResNet-50 (v1.5: the 3x3 convolution strides) as the
/// default.
package struct ResidualNetwork: Hashable, Sendable {
    /// Height and width of the input, `[batch, 3, size, size]`.
    package var size: Int
    /// Blocks of each stage.
    package var depths = [3, 4, 6, 3]
    /// Filters of the stem and of the first stage's inner convolutions; each stage doubles them.
    package var width = 64
    /// Rows of the head.
    package var classes = 1000
    /// The scale that the last normalisation of each block starts its branch with.
    package var branchScale: Float = 0.1

    package init(size: Int) { self.size = size }

    /// The length of the features that the head reads.
    package var featureCount: Int { 4 * width << (depths.count - 1) }

    /// Puts a normalisation behind a convolution; how is the caller's choice.
    typealias Normalize = (inout GraphBuilder, ValueID, _ name: String) throws -> ValueID

    /// From images to features `[batch, featureCount]`.
    func features(of images: ValueID, in builder: inout GraphBuilder, normalize: Normalize) throws -> ValueID
    {
        var x = try builder.convolution(
            images, filters: width, kernel: 7, stride: 2, padding: 3, name: "stem", hasBias: false)
        x = try builder.add(Relu(), [try normalize(&builder, x, "stem.norm")])
        x = try builder.add(MaxPool(kernelShape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]), [x])
        for (stage, depth) in depths.enumerated() {
            for block in 0..<depth {
                x = try bottleneck(
                    x, filters: width << stage, stride: stage > 0 && block == 0 ? 2 : 1, isFirst: block == 0,
                    name: "stage\(stage + 1).block\(block + 1)", in: &builder, normalize)
            }
        }
        return try builder.add(Flatten(), [try builder.add(GlobalAveragePool(), [x])])
    }

    private func bottleneck(
        _ x: ValueID, filters: Int, stride: Int, isFirst: Bool, name: String, in builder: inout GraphBuilder,
        _ normalize: Normalize
    ) throws -> ValueID {
        func step(
            _ x: ValueID, _ filters: Int, _ kernel: Int, _ stride: Int, _ part: String,
            _ builder: inout GraphBuilder
        ) throws -> ValueID {
            let y = try builder.convolution(
                x, filters: filters, kernel: kernel, stride: stride, padding: kernel / 2,
                name: "\(name).\(part)",
                hasBias: false)
            return try normalize(&builder, y, "\(name).\(part).norm")
        }
        let side = isFirst ? try step(x, 4 * filters, 1, stride, "side", &builder) : x
        var y = try builder.add(Relu(), [try step(x, filters, 1, 1, "narrow", &builder)])
        y = try builder.add(Relu(), [try step(y, filters, 3, stride, "middle", &builder)])
        y = try step(y, 4 * filters, 1, 1, Self.branchEnd, &builder)
        return try builder.add(Relu(), [try builder.add(Add(), [y, side])])
    }

    /// The last part of a branch; its normalisation takes `branchScale`.
    static let branchEnd = "widen"
}
