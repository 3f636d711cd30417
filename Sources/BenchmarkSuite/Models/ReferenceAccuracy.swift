internal import Essentials

/// The accuracies that quality gates are relative to.
///
/// They were measured in float32 on our CPU device, with the very samples that the tiers use: the sets are the same on
/// every machine, so a gate compares two results for one set and not a sample with a mean. Another machine rounds
/// otherwise and may place a sample that lies between two classes in the other one.
///
/// With weights rounded to 8 bits and all else in float32, all three models kept over 99 % of their accuracy on 500
/// samples; with 5 bits all lost more than that 1 %, and with 4 bits 5 to 19 %.
extension ModelSpecification {
    /// The accuracy over the first 5000 evaluation samples, or nil for a recipe without a committed reference.
    package var referenceAccuracy: Double? { committedAccuracies[5000] }

    /// The accuracy over exactly the first `samples` evaluation samples.
    ///
    /// It is committed for 50, 500 and 5000 samples of the models that `named` knows, and throws elsewhere.
    package func referenceAccuracy(samples: Int) throws -> Double {
        guard let accuracy = committedAccuracies[samples] else {
            throw Failure(
                "No reference accuracy of \(name) is known for \(samples) samples.",
                nextStep: "Use 50, 500 or 5000 samples of \(Self.names.joined(separator: " or ")).")
        }
        return accuracy
    }

    private var committedAccuracies: [Int: Double] {
        switch self {
        case .resnet50(size: 32): [50: 0.88, 500: 0.906, 5000: 0.8996]
        case .resnet50(size: 64): [50: 0.92, 500: 0.924, 5000: 0.8886]
        case .encoder(): [50: 0.92, 500: 0.916, 5000: 0.9172]
        default: [:]
        }
    }
}
