internal import ComputeGraph
internal import Essentials

/// What a benchmark's samples are drawn from, all by rule: the same bits for one seed on every machine.
protocol SampleSource: Sendable {
    /// One sample of the given class, batch 1, with chance from the generator alone.
    func sample(ofClass label: Int, using generator: inout SeededGenerator) -> HostTensor
}

/// Sets that share no sample, because their seeds differ.
enum SampleSet: String, Sendable {
    case calibration, fitting, evaluation
}

/// Samples with their classes.
struct LabelledSamples: Sendable {
    var inputs: [HostTensor]
    var labels: [Int]
}

extension ModelSpecification {
    var source: any SampleSource {
        switch architecture {
        case .residual(let network):
            GratingImages(size: network.size, noise: noise)
        case .encoder(let encoder):
            TokenSources(
                classes: dataClasses, vocabulary: encoder.vocabulary, length: encoder.length, noise: noise,
                seed: seed)
        }
    }

    /// The first samples of a set; a longer request begins with the shorter one's samples.
    ///
    /// Every run of `dataClasses` samples holds each class once, in shuffled order.
    func samples(_ count: Int, of set: SampleSet) -> LabelledSamples {
        let source = source
        var shuffle = SeededGenerator(seed: seed, purpose: "\(name).\(set.rawValue).labels")
        var labels: [Int] = []
        while labels.count < count { labels += (0..<dataClasses).shuffled(using: &shuffle) }
        labels.removeSubrange(count...)
        let inputs = labels.enumerated().map { index, label in
            var generator = SeededGenerator(
                seed: seed, purpose: "\(set.rawValue).samples", index: index)
            return source.sample(ofClass: label, using: &generator)
        }
        return LabelledSamples(inputs: inputs, labels: labels)
    }
}
