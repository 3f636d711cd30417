internal import ComputeGraph
internal import Crypto

/// SHA-256 over contents that come piece by piece.
///
/// Each text and tensor is preceded by its length or type, so that different pieces never hash alike.
struct ContentHash {
    private var state = SHA256()

    mutating func update(_ text: String) {
        state.update(data: Array("\(text.utf8.count):\(text)".utf8))
    }

    mutating func update(_ tensor: HostTensor) {
        update("\(tensor.type)")
        unsafe tensor.withBytes { bytes in unsafe state.update(bufferPointer: bytes) }
    }

    /// The digest in hexadecimal digits.
    var hexadecimal: String { digits(of: state.finalize()) }
}

/// The SHA-256 of a file's bytes in hexadecimal digits.
func sha256Hex(_ bytes: [UInt8]) -> String { digits(of: SHA256.hash(data: bytes)) }

private func digits(of digest: SHA256.Digest) -> String {
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
