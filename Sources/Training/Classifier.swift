package import ComputeGraph
internal import Essentials

/// A model that gives each sample a score per class, for any batch size.
package struct Classifier: Sendable {
    package let name: String
    /// The shape of one sample.
    package let sampleShape: Shape
    package let classCount: Int
    private let scores: @Sendable (ValueID, inout GraphBuilder) throws(GraphError) -> ValueID

    /// `scores` adds the model to a builder: from samples `[batch] + sampleShape` to `[batch, classCount]`.
    package init(
        name: String, sampleShape: Shape, classCount: Int,
        scores: @escaping @Sendable (ValueID, inout GraphBuilder) throws(GraphError) -> ValueID
    ) {
        self.name = name
        self.sampleShape = sampleShape
        self.classCount = classCount
        self.scores = scores
    }

    /// Samples in, scores out.
    package func scoreGraph(batchSize: Int) throws(GraphError) -> Graph {
        var builder = GraphBuilder()
        let samples = builder.input("samples", sampleType(batchSize))
        let scores = try scores(samples, &builder)
        return builder.build(outputs: [scores])
    }

    /// Samples and labels in; the loss, and its gradient by every parameter in the graph's order, out.
    package func gradientGraph(batchSize: Int) throws(GraphError) -> Graph {
        var builder = GraphBuilder()
        let samples = builder.input("samples", sampleType(batchSize))
        let labels = builder.input("labels", .int64(batchSize))
        let scores = try scores(samples, &builder)
        let loss = try builder.crossEntropy(of: scores, against: labels)
        let graph = builder.build(outputs: [loss])
        return try graph.gradients(of: loss, by: graph.parameters)
    }

    private func sampleType(_ batchSize: Int) -> TensorType {
        TensorType(.float32, Shape([batchSize] + sampleShape.extents))
    }
}

extension Graph {
    /// First values for all parameters: He's normal distribution for weights, ones for scales and variances, zeros
    /// for the rest.
    ///
    /// Each parameter draws from a stream of its own, named after it, so that adding one moves no other.
    /// Reference: https://arxiv.org/abs/1502.01852
    package func initialParameters(seed: UInt64) -> [String: HostTensor] {
        var values: [String: HostTensor] = [:]
        for id in parameters {
            values[name(of: id)] = initialParameter(name(of: id), type(of: id), seed: seed)
        }
        return values
    }

    private func initialParameter(_ name: String, _ type: TensorType, seed: UInt64) -> HostTensor {
        let count = type.shape.count
        if name.hasSuffix(".scale") || name.hasSuffix(".variance") {
            return HostTensor(type, doubles: [Double](repeating: 1, count: count))
        }
        guard type.shape.rank >= 2 else { return HostTensor(zeros: type) }
        // Of a matrix [inputs, outputs] the inputs; of filters [filters, channels, ...] all but the filters.
        let outputs = type.shape.rank == 2 ? type.shape[1] : type.shape[0]
        let deviation = (2 / Double(max(1, count / max(1, outputs)))).squareRoot()
        var random = SeededGenerator(seed: seed, purpose: name)
        return HostTensor(type, doubles: (0..<count).map { _ in deviation * random.normal() })
    }
}
