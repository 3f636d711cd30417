import ComputeGraph
import Essentials
import TensorFiles
import TestSupport
import Testing

/// A file with this header and data.
private func file(_ header: String, _ data: [UInt8]) -> [UInt8] {
    let length = header.utf8.count
    return (0..<8).map { UInt8(length >> ($0 * 8) & 0xFF) } + Array(header.utf8) + data
}

private func entry(_ name: String, _ type: String, _ shape: [Int], _ range: Range<Int>) -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":[\#(range.lowerBound),\#(range.upperBound)]}"#
}

private func read(_ header: String, _ data: [UInt8]) throws -> SafetensorsFile {
    try SafetensorsFile(file(header, data), named: "a.safetensors")
}

@Suite("Files .safetensors")
struct SafetensorsFileTests {
    @Test func `tensors by name, in the order of their bytes`() throws {
        let header =
            "{" + entry("b", "F32", [2], 2..<10) + "," + entry("a", "BF16", [1], 0..<2)
            + #","__metadata__":{"format":"pt"}}   "#

        let file = try read(header, [0x80, 0x3F, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])

        #expect(file.entries.map(\.name) == ["a", "b"])
        #expect(file.metadata == ["format": "pt"])
        #expect(file.tensor("a")?.doubles == [1])
        #expect(file.tensor("b")?.floats == [1, 2])
        #expect(file.tensor("c") == nil)
    }

    @Test(arguments: [
        ("BOOL", ElementType.bool), ("U8", .uint8), ("I8", .int8), ("U16", .uint16), ("I16", .int16),
        ("U32", .uint32), ("I32", .int32), ("U64", .uint64), ("I64", .int64), ("F16", .float16),
        ("BF16", .bfloat16), ("F32", .float32), ("F64", .float64), ("C64", .complex64),
        ("F8_E4M3", .float8e4m3fn), ("F8_E5M2", .float8e5m2), ("F8_E8M0", .float8e8m0),
    ])
    func `every type of the format`(code: String, element: ElementType) throws {
        let file = try read(
            "{" + entry("x", code, [1], 0..<element.size) + "}",
            [1] + .init(repeating: 0, count: element.size - 1))

        let tensor = try #require(file.tensor("x"))
        #expect(tensor.type == TensorType(element, [1]))
        #expect(bytes(of: tensor).first == 1)
    }

    @Test func `elements of 4 bits are unpacked, the lower first`() throws {
        let file = try read("{" + entry("x", "F4", [3], 0..<2) + "}", [0x21, 0x03])

        #expect(file.tensor("x")?.elements(UInt8.self) == [1, 2, 3])
    }

    @Test(arguments: [
        "{" + entry("x", "F32", [1], 0..<3) + "}",
        "{" + entry("x", "F32", [2], 0..<8) + "}",
        "{" + entry("x", "F32", [0], 0..<0) + "}",
        "{" + entry("x", "U8", [2], 0..<2) + "," + entry("y", "U8", [2], 1..<3) + "}",
        "{" + entry("x", "U8", [1], 0..<1) + "," + entry("y", "U8", [2], 2..<4) + "}",
        "{" + entry("x", "U8", [-4], 0..<4) + "}",
        "{" + entry("x", "F6", [4], 0..<4) + "}",
        "{" + entry("x", "U8", [1 << 62, 1 << 62], 0..<4) + "}",
        #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0]}}"#,
        #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#,
        #"{"x":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
        #"{"x":3}"#, "[]", "", "{", String(repeating: "[", count: 100_000),
    ])
    func `a header that lies is refused`(header: String) throws {
        let error = try #require(throws: TensorFileError.self) { try read(header, [1, 2, 3, 4]) }

        #expect(error.summary.hasPrefix("a.safetensors "))
    }

    @Test func `a length beyond the file is refused`() throws {
        for file: [UInt8] in [
            [], [1], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 0, 0, 0, 0, 0x7B],
        ] {
            #expect(throws: TensorFileError.self) { try SafetensorsFile(file, named: "a.safetensors") }
        }
    }

    @Test(arguments: propertySeeds)
    func `a damaged file is refused or read, and nothing else`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let whole = file(
            "{" + entry("x", "F32", [1, 2], 0..<8) + "," + entry("y", "BOOL", [3], 8..<11) + "}",
            [UInt8](repeating: 3, count: 11))
        for _ in 0..<50 {
            try survives(damaged(whole, using: &random)) { bytes in
                let file = try SafetensorsFile(bytes, named: "a.safetensors")
                for entry in file.entries { #expect(file.tensor(entry.name)?.type == entry.type) }
            }
        }
    }
}
