import ComputeGraph
import Essentials
import Foundation
import TestSupport
import Testing
import Training

/// A folder of its own for each test, removed with it.
struct TemporaryFolder: ~Copyable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("heng-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }  // a leftover in /tmp harms no one

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: url.path) } }
}

@Suite("Checkpoints")
struct CheckpointTests {
    static let sample = Checkpoint(
        model: "m", optimizer: "o", seed: .max, step: 12,
        tensors: [
            "a": HostTensor(.float32(2, 3), floats: [1, -2, 3, .infinity, 5, 6]),
            "b": HostTensor(.int64(1), integers: [.min]), "c": .scalar(7),
            "d": HostTensor(zeros: .float32(0)),
        ])

    @Test func `what is written is read back`() throws {
        let folder = try TemporaryFolder()

        try Self.sample.write(to: folder.path("one"))
        try Self.sample.write(to: folder.path("one"))
        let read = try Checkpoint(readingFrom: folder.path("one"))

        #expect(read.bytes == Self.sample.bytes)
        #expect((read.model, read.optimizer, read.seed, read.step) == ("m", "o", .max, 12))
        #expect(read.tensors["a"]?.floats == [1, -2, 3, .infinity, 5, 6])
        #expect(read.tensors["b"]?.integers == [.min])
        #expect(try folder.names == ["one"])
    }

    @Test(arguments: propertySeeds) func `a cut or changed file is refused`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let whole = Self.sample.bytes
        var changed = whole
        changed[random.below(whole.count)] ^= UInt8(1 + random.below(255))

        for broken in [changed, Array(whole.prefix(random.below(whole.count))), whole + [0]] {
            let error = #expect(throws: TrainingError.self) { try Checkpoint(bytes: broken, path: "p") }
            guard case .notACheckpoint("p", _) = error else {
                Issue.record("\(broken.count) bytes give \(String(describing: error))")
                return
            }
        }
    }

    @Test(arguments: [
        (#""offset":0"#, #""offset":9"#), (#""offset":0"#, #""offset":-1"#), (#""float32""#, #""float33""#),
        (#"[2,3]"#, #"[2,9]"#), (#"[2,3]"#, "[-2]"), (#""step":12"#, #""step":"1""#),
        ("[2,3]", "[4611686018427387904,4]"),
    ])
    func `a header that lies about its tensors is refused, though its checksum is right`(
        text: String, lie: String
    ) throws {
        let whole = Self.sample.bytes
        let size = whole[8..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = String(decoding: whole[24..<24 + size], as: UTF8.self)
        #expect(header.contains(text))
        // The data is left out of proportion on purpose: only the first tensor is there.
        let body = Array(header.replacingOccurrences(of: text, with: lie).utf8)
        let padding = [UInt8](repeating: 32, count: (64 - (24 + body.count) % 64) % 64)
        let rest = body + padding + [UInt8](repeating: 0, count: 25)

        let forged = Self.file(headerSize: body.count, rest: rest)

        #expect(throws: TrainingError.self) { try Checkpoint(bytes: forged, path: "p") }
    }

    private static func file(headerSize: Int, rest: [UInt8]) -> [UInt8] {
        func number(_ value: UInt64) -> [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        let checksum = rest.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
        }
        return Array("HENGCKP1".utf8) + number(UInt64(headerSize)) + number(checksum) + rest
    }

    @Test func `a path that cannot be written or read is named`() throws {
        let folder = try TemporaryFolder()
        let missing = folder.path("no/such/folder")

        let writing = #expect(throws: TrainingError.self) { try Self.sample.write(to: missing) }
        let reading = #expect(throws: TrainingError.self) { try Checkpoint(readingFrom: missing) }
        let folderItself = #expect(throws: TrainingError.self) {
            try Checkpoint(readingFrom: folder.url.path)
        }

        #expect(writing?.summary.contains("no/such/folder") == true)
        #expect(reading?.summary.contains("no/such/folder") == true)
        #expect(folderItself?.summary.contains("it is not a file") == true)
    }

    @Test func `a write that fails keeps the old file and leaves nothing else`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("taken"), withIntermediateDirectories: false)

        #expect(throws: TrainingError.self) { try Self.sample.write(to: folder.path("taken")) }

        #expect(try folder.names == ["taken"])
    }
}
