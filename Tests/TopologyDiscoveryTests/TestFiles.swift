import Essentials
import Glibc
import Testing

/// The text of a small file, also of the kernel's.
func contents(of path: String) throws -> String {
    let descriptor = unsafe open(path, O_RDONLY)
    try #require(descriptor >= 0, "\(path) cannot be opened")
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = unsafe read(descriptor, &piece, piece.count)
        try #require(count >= 0, "\(path) cannot be read")
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += piece.prefix(count)
    }
}

/// A file of a test's own, gone at the end.
final class TemporaryFile {
    let path: String
    private let descriptor: Int32

    init(_ contents: [UInt8] = []) throws {
        var template = Array("/tmp/heng-topology-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        try #require(descriptor >= 0)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let written = unsafe contents.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        try #require(written == contents.count)
    }

    /// Makes the file this large without writing it.
    func grow(to size: ByteCount) throws {
        try #require(ftruncate(descriptor, size.bytes) == 0)
    }

    deinit {
        close(descriptor)
        unsafe unlink(path)
    }
}
