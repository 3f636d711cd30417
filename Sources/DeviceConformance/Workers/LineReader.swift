#if canImport(Glibc)
internal import Glibc
#endif

/// Bytes from a descriptor, cut into lines.
struct LineReader {
    private var pending: [UInt8] = []
    private var lines: ArraySlice<[UInt8]> = []

    /// No line of ours is longer; what goes on without an end is no line.
    static let maximalLine = 1 << 24

    enum Status { case open, ended }

    /// Reads once; blocks unless something can be read.
    mutating func fill(from descriptor: Int32) -> Status {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { return .open }
        guard count > 0 else { return .ended }
        pending += chunk[..<count]
        while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(Array(pending[..<end]))
            pending.removeFirst(end + 1)
        }
        return pending.count <= Self.maximalLine ? .open : .ended
    }

    mutating func next() -> [UInt8]? { lines.popFirst() }
}
