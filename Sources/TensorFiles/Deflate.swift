internal import CZlib

/// The compression of ZIP members, without any header.
enum Deflate {
    /// The bytes that a compressed stream stands for; nil where it is damaged or they are not `count`.
    static func inflated(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard unsafe czlib_begin_raw_inflate(&stream) == Z_OK else { return nil }
        defer { unsafe inflateEnd(&stream) }
        // One byte more than there should be, so that a stream that goes on is told from one that ends.
        let (produced, isWhole) = unsafe run(&stream, on: bytes, room: count + 1) { unsafe inflate($0, $1) }
        guard isWhole, produced.count == count else { return nil }
        return produced
    }

    /// The compressed stream; nil when there is no memory for it.
    static func deflated(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard unsafe czlib_begin_raw_deflate(&stream) == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        let room = unsafe Int(deflateBound(&stream, uLong(bytes.count)))
        let (produced, isWhole) = unsafe run(&stream, on: bytes, room: room) { unsafe deflate($0, $1) }
        return isWhole ? produced : nil
    }

    /// ZIP's checksum.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        unsafe bytes.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return UInt32(unsafe crc32_z(0, start, bytes.count))
        }
    }

    /// zlib counts in 32 bits, so larger blocks are given to it in pieces.
    private static let piece = 1 << 30

    private static func run(
        _ stream: inout z_stream, on bytes: ArraySlice<UInt8>, room: Int,
        _ step: (UnsafeMutablePointer<z_stream>, Int32) -> Int32
    ) -> (produced: [UInt8], isWhole: Bool) {
        var isWhole = false
        let produced = unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
            unsafe bytes.withUnsafeBytes { source in
                var used = 0
                while true {
                    let given = min(source.count - used, piece)
                    let free = min(room - count, piece)
                    let start = unsafe source.baseAddress.map { unsafe $0 + used }
                    unsafe stream.next_in = unsafe UnsafeMutablePointer(
                        mutating: start?.assumingMemoryBound(to: UInt8.self))
                    unsafe stream.next_out = unsafe target.baseAddress.map { unsafe $0 + count }
                    unsafe stream.avail_in = UInt32(given)
                    unsafe stream.avail_out = UInt32(free)
                    let isLast = used + given == source.count
                    let status = unsafe step(&stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                    unsafe used += given - Int(stream.avail_in)
                    unsafe count += free - Int(stream.avail_out)
                    if status == Z_STREAM_END {
                        isWhole = used == source.count
                        return
                    }
                    // Without progress there will never be any.
                    let isStuck = unsafe Int(stream.avail_in) == given && Int(stream.avail_out) == free
                    if status != Z_OK && status != Z_BUF_ERROR || isStuck { return }
                }
            }
        }
        return (produced, isWhole)
    }
}
