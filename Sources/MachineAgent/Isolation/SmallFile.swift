#if canImport(Glibc)
internal import Glibc
#endif

/// Files of the kernel: read in one go, written in one call, and every failure has an error number.
enum SmallFile {
    /// The content, or nil when the file cannot be read.
    static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 { return nil }
            if count == 0 { return String(decoding: content, as: UTF8.self) }
            content += chunk[..<count]
        }
    }

    /// The content without blanks around it.
    static func value(_ path: String) -> String? {
        read(path).map {
            String($0.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
    }

    /// Returns 0 or the error number.
    static func write(_ text: String, to path: String) -> Int32 {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
        return count == bytes.count ? 0 : count < 0 ? errno : EIO
    }

    /// Writes a file whole or not at all; returns 0 or the error number.
    static func replace(_ path: String, with bytes: [UInt8]) -> Int32 {
        let hidden = "\(path).new"
        let descriptor = unsafe open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return errno }
        let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
        let failure = count == bytes.count ? 0 : count < 0 ? errno : EIO
        close(descriptor)
        guard failure == 0 else { return failure }
        return unsafe rename(hidden, path) == 0 ? 0 : errno
    }

    /// Returns 0 or the error number.
    static func makeFolder(_ path: String) -> Int32 { unsafe mkdir(path, 0o755) == 0 ? 0 : errno }

    /// Removes an empty folder; returns 0 or the error number.
    static func removeFolder(_ path: String) -> Int32 { unsafe rmdir(path) == 0 ? 0 : errno }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Removes an empty folder; false when it is still there.
    static func isGone(afterRemoving path: String) -> Bool {
        let failure = removeFolder(path)
        return failure == 0 || failure == ENOENT
    }

    /// The names in a folder; none when it cannot be read.
    static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
