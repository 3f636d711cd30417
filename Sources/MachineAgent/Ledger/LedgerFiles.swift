#if canImport(Glibc)
internal import Glibc
#endif

/// The system's words for an error number.
func sentence(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }

/// The number for a full disk.
let noSpace = ENOSPC

/// An open file that closes itself.
struct OpenFile: ~Copyable {
    let descriptor: Int32

    /// Throws the error number.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(FileFailure) {
        descriptor = unsafe open(path, flags | O_CLOEXEC, mode)
        if descriptor < 0 { throw FileFailure(code: errno) }
    }

    deinit { close(descriptor) }

    /// Everything from the current position on.
    func readAll() throws(FileFailure) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count == 0 { return content }
            if count > 0 {
                content += chunk[..<count]
            } else if errno != EINTR {
                throw FileFailure(code: errno)
            }
        }
    }

    func writeAll(_ bytes: [UInt8]) throws(FileFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw FileFailure(code: errno)
            }
        }
    }

    /// Waits until what was written is on the disk.
    func synchronize() throws(FileFailure) {
        guard fsync(descriptor) == 0 else { throw FileFailure(code: errno) }
    }

    var size: Int {
        get throws(FileFailure) {
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else { throw FileFailure(code: errno) }
            return end
        }
    }

    func truncate(to size: Int) throws(FileFailure) {
        guard ftruncate(descriptor, size) == 0 else { throw FileFailure(code: errno) }
    }

    /// Waits for the lock; it is held until the file is closed, and given up by the kernel if we die.
    func lock() throws(FileFailure) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw FileFailure(code: errno) }
        }
    }

    /// Whether nobody holds the exclusive lock.
    ///
    /// Looking takes a shared lock for a moment, so that two who look do not see each other.
    func isUnlocked() -> Bool { flock(descriptor, LOCK_SH | LOCK_NB) == 0 }
}

/// The error number of a file call; it becomes a `LedgerError` where the file's part is known.
struct FileFailure: Error {
    var code: Int32
}

enum Files {
    /// Replaces a file so that readers see the old or the new content, also after a crash.
    static func replace(_ path: String, in folder: String, with bytes: [UInt8]) throws(FileFailure) {
        let temporary = path + ".new"
        do {
            let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            try file.writeAll(bytes)
            try file.synchronize()
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        guard unsafe rename(temporary, path) == 0 else {
            let code = errno
            unsafe unlink(temporary)
            throw FileFailure(code: code)
        }
        try OpenFile(folder, O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Makes a folder and those above it.
    static func makeFolders(_ path: String, mode: mode_t = 0o755) throws(FileFailure) {
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileFailure(code: errno)
        }
        try makeFolders(String(path[..<slash]))
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else { throw FileFailure(code: errno) }
    }

    static func isWritableFolder(_ path: String) -> Bool {
        unsafe access(path, W_OK | X_OK) == 0
    }

    /// The names in a folder; none when there is no such folder.
    static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
