import ComputeGraph
import Essentials
import TensorFiles
import TestSupport
import Testing

private func read(_ file: [UInt8], limit: ByteCount = .mebibytes(1)) throws -> [NamedTensor] {
    try NumpyArchive.tensors(from: file, named: "a.npz", limit: limit)
}

private func summary(_ file: [UInt8], limit: ByteCount = .mebibytes(1)) throws -> String {
    try #require(throws: TensorFileError.self) { try read(file, limit: limit) }.summary
}

@Suite("Files .npz")
struct NumpyArchiveTests {
    // np.savez of a=np.arange(3), b=np.array(2.5)
    static let stored =
        "UEsDBC0AAAAAAAAAIQD3QBLq//////////8FABQAYS5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rl"
        + "c2NyJzogJzxpOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCksIH0gICAgICAgICAgICAgICAg"
        + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAAAAABAAAAAAAAAAIAAAAAAAAA"
        + "UEsDBC0AAAAAAAAAIQA1tDqT//////////8FABQAYi5ucHkBABAAiAAAAAAAAACIAAAAAAAAAJNOVU1QWQEAdgB7J2Rl"
        + "c2NyJzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgpLCB9ICAgICAgICAgICAgICAgICAg"
        + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAAABEBQSwECLQMtAAAAAAAAACEA"
        + "90AS6pgAAACYAAAABQAAAAAAAAAAAAAAgAEAAAAAYS5ucHlQSwECLQMtAAAAAAAAACEANbQ6k4gAAACIAAAABQAAAAAA"
        + "AAAAAAAAgAHPAAAAYi5ucHlQSwUGAAAAAAIAAgBmAAAAjgEAAAAA"
    // np.savez_compressed of zeros=np.zeros((50, 40), np.float32), w=np.array(['x'])
    static let compressed =
        "UEsDBC0AAAAIAAAAIQDjOAIl//////////8JABQAemVyb3MubnB5AQAQAMAfAAAAAAAAagAAAAAAAADtyCEOgzAYQOHO"
        + "corf/ZBUIJhZ0DjIzMQUaUYJggBpycyyU3DhlStMv8+9d3SP9v68mLf56ODjK+hNtB4rtaLjGvbgln4Ngz9/4+bo04+T"
        + "23zq/FpaqcrCylf+lBkAAAAAAAAAAAAAAGB+UEsDBC0AAAAIAAAAIQA/vDkb//////////8FABQAdy5ucHkBABAAhAAA"
        + "AAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG4Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5"
        + "GoY6mjoKtQoUAK4KBgYGAFBLAQItAy0AAAAIAAAAIQDjOAIlagAAAMAfAAAJAAAAAAAAAAAAAACAAQAAAAB6ZXJvcy5u"
        + "cHlQSwECLQMtAAAACAAAACEAP7w5G0gAAACEAAAABQAAAAAAAAAAAAAAgAGlAAAAdy5ucHlQSwUGAAAAAAIAAgBqAAAA"
        + "JAEAAAAA"

    @Test func `tensors as numpy saves them`() throws {
        let tensors = try read(bytes(Self.stored))

        #expect(tensors.map(\.name) == ["a", "b"])
        #expect(tensors[0].tensor.integers == [0, 1, 2])
        #expect(tensors[1].tensor.doubles == [2.5])
    }

    @Test func `compressed tensors as numpy saves them`() throws {
        let tensors = try read(bytes(Self.compressed))

        #expect(tensors.map(\.name) == ["zeros", "w"])
        #expect(tensors[0].tensor.type == .float32(50, 40))
        #expect(tensors[0].tensor.floats.allSatisfy { $0 == 0 })
        #expect(tensors[1].tensor.strings == ["x"])
    }

    @Test func `all tensors together are held to the limit`() throws {
        #expect(try read(bytes(Self.compressed), limit: .bytes(8017)).count == 2)
        #expect(try summary(bytes(Self.compressed), limit: .bytes(8000)).contains("w.npy in a.npz"))
        #expect(try summary(bytes(Self.compressed), limit: .bytes(7999)).contains("limit"))
    }

    @Test func `a member that claims more than deflate can make is refused unread`() throws {
        var file = try bytes(Self.compressed)
        // The size in the directory's first record, 24 bytes from its beginning.
        let record = try #require(
            (0..<file.count - 4).first { Array(file[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] })
        for place in 24..<28 { file[record + place] = 0x7F }

        #expect(try summary(file, limit: .gibibytes(8)).contains("damaged member zeros.npy"))
        #expect(try summary(file, limit: .mebibytes(8)).contains("more than the"))
    }

    @Test func `numbers beyond 32 bits stand in extra fields`() throws {
        // Takes the small archive apart, and puts it together with a directory of ZIP64.
        let small = try bytes(Self.stored)
        let record = try #require(
            (0..<small.count - 4).first { Array(small[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] })
        let members = Array(small[..<record])
        let old = Array(small[record..<record + 46])
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(value >> ($0 * 8) & 0xFF) }
        }
        var entry = old
        entry.replaceSubrange(20..<28, with: [UInt8](repeating: 0xFF, count: 8))
        entry.replaceSubrange(30..<32, with: number(28, 2))
        entry.replaceSubrange(42..<46, with: [UInt8](repeating: 0xFF, count: 4))
        entry += Array("a.npy".utf8) + number(1, 2) + number(24, 2) + number(152, 8) + number(152, 8)
        entry += number(0, 8)
        let end: [UInt8] =
            [0x50, 0x4B, 6, 6] + number(44, 8) + [45, 0, 45, 0] + number(0, 8) + number(1, 8) + number(1, 8)
            + number(entry.count, 8) + number(members.count, 8)
        let locator: [UInt8] =
            [0x50, 0x4B, 6, 7] + number(0, 4) + number(members.count + entry.count, 8) + number(1, 4)
        let last: [UInt8] =
            [0x50, 0x4B, 5, 6] + number(0, 4) + [0xFF, 0xFF, 0xFF, 0xFF]
            + [UInt8](repeating: 0xFF, count: 8) + number(0, 2)

        let tensors = try read(members + entry + end + locator + last)

        #expect(tensors.map(\.name) == ["a"])
        #expect(tensors[0].tensor.integers == [0, 1, 2])
    }

    @Test func `two tensors of one name are refused`() throws {
        let tensor = HostTensor.scalar(1)
        let file = try NumpyArchive.bytes(of: [NamedTensor("x", tensor), NamedTensor("x", tensor)])

        #expect(try summary(file).contains("two members x.npy"))
    }

    @Test func `a damaged member is known by its checksum`() throws {
        var file = try bytes(Self.stored)
        file[60] ^= 1

        #expect(try summary(file) == "a.npz has a damaged member a.npy.")
    }

    @Test func `an archive cut short anywhere is refused`() throws {
        let whole = try bytes(Self.compressed)
        for count in 0..<whole.count { _ = try summary(Array(whole.prefix(count))) }
    }

    @Test(arguments: propertySeeds, [false, true])
    func `what is written is what is read`(seed: UInt64, compressed: Bool) throws {
        var random = SeededGenerator(seed: seed)
        let tensors = (0..<random.below(5)).map { NamedTensor("tensor \($0)", randomTensor(using: &random)) }

        let file = try NumpyArchive.bytes(of: tensors, compressed: compressed)
        let read = try read(file)

        #expect(read.map(\.name) == tensors.map(\.name))
        #expect(zip(read, tensors).allSatisfy { same($0.tensor, $1.tensor) })
    }

    @Test(arguments: propertySeeds)
    func `a damaged archive is refused or read, and nothing else`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let tensors = (0..<3).map { NamedTensor("\($0)", randomTensor(using: &random)) }
        let whole = try NumpyArchive.bytes(of: tensors, compressed: random.below(2) == 0)
        for _ in 0..<30 {
            try survives(damaged(whole, using: &random)) { _ = try read($0) }
        }
    }
}
