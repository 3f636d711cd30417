#if canImport(Glibc)
internal import Glibc
#endif

/// Files that are read or replaced as a whole.
enum WholeFile {
    /// Puts the bytes under the path so that at every moment either the old file or the whole new one is there.
    static func replace(_ path: String, with bytes: [UInt8]) throws(TrainingError) {
        // The process's number keeps two writers from sharing a partial file.
        let partial = "\(path).partial-\(getpid())"
        do {
            let file = try Descriptor(
                opening: partial, flags: O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, doing: "create")
            try file.write(bytes)
            try file.synchronize()
        } catch {
            _ = unsafe unlink(partial)
            throw error
        }
        guard unsafe rename(partial, path) == 0 else {
            let error = TrainingError.lastSystemError(path: path, doing: "replace")
            _ = unsafe unlink(partial)
            throw error
        }
        try Descriptor(
            opening: folder(of: path), flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC, doing: "open the folder"
        ).synchronize()
    }

    static func read(_ path: String) throws(TrainingError) -> [UInt8] {
        let file = try Descriptor(opening: path, flags: O_RDONLY | O_CLOEXEC, doing: "open")
        return try file.readAll()
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// An open file, closed when it goes.
private struct Descriptor: ~Copyable {
    private let number: Int32
    private let path: String

    init(opening path: String, flags: Int32, doing: String) throws(TrainingError) {
        let number = unsafe open(path, flags, 0o644)
        guard number >= 0 else { throw .lastSystemError(path: path, doing: doing) }
        self.number = number
        self.path = path
    }

    deinit { close(number) }

    borrowing func write(_ bytes: [UInt8]) throws(TrainingError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(number, buffer.baseAddress.map { unsafe $0 + done }, bytes.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .lastSystemError(path: path, doing: "write") }
            done += count
        }
    }

    /// Waits until the disk has everything; an error of a delayed write shows here at the latest.
    borrowing func synchronize() throws(TrainingError) {
        guard fsync(number) == 0 else { throw .lastSystemError(path: path, doing: "write") }
    }

    borrowing func readAll() throws(TrainingError) -> [UInt8] {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw .lastSystemError(path: path, doing: "read") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .fileAccess(path: path, doing: "read", reason: "it is not a file")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let wanted = bytes.count - done
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(number, buffer.baseAddress.map { unsafe $0 + done }, wanted)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .lastSystemError(path: path, doing: "read") }
            // The file has become shorter since: what is there fails its checksum.
            if count == 0 { break }
            done += count
        }
        return Array(bytes[..<done])
    }
}

extension TrainingError {
    /// The error of the C call that has just failed.
    fileprivate static func lastSystemError(path: String, doing: String) -> TrainingError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return .fileAccess(path: path, doing: doing, reason: reason)
    }
}
