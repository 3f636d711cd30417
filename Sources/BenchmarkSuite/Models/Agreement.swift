package import AcceleratorAPI
package import ComputeGraph
internal import Essentials

/// How close a device's scores come to those of the reference interpreter.
package struct Agreement: Codable, Hashable, Sendable {
    /// What passes in float32: rounding through all layers of our models was below 1e-6, and a wrong kernel is far above.
    package static let limit = 1e-4

    package var samples: Int
    /// The largest difference of any score, in parts of the range of its sample's reference scores; infinity where a
    /// score is not finite.
    ///
    /// Classes without samples do not widen the range.
    package var largestDifference: Double
    /// Whether the highest score is that of the same class in every sample.
    package var hasSameClasses: Bool

    package init(samples: Int, largestDifference: Double, hasSameClasses: Bool) {
        self.samples = samples
        self.largestDifference = largestDifference
        self.hasSameClasses = hasSameClasses
    }

    package var limit: Double { Self.limit }
    package var passes: Bool { samples > 0 && hasSameClasses && largestDifference <= limit }
}

/// Compares the device's scores with the reference interpreter's on the model's first evaluation samples.
///
/// The interpreter is slow on purpose: about a second for each sample of ResNet-50 at 32x32.
package func agreement(of model: PreparedModel, device: Device, samples: Int) throws -> Agreement {
    try agreement(of: model, device: device, samples: samples, deviceParameters: model.parameters)
}

/// The same with other weights on the device, so that one can see the check fail.
package func agreement(
    of model: PreparedModel, device: Device, samples: Int, deviceParameters: [String: HostTensor]
) throws -> Agreement {
    let graph = try model.graph(batch: 1)
    let runner = try BatchRunner(graph, batch: 1, parameters: deviceParameters, device: device)
    var result = Agreement(
        samples: min(samples, model.sampleCount), largestDifference: 0, hasSameClasses: true)
    for sample in 0..<result.samples {
        let input = model.input(of: sample)
        let reference = try ReferenceInterpreter.run(
            graph, inputs: [input], parameters: model.parameters)[0].floats
        let scores = try runner.rows(for: [input])[0]
        result.add(scores, reference: reference, dataClasses: model.specification.dataClasses)
    }
    return result
}

extension Agreement {
    fileprivate mutating func add(_ scores: [Float], reference: [Float], dataClasses: Int) {
        let used = reference.prefix(dataClasses)
        let range = Double((used.max() ?? 0) - (used.min() ?? 0))
        for (score, expected) in zip(scores, reference) {
            let difference = abs(Double(score) - Double(expected)) / range
            // A NaN would lose every comparison.
            largestDifference = difference.isFinite ? max(largestDifference, difference) : .infinity
        }
        let classes = (highestPlace(scores.span), highestPlace(reference.span))
        hasSameClasses = hasSameClasses && classes.0 != nil && classes.0 == classes.1
    }
}

extension Agreement: CustomStringConvertible {
    package var description: String {
        "\(hasSameClasses ? "same" : "other") classes in \(samples) samples, scores up to "
            + "\((largestDifference * 1e6).formatted(significant: 3)) ppm of their range apart"
    }
}
