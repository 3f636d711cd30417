import AcceleratorAPI
import BenchmarkSuite
import ComputeGraph
import Essentials
import Foundation
import TestSupport
import Testing

@Suite("Model cache")
struct ModelsCacheTests {
    @Test(arguments: TinyModels.all)
    func `a model from the cache is the model that was put there`(specification: ModelSpecification) throws {
        try withCacheFolder { folder in
            let cold = try prepared(specification, cacheFolder: folder)
            let warm = try prepared(specification, cacheFolder: folder)
            let plain = try prepared(specification)

            #expect(!cold.messages.isEmpty && warm.messages.isEmpty)
            for other in [warm.model, plain.model] {
                #expect(other.modelHash == cold.model.modelHash)
                #expect(other.dataHash == cold.model.dataHash)
                #expect(other.parameters.mapValues(\.floats) == cold.model.parameters.mapValues(\.floats))
            }
        }
    }

    @Test(arguments: propertySeeds.prefix(30))
    func `a damaged file is noticed and made again`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let specification = random.pick(TinyModels.all)
        try withCacheFolder { folder in
            let (model, _) = try prepared(specification, cacheFolder: folder)
            let path = try onlyFile(in: folder)
            let good = try Data(contentsOf: URL(fileURLWithPath: path))
            // Half of all damage is at the start, where the hash lies.
            let place = random.below(random.below(2) == 0 ? 160 : good.count)
            var bad = good
            switch random.below(3) {
            case 0: bad.removeSubrange(place...)
            case 1: bad[place] ^= 1 << UInt8(random.below(8))
            default: bad.insert(bad[place], at: place)
            }
            try bad.write(to: URL(fileURLWithPath: path))

            let (again, messages) = try prepared(specification, cacheFolder: folder)

            #expect(again.modelHash == model.modelHash)
            #expect(messages.contains { $0.contains("damaged") })
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == good)
        }
    }

    @Test func `another recipe has another file`() throws {
        try withCacheFolder { folder in
            let first = try prepared(TinyModels.residual(seed: 1), cacheFolder: folder)
            let second = try prepared(TinyModels.residual(seed: 2), cacheFolder: folder)

            #expect(first.model.modelHash != second.model.modelHash)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
        }
    }

    @Test func `a cache that cannot be written or read costs nothing but time`() throws {
        let unwritable = try prepared(TinyModels.encoder(), cacheFolder: "/dev/null/models")
        let plain = try prepared(TinyModels.encoder())
        #expect(unwritable.model.modelHash == plain.model.modelHash)
        #expect(unwritable.messages.contains { $0.contains("not kept") })

        try withCacheFolder { folder in
            _ = try prepared(TinyModels.encoder(), cacheFolder: folder)
            let path = try onlyFile(in: folder)
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)

            let unreadable = try prepared(TinyModels.encoder(), cacheFolder: folder)

            #expect(unreadable.model.modelHash == plain.model.modelHash)
            #expect(unreadable.messages.contains { $0.contains("cache is not used") })
        }
    }

    @Test func `several threads may prepare one model in one folder`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heng-models-\(UUID())")
            .path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let hashes = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask { @concurrent in
                    try prepared(TinyModels.residual(), cacheFolder: folder).model.modelHash
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }

        #expect(hashes == [try prepared(TinyModels.residual()).model.modelHash])
        // No half-written neighbour is left over.
        _ = try onlyFile(in: folder)
    }
}
