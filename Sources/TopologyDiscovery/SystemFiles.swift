internal import Essentials
internal import Glibc

/// The whole text of a file, refused unread when it is over the limit.
///
/// Special files such as pipes have no size to look at, so reading also stops at the limit.
func textOfFile(_ file: String, limit: ByteCount) throws(TopologyError) -> String {
    let bytes = try bytesOfFile(file, limit: limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .malformed(file: file, reason: "it is not UTF-8 text")
    }
    return text
}

private func bytesOfFile(_ file: String, limit: ByteCount) throws(TopologyError) -> [UInt8] {
    guard !file.utf8.contains(0), !file.isEmpty else {
        throw .unreadable(file: file.isEmpty ? "\"\"" : file, reason: "that is no path")
    }
    let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .unreadable(file: file, reason: systemReason(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
        throw .unreadable(file: file, reason: systemReason(errno))
    }
    guard status.st_size <= limit.bytes else { throw .tooLarge(file: file, limit: limit) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size) + 1)
    while true {
        let wanted = max(4096, min(1 << 20, Int(status.st_size) - bytes.count + 1))
        let start = bytes.count
        bytes += [UInt8](repeating: 0, count: wanted)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe read(descriptor, buffer.baseAddress.map { unsafe $0 + start }, wanted)
        }
        guard count >= 0 else { throw .unreadable(file: file, reason: systemReason(errno)) }
        bytes.removeLast(wanted - count)
        if count == 0 { return bytes }
        guard bytes.count <= limit.bytes else { throw .tooLarge(file: file, limit: limit) }
    }
}

/// A small file of the kernel's; nil when this kernel does not have it.
func kernelFile(_ path: String) -> String? {
    // Absence is an answer here: which of these files exist depends on the kernel and on what is mounted.
    try? textOfFile(path, limit: .mebibytes(4))
}

/// The kernel's words for an error number.
func systemReason(_ code: Int32) -> String {
    unsafe String(cString: strerror(code))
}

/// This machine's name on the network, or nil when it has none.
func hostName() -> String? {
    let name = kernelFile("/proc/sys/kernel/hostname")?.filter { !$0.isWhitespace } ?? ""
    return name.isEmpty ? nil : name
}

/// The variable that makes hwloc describe another machine; nil when none of those we know is set.
func shadowingVariable() -> String? {
    let known = ["HWLOC_XMLFILE", "HWLOC_SYNTHETIC", "HWLOC_FSROOT", "HWLOC_THISSYSTEM"]
    return known.first { name in unsafe getenv(name) != nil }
}
