import ComputeGraph
import Essentials
import Foundation
import TensorFiles
import TestSupport
import Testing

/// The bytes that a text in base 64 stands for.
func bytes(_ base64: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: base64))) }

/// The element types that numpy has.
let numpyTypes: [ElementType] = [
    .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
    .complex64, .complex128, .string,
]

/// A tensor of any type of numpy's, of up to three axes and any bits.
func randomTensor(using random: inout SeededGenerator) -> HostTensor {
    let shape = Shape((0..<random.below(4)).map { _ in random.below(5) })
    let type = TensorType(random.pick(numpyTypes), shape)
    if type.element == .string {
        let letters = Array("aZ é日🙂\"'\\")
        let texts = (0..<shape.count).map { _ in
            String((0..<random.below(6)).map { _ in random.pick(letters) })
        }
        return HostTensor(type, strings: texts)
    }
    var tensor = HostTensor(zeros: type)
    let values = UInt8(type.element == .bool ? 1 : 255)
    let bits = (0..<type.byteCount).map { _ in UInt8.random(in: 0...values, using: &random) }
    unsafe tensor.withMutableBytes { bytes in unsafe bytes.copyBytes(from: bits) }
    return tensor
}

/// The bytes of all elements.
func bytes(of tensor: HostTensor) -> [UInt8] { unsafe tensor.withBytes { unsafe Array($0) } }

/// Whether type, bytes and strings are the same.
func same(_ left: HostTensor, _ right: HostTensor) -> Bool {
    left.type == right.type && left.strings == right.strings && bytes(of: left) == bytes(of: right)
}

/// The bytes with some changed, cut off, put in or doubled.
func damaged(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.below(4) where !bytes.isEmpty {
        let at = random.below(bytes.count)
        switch random.below(6) {
        case 0: bytes[at] = UInt8(random.below(256))
        case 1: bytes[at] ^= 1 << UInt8(random.below(8))
        case 2: bytes.removeLast(bytes.count - at)
        case 3: bytes.insert(random.pick([0, 9, 0x27, 0x39, 0xFF]), at: at)
        case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 8)], at: at)
        default:
            for place in at..<min(bytes.count, at + 8) { bytes[place] = 0xFF }
        }
    }
    return bytes
}

/// What a reader of damaged files may do: refuse with a sentence, or read something within the limit.
func survives(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) throws {
    do {
        try read(bytes)
    } catch let error as TensorFileError {
        #expect(error.summary.hasSuffix("."))
    }
}
