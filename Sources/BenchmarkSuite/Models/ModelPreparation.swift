package import AcceleratorAPI
internal import ComputeGraph

extension PreparedModel {
    /// Makes the model and its first evaluation samples, or reads the weights that an earlier call left in the cache.
    ///
    /// Without a cache folder nothing is kept. A cache that cannot be read or written costs time only; `progress` is
    /// told. Several processes may prepare with one folder at once.
    package static func prepare(
        _ specification: ModelSpecification, samples: Int = 500, device: Device, cacheFolder: String?,
        progress: (String) -> Void
    ) throws -> PreparedModel {
        let evaluation = specification.samples(samples, of: .evaluation)
        let cache = try cacheFolder.map { try ModelCache(folder: $0, for: specification) }
        if let weights = cache?.load(progress: progress) {
            return try PreparedModel(specification, weights: weights, samples: evaluation)
        }
        let weights = try IdentifiedWeights(
            try specification.fittedWeights(on: device, progress: progress), of: specification)
        cache?.store(weights, progress: progress)
        return try PreparedModel(specification, weights: weights, samples: evaluation)
    }
}

/// The weights of a folded graph with the hash of both.
struct IdentifiedWeights: Sendable {
    let values: [String: HostTensor]
    let hash: String

    init(_ values: [String: HostTensor], of specification: ModelSpecification) throws {
        self.values = values
        hash = try Self.hash(values, of: specification)
    }

    private static func hash(
        _ values: [String: HostTensor], of specification: ModelSpecification
    ) throws -> String {
        let graph = try specification.foldedGraph(batch: 1)
        var hash = ContentHash()
        hash.update(graph.text)
        for (_, constant) in graph.constants.sorted(by: { $0.key.index < $1.key.index }) {
            hash.update(constant)
        }
        for (name, tensor) in values.sorted(by: { $0.key < $1.key }) {
            hash.update(name)
            hash.update(tensor)
        }
        return hash.hexadecimal
    }
}

extension Graph {
    /// All nodes with their attributes and what joins them, a line each.
    fileprivate var text: String {
        func list(_ values: [ValueID]) -> String {
            values.map { "\(name(of: $0)): \(type(of: $0))" }.joined(separator: ", ")
        }
        let lines = nodes.map {
            "\($0.operator.name) \($0.operator) (\(list($0.inputs))) -> \(list($0.outputs))"
        }
        return (["inputs \(list(inputs))"] + lines + ["outputs \(list(outputs))"]).joined(separator: "\n")
    }
}
