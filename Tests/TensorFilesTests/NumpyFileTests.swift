import ComputeGraph
import Essentials
import TensorFiles
import TestSupport
import Testing

/// Reads a file that numpy wrote.
private func tensor(_ base64: String, limit: ByteCount = .mebibytes(1)) throws -> HostTensor {
    try NumpyFile.tensor(from: bytes(base64), named: "a.npy", limit: limit)
}

private func error(_ file: [UInt8], limit: ByteCount = .mebibytes(1)) throws -> String {
    let error = try #require(throws: TensorFileError.self) {
        try NumpyFile.tensor(from: file, named: "a.npy", limit: limit)
    }
    return error.summary
}

/// A file of version 1 with this header and so many bytes of data.
private func file(_ header: String, data: Int) -> [UInt8] {
    let text = Array((header + "\n").utf8)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + text
        + [UInt8](repeating: 1, count: data)
}

private func header(_ code: String, _ shape: String, fortran: Bool = false) -> String {
    "{'descr': '\(code)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
}

@Suite("Files .npy")
struct NumpyFileTests {
    // np.save of np.array([[1, 2, 3], [4, 5, 6.5]], np.float32)
    static let floats =
        "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9"
        + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAAQAAA"
        + "QEAAAIBAAACgQAAA0EA="

    @Test func `floats as numpy saves them`() throws {
        let tensor = try tensor(Self.floats)

        #expect(tensor.type == .float32(2, 3))
        #expect(tensor.floats == [1, 2, 3, 4, 5, 6.5])
    }

    @Test func `our file of the same floats is the same file`() throws {
        let tensor = HostTensor(.float32(2, 3), floats: [1, 2, 3, 4, 5, 6.5])

        #expect(try NumpyFile.bytes(of: tensor) == bytes(Self.floats))
    }

    @Test func `the order of Fortran becomes that of C`() throws {
        // np.asfortranarray(np.array([[1, 2, 3], [4, 5, 6]], np.int16))
        let tensor = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyks"
                + "IH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAQA"
                + "AgAFAAMABgA=")

        #expect(tensor.type == TensorType(.int16, [2, 3]))
        #expect(tensor.doubles == [1, 2, 3, 4, 5, 6])
    }

    @Test func `big-endian numbers become ours`() throws {
        // np.array([1, -2, 300], '>i4') and np.array([1 + 2j], '>c16')
        let integers = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPmk0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwg"
                + "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAB"
                + "/////gAAASw=")
        let complex = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPmMxNicsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgxLCks"
                + "IH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/8AAA"
                + "AAAAAEAAAAAAAAAA")

        #expect(integers.doubles == [1, -2, 300])
        #expect(bytes(of: complex) == [0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0x40])
    }

    @Test func `text of both kinds becomes strings`() throws {
        // np.array([['heng', 'ä'], ['', '日本']]), np.array([b'ab', b'c']) and np.array(['xy'], '>U2')
        let scalars = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPFU0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIp"
                + "LCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIApoAAAA"
                + "ZQAAAG4AAABnAAAA5AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADlZQAALGcAAAAAAAAAAAAA")
        let plain = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnfFMyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwg"
                + "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphYmMA")
        let big = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPlUyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwg"
                + "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAB4"
                + "AAAAeQ==")

        #expect(scalars.type.shape == [2, 2])
        #expect(scalars.strings == ["heng", "ä", "", "日本"])
        #expect(plain.strings == ["ab", "c"])
        #expect(big.strings == ["xy"])
    }

    @Test func `a scalar has no axes`() throws {
        // np.array(True)
        let tensor = try tensor(
            "k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0g"
                + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoB")

        #expect(tensor.type == TensorType(.bool, []))
        #expect(tensor.doubles == [1])
    }

    @Test(arguments: [
        // np.lib.format.write_array of np.array([1.5, -2], np.float16), versions 2.0 and 3.0
        "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9"
            + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPgDA",
        "k05VTVBZAwB0AAAAeydkZXNjcic6ICc8ZjInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9"
            + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPgDA",
    ])
    func `later versions have longer headers`(file: String) throws {
        #expect(try tensor(file).doubles == [1.5, -2])
    }

    @Test func `objects and records are refused`() throws {
        #expect(try error(file(header("|O", "(2,)"), data: 16)).contains("numpy's type |O"))
        #expect(
            try error(
                file("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", data: 4)
            ).contains("records"))
    }

    @Test func `a type that numpy lacks is not written`() throws {
        for element in ElementType.allCases where !numpyTypes.contains(element) {
            #expect(throws: TensorFileError.self) {
                try NumpyFile.bytes(of: HostTensor(zeros: TensorType(element, [2])))
            }
        }
    }

    @Test(arguments: [
        ("<f4", "(2, 3)", 23), ("<f4", "(2, 3)", 25), ("<f4", "()", 0), ("<U3", "(1,)", 4),
        ("<f8", "(4611686018427387904,)", 0), ("<f4", "(-1,)", 4), ("<f4", "(99999999999999999999,)", 4),
        ("<U4611686018427387904", "(1,)", 4), ("<f4", "(65536, 65536, 65536)", 8), ("<f3", "(1,)", 3),
        ("<f4", "(1.5,)", 4), ("<f4", "3", 12), ("", "(1,)", 4), ("<U-1", "(1,)", 4),
    ])
    func `a header that lies is refused`(code: String, shape: String, data: Int) throws {
        #expect(try error(file(header(code, shape), data: data)).hasPrefix("a.npy "))
    }

    @Test func `empty text of endless count is held to the limit`() throws {
        #expect(try error(file(header("<U0", "(1099511627776,)"), data: 0)).contains("limit"))
        #expect(try error(file(header("<f8", "(200000,)"), data: 1_600_000)).contains("limit"))
    }

    @Test(arguments: ["", "{", "{}", "[1]", "{'descr': '<f4'}", "{'descr'", "((((((((((((((((((((", "\u{0}"])
    func `a header that is none is refused`(header: String) throws {
        #expect(try error(file(header, data: 4)).contains("header"))
    }

    @Test func `a file cut short anywhere is refused`() throws {
        let whole = try bytes(Self.floats)
        for count in 0..<whole.count { _ = try error(Array(whole.prefix(count))) }
    }

    @Test(arguments: propertySeeds)
    func `what is written is what is read`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            let tensor = randomTensor(using: &random)

            let file = try NumpyFile.bytes(of: tensor)
            let read = try NumpyFile.tensor(from: file, named: "a.npy", limit: .mebibytes(1))

            #expect(same(read, tensor))
        }
    }

    @Test(arguments: propertySeeds)
    func `a transposed tensor in Fortran's order is the tensor`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let extents = (0..<1 + random.below(4)).map { _ in 1 + random.below(4) }
        let count = extents.reduce(1, *)
        let elements = "(\(extents.map(String.init).joined(separator: ", ")),)"
        var file = file(header("<i8", elements, fortran: true), data: 0)
        for index in 0..<count { file += (0..<8).map { UInt8(index >> ($0 * 8) & 0xFF) } }

        let tensor = try NumpyFile.tensor(from: file, named: "a.npy", limit: .mebibytes(1))

        // Element (i, j, ...) lies at i + extents[0] * (j + ...).
        for (place, value) in tensor.integers.enumerated() {
            var rest = place
            var expected = 0
            for (axis, stride) in tensor.type.shape.strides.enumerated() {
                expected += rest / stride * extents[..<axis].reduce(1, *)
                rest %= stride
            }
            #expect(value == Int64(expected))
        }
    }

    @Test(arguments: propertySeeds)
    func `a damaged file is refused or read, and nothing else`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let whole = try NumpyFile.bytes(of: randomTensor(using: &random))
        for _ in 0..<50 {
            try survives(damaged(whole, using: &random)) {
                _ = try NumpyFile.tensor(from: $0, named: "a.npy", limit: .mebibytes(1))
            }
        }
    }
}
