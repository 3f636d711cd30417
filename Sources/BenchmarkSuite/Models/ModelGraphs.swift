package import ComputeGraph

/// The graphs of a model: the same layers with another end or another normalisation.
extension ModelSpecification {
    /// One input of the given batch.
    package func inputType(batch: Int) -> TensorType {
        switch architecture {
        case .residual(let network): .float32(batch, 3, network.size, network.size)
        case .encoder(let encoder): .int64(batch, encoder.length)
        }
    }

    /// The length of the features that the head reads.
    package var featureCount: Int {
        switch architecture {
        case .residual(let network): network.featureCount
        case .encoder(let encoder): encoder.width
        }
    }

    /// The model with its batch normalisations, from samples to scores `[batch, classes]`.
    package func graph(batch: Int) throws -> Graph {
        var builder = GraphBuilder()
        let x = try features(in: &builder, batch: batch) { builder, x, name in
            try builder.batchNormalization(x, name: name)
        }
        let scores = try builder.linear(x, outputs: classes, name: Self.head)
        return builder.build(outputs: [scores])
    }

    /// The model without its head, from samples to features `[batch, featureCount]`.
    func featureGraph(batch: Int) throws -> Graph {
        var builder = GraphBuilder()
        let x = try features(in: &builder, batch: batch) { builder, x, name in
            try builder.batchNormalization(x, name: name)
        }
        return builder.build(outputs: [x])
    }

    /// A graph whose normalisations use the statistics of the very batch, which are its outputs, and the names of
    /// the parameters that each output is a value for.
    ///
    /// Each layer's statistics so follow from those before it, all in one run.
    func calibrationGraph(batch: Int) throws -> (graph: Graph, names: [String]) {
        var builder = GraphBuilder()
        var (outputs, names): ([ValueID], [String]) = ([], [])
        _ = try features(in: &builder, batch: batch) { builder, x, name in
            let measured = try builder.normalizationByBatch(x, name: name)
            outputs += [measured.mean, measured.variance]
            names += ["\(name).mean", "\(name).variance"]
            return measured.output
        }
        return (builder.build(outputs: outputs), names)
    }

    /// The name of the last layer.
    static let head = "head"

    private func features(
        in builder: inout GraphBuilder, batch: Int, normalize: ResidualNetwork.Normalize
    ) throws -> ValueID {
        let input = builder.input("samples", inputType(batch: batch))
        return switch architecture {
        case .residual(let network):
            try network.features(of: input, in: &builder, normalize: normalize)
        case .encoder(let encoder): try encoder.features(of: input, in: &builder)
        }
    }
}

extension GraphBuilder {
    /// Batch normalisation with the statistics of this batch over `[batch, channels, height, width]`; mean and
    /// variance are `[channels]`.
    fileprivate mutating func normalizationByBatch(
        _ x: ValueID, name: String, epsilon: Float = 1e-5
    ) throws(GraphError) -> (output: ValueID, mean: ValueID, variance: ValueID) {
        let channels = type(of: x).shape[1]
        let vector = TensorType.float32(channels)
        let perChannel = Reshape([1, channels, 1, 1])
        let scale = try add(perChannel, [parameter("\(name).scale", vector)])
        let bias = try add(perChannel, [parameter("\(name).bias", vector)])
        let mean = try add(ReduceMean(axes: [0, 2, 3]), [x])
        let centred = try add(Sub(), [x, mean])
        let variance = try add(ReduceMean(axes: [0, 2, 3]), [try add(Mul(), [centred, centred])])
        let shifted = try add(Add(), [variance, constant("epsilon", .scalar(epsilon))])
        let factor = try add(Div(), [scale, try add(Sqrt(), [shifted])])
        let output = try add(Add(), [try add(Mul(), [centred, factor]), bias])
        let flat = Reshape([channels])
        return (output, try add(flat, [mean]), try add(flat, [variance]))
    }
}
