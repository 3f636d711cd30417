internal import ComputeGraph

extension Classifier {
    /// The digits classifier of one hidden layer: 64 pixels, 128 units, 10 classes.
    package static let digitsPerceptron = digits("digits-perceptron") { samples, builder throws(GraphError) in
        let pixels = try builder.add(Flatten(), [samples])
        let hidden = try builder.add(Relu(), [try builder.linear(pixels, outputs: 128, name: "hidden")])
        return try builder.linear(hidden, outputs: DigitsDataset.classCount, name: "classes")
    }

    /// A small convolutional network: two convolutions, each halved by pooling, and a layer on top.
    package static let digitsConvolutional = digits("digits-convolutional") {
        samples, builder throws(GraphError) in
        let halving = MaxPool(kernelShape: [2, 2], strides: [2, 2])
        var x = try builder.convolution(samples, filters: 16, kernel: 3, padding: 1, name: "first")
        x = try builder.add(halving, [try builder.add(Relu(), [x])])
        x = try builder.convolution(x, filters: 32, kernel: 3, padding: 1, name: "second")
        x = try builder.add(halving, [try builder.add(Relu(), [x])])
        let features = try builder.add(Flatten(), [x])
        return try builder.linear(features, outputs: DigitsDataset.classCount, name: "classes")
    }

    private static func digits(
        _ name: String,
        scores: @escaping @Sendable (ValueID, inout GraphBuilder) throws(GraphError) -> ValueID
    ) -> Classifier {
        Classifier(
            name: name, sampleShape: [1, DigitsDataset.side, DigitsDataset.side],
            classCount: DigitsDataset.classCount, scores: scores)
    }
}
