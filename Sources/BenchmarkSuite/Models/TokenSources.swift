internal import ComputeGraph
internal import Essentials

/// Text of seeded Markov sources, one for each class.
///
/// A source has favourite tokens, drawn from a small pool that all classes share, and a rule which of them may follow
/// which token. Between them come tokens that say nothing, the lower ones more often, as words do in a language.
struct TokenSources: SampleSource {
    private let vocabulary: Int
    private let length: Int
    /// How many of 256 tokens say nothing about the class.
    private let noise: Int
    private let favourites: [[Int]]

    private static let poolSize = 256
    private static let favouriteCount = 32
    private static let successors = 4

    init(classes: Int, vocabulary: Int, length: Int, noise: Int, seed: UInt64) {
        self.vocabulary = vocabulary
        self.length = length
        self.noise = noise
        var generator = SeededGenerator(seed: seed, purpose: "token sources")
        let pool = (0..<Self.poolSize).map { _ in generator.below(vocabulary) }
        favourites = (0..<classes).map { _ in
            (0..<Self.favouriteCount).map { _ in pool[generator.below(pool.count)] }
        }
    }

    func sample(ofClass label: Int, using generator: inout SeededGenerator) -> HostTensor {
        let own = favourites[label]
        var last = generator.below(vocabulary)
        let tokens = (0..<length).map { _ in
            if generator.below(256) < noise {
                last = min(generator.below(vocabulary), generator.below(vocabulary))
            } else {
                last = own[(last * Self.successors + generator.below(Self.successors)) % own.count]
            }
            return Int64(last)
        }
        return HostTensor(.int64(1, length), integers: tokens)
    }
}
