package import AcceleratorAPI
package import ComputeGraph

/// A benchmark model ready to run: weights, evaluation samples, and what identifies both.
package struct PreparedModel: Sendable {
    package let specification: ModelSpecification
    /// Values for the parameters of `graph(batch:)`, as `ParameterSet.load` takes them.
    package let parameters: [String: HostTensor]
    /// SHA-256 of the graph's description and all weights, in hexadecimal digits.
    package let modelHash: String
    /// SHA-256 of all evaluation samples and their classes, in hexadecimal digits.
    package let dataHash: String
    /// The floating-point operations of one sample, as the operators count them: a multiply and an add are two.
    package let flopPerSample: Double
    private let samples: LabelledSamples
    private let traffic: Traffic

    init(
        _ specification: ModelSpecification, weights: IdentifiedWeights, samples: LabelledSamples
    ) throws {
        let graph = try specification.foldedGraph(batch: 1)
        self.specification = specification
        self.samples = samples
        parameters = weights.values
        modelHash = weights.hash
        dataHash = samples.hash
        flopPerSample = Double(graph.floatingPointOperations)
        traffic = Traffic(graph)
    }

    /// The model for a batch size, its batch normalisations folded; scores are `[batch, classes]`.
    package func graph(batch: Int) throws -> Graph { try specification.foldedGraph(batch: batch) }

    package var sampleCount: Int { samples.inputs.count }

    /// One sample, `[1, ...]`; it shares the model's memory.
    package func input(of sample: Int) -> HostTensor { samples.inputs[sample] }

    /// The class that a sample is of.
    package func label(of sample: Int) -> Int { samples.labels[sample] }

    /// The bytes that a run of a batch cannot avoid moving: weights, inputs and outputs, once each.
    package func compulsoryBytes(batch: Int) -> Double {
        Double(traffic.fixed + batch * traffic.perSample)
    }
}

extension PreparedModel {
    /// The part of the first `samples` whose highest score is that of their class; scores that are not finite are wrong.
    package func accuracy(on device: Device, samples count: Int, batch: Int = 25) throws -> Double {
        precondition(count > 0 && count <= sampleCount, "\(count) of \(sampleCount) samples")
        let runner = try BatchRunner(
            try graph(batch: batch), batch: batch, parameters: parameters, device: device)
        let rows = try runner.rows(for: Array(samples.inputs.prefix(count)))
        let right = zip(rows, samples.labels).count { highestPlace($0.span) == $1 }
        return Double(right) / Double(rows.count)
    }
}

extension ModelSpecification {
    func foldedGraph(batch: Int) throws -> Graph {
        try graph(batch: batch).foldingBatchNormalization().graph
    }
}

extension LabelledSamples {
    var hash: String {
        var hash = ContentHash()
        for (input, label) in zip(inputs, labels) {
            hash.update("\(label)")
            hash.update(input)
        }
        return hash.hexadecimal
    }
}
