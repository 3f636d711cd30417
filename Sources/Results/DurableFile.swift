package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Files that are either the old ones or the new ones whole, also after a crash.
package enum DurableFile {
    /// Writes the bytes under the path's final name, replacing what was there.
    ///
    /// They go to a nameless neighbour first, reach the disk, and take the name in one step. When anything
    /// fails, the old file stays and the neighbour is removed. A pipe or a device is written to as it is.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        guard isReplaceable(path) else { return try writeInPlace(bytes, to: path) }
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).partial"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileFailure(.creating, path, errno) }
        do {
            try fill(descriptor, with: bytes, path: path)
            guard unsafe rename(temporary, path) == 0 else { throw FileFailure(.renaming, path, errno) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        try synchronizeFolder(of: path)
    }

    /// Makes a folder and those above it that are missing; one that is there is as good.
    package static func makeFolders(_ path: String, mode: UInt32 = 0o755) throws(FileFailure) {
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileFailure(.creating, path, errno)
        }
        try makeFolders(String(path[..<slash]), mode: mode)
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
            throw FileFailure(.creating, path, errno)
        }
    }

    /// Writes everything to an open file, brings it to the disk, and closes it whatever happens.
    package static func fill(_ descriptor: Int32, with bytes: [UInt8], path: String) throws {
        var isOpen = true
        defer { if isOpen { close(descriptor) } }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure(.writing, path, errno) }
            written += count
        }
        // A pipe or a device has nothing to bring to a disk and says EINVAL.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileFailure(.writing, path, errno) }
        isOpen = false
        // A network file system may tell only now that there was no room.
        guard close(descriptor) == 0 else { throw FileFailure(.writing, path, errno) }
    }

    /// Whether the name is free or that of a regular file; nothing else may be renamed over.
    private static func isReplaceable(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) != 0 || facts.st_mode & S_IFMT == S_IFREG
    }

    private static func writeInPlace(_ bytes: [UInt8], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(.writing, path, errno) }
        try fill(descriptor, with: bytes, path: path)
    }

    /// Reads a whole file of at most `limit`.
    package static func read(_ path: String, limit: ByteCount = .gibibytes(1)) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(.reading, path, errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileFailure(.reading, path, errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit.bytes else { throw FileFailure(.reading, path, EFBIG) }
        }
    }

    /// Makes the new name itself survive a power cut.
    private static func synchronizeFolder(of path: String) throws {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(.writing, folder, errno) }
        defer { close(descriptor) }
        // Some file systems cannot synchronise a folder and say EINVAL; the data itself is safe by then.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileFailure(.writing, folder, errno) }
    }
}

/// A file that could not be read or written, with the system's reason.
package struct FileFailure: ReportableError, Equatable {
    package enum Action: String, Sendable {
        case creating = "create"
        case writing = "write"
        case renaming = "put in place"
        case reading = "read"
    }

    package var action: Action
    package var path: String
    package var number: Int32

    package init(_ action: Action, _ path: String, _ number: Int32) {
        self.action = action
        self.path = path
        self.number = number
    }

    /// The system's words for the error number.
    package var reason: String { unsafe String(cString: strerror(number)) }

    package var summary: String {
        number == ENOSPC
            ? "The disk is full: cannot \(action.rawValue) \(path)."
            : "Cannot \(action.rawValue) \(path): \(reason)."
    }

    package var nextStep: String? {
        switch number {
        case ENOSPC, EDQUOT: "Free some space, or choose a folder on another disk."
        case EACCES, EPERM, EROFS: "Choose a folder that you may write to, or change its permissions."
        case ENOENT: action == .reading ? "Check the path." : "Make the folder first."
        case EFBIG: "It is larger than any file of this kind; check the path."
        case EISDIR: "Name a file, not a folder."
        default: nil
        }
    }

    package var exitCode: ExitCode {
        action == .reading ? .setupMissing : .executionFailed
    }
}
