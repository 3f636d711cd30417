internal import ComputeGraph
internal import Essentials
internal import Results

#if canImport(Glibc)
internal import Glibc
#endif

/// One model's weights in a file: three lines (format, key, hash), then all weights by name, in this machine's order
/// of bytes.
///
/// The file takes its name in one step, so a reader sees it whole or not at all. Whatever is read is hashed again;
/// a file that does not have the hash it claims is as good as none.
struct ModelCache {
    private static let format = "heng-model 1"

    private let folder: String
    private let specification: ModelSpecification
    private let types: [(name: String, type: TensorType)]
    /// The hash of the recipe, which names the file.
    private let key: String

    init(folder: String, for specification: ModelSpecification) throws {
        let graph = try specification.foldedGraph(batch: 1)
        var hash = ContentHash()
        hash.update("\(specification)")
        self.folder = folder
        self.specification = specification
        types = graph.parameters.map { (graph.name(of: $0), graph.type(of: $0)) }.sorted { $0.0 < $1.0 }
        key = hash.hexadecimal
    }

    var path: String { "\(folder)/\(specification.name)-\(key.prefix(16)).weights" }

    private func header(hash: String) -> [UInt8] { Array("\(Self.format)\n\(key)\n\(hash)\n".utf8) }

    private var byteCount: Int { types.reduce(0) { $0 + $1.type.byteCount } }
}

extension ModelCache {
    /// The weights in the file, or nil where it is missing or damaged.
    func load(progress: (String) -> Void) -> IdentifiedWeights? {
        guard unsafe access(path, F_OK) == 0 else { return nil }
        do {
            let bytes = try DurableFile.read(path)
            if let weights = try decoded(bytes) { return weights }
            progress("\(specification.name): \(path) is damaged and will be made again")
        } catch {
            progress("\(specification.name): the cache is not used. \(error)")
        }
        return nil
    }

    private func decoded(_ bytes: [UInt8]) throws -> IdentifiedWeights? {
        let headerSize = header(hash: key).count
        guard bytes.count == headerSize + byteCount else { return nil }
        var values: [String: HostTensor] = [:]
        var place = headerSize
        for (name, type) in types {
            var tensor = HostTensor(zeros: type)
            unsafe tensor.withMutableBytes { target in
                unsafe bytes.withUnsafeBytes { source in
                    unsafe target.copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: source[place..<place + type.byteCount]))
                }
            }
            values[name] = tensor
            place += type.byteCount
        }
        let weights = try IdentifiedWeights(values, of: specification)
        return bytes.starts(with: header(hash: weights.hash)) ? weights : nil
    }
}

extension ModelCache {
    /// Writes the file; where that fails, the weights are simply not kept.
    func store(_ weights: IdentifiedWeights, progress: (String) -> Void) {
        do {
            try DurableFile.makeFolders(folder)
            try DurableFile.write(encoded(weights), to: path)
        } catch {
            progress("\(specification.name): the weights are not kept. \(error)")
        }
    }

    private func encoded(_ weights: IdentifiedWeights) -> [UInt8] {
        var bytes = header(hash: weights.hash)
        bytes.reserveCapacity(bytes.count + byteCount)
        for (name, type) in types {
            guard let tensor = weights.values[name], tensor.type == type else {
                preconditionFailure("the folded graph's parameters have values")
            }
            unsafe tensor.withBytes { unsafe bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
