internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// A program's bytes with the key they were made for, their length and a sum.
///
/// Drivers trust the binaries that they get: PoCL ends the process where one is cut short.
enum SealedProgram {
    private static let mark: [UInt8] = Array("HENGOCL1".utf8)

    static func seal(_ payload: [UInt8], for key: [UInt8]) -> [UInt8] {
        mark + bytes(UInt64(key.count)) + key + bytes(UInt64(payload.count)) + bytes(sum(payload, 0))
            + payload
    }

    /// The program, where the bytes are whole and for that key.
    static func open(_ sealed: [UInt8], for key: [UInt8]) -> [UInt8]? {
        let head = mark + bytes(UInt64(key.count)) + key
        guard sealed.count >= head.count + 16, sealed.starts(with: head) else { return nil }
        let payload = Array(sealed[(head.count + 16)...])
        let facts = bytes(UInt64(payload.count)) + bytes(sum(payload, 0))
        return Array(sealed[head.count..<head.count + 16]) == facts ? payload : nil
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
    }

    /// FNV-1a with another start for each seed, and its bits mixed at the end.
    static func sum(_ bytes: some Sequence<UInt8>, _ seed: UInt64) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ (seed &* 0x9E37_79B9_7F4A_7C15)
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ (hash >> 29)) &* 0xBF58_476D_1CE4_E5B9
        return hash ^ (hash >> 32)
    }
}

/// A kept program, sealed in a file.
///
/// A file is written under another name and takes its own in one step, so that a second process never sees half of it.
/// One that is damaged, cut, for another key, or not our own user's is as good as none.
package struct ProgramFile {
    private static let limit = 64 << 20

    let path: String
    let key: [UInt8]

    /// In the folder of kept programs; nil where there is no folder for such things.
    package init?(key: String, folder: String? = ProgramFile.folder) {
        guard let folder else { return nil }
        self.key = Array(key.utf8)
        path = "\(folder)/\(ProgramFile.name(of: self.key)).program"
    }

    /// The folder under XDG_CACHE_HOME, or under .cache at home.
    package static var folder: String? {
        if let caches = environment("XDG_CACHE_HOME"), caches.hasPrefix("/") {
            return "\(caches)/heng/opencl"
        }
        guard let home = environment("HOME"), home.hasPrefix("/") else { return nil }
        return "\(home)/.cache/heng/opencl"
    }

    static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// Whether a variable is there and says nothing.
    static func isEmptyInEnvironment(_ name: String) -> Bool {
        unsafe getenv(name).map { unsafe $0.pointee == 0 } ?? false
    }

    /// The program's bytes, where the file holds what it should.
    package func read() -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var facts = stat()
        // Code that another user wrote is not run.
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG,
            facts.st_uid == geteuid(), facts.st_size <= ProgramFile.limit
        else { return nil }
        guard let bytes = ProgramFile.readAll(descriptor, Int(facts.st_size)) else { return nil }
        return SealedProgram.open(bytes, for: key)
    }

    /// Keeps a program; what cannot be kept is built again the next time.
    package func write(_ payload: [UInt8]) {
        let bytes = SealedProgram.seal(payload, for: key)
        guard let slash = path.lastIndex(of: "/"), ProgramFile.makeFolder(String(path[..<slash])) else {
            return
        }
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let isWritten = ProgramFile.writeAll(descriptor, bytes)
        let isClosed = close(descriptor) == 0
        let isInPlace = isWritten && isClosed ? unsafe rename(temporary, path) == 0 : false
        if !isInPlace { unsafe unlink(temporary) }
    }

    private static func makeFolder(_ path: String) -> Bool {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return true }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex,
            makeFolder(String(path[..<slash]))
        else { return false }
        return unsafe mkdir(path, 0o700) == 0 || errno == EEXIST
    }

    private static func readAll(_ descriptor: Int32, _ size: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress?.advanced(by: done), size - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            done += count
        }
        return bytes
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    /// 128 bits in hexadecimal digits.
    static func name(of bytes: some Sequence<UInt8>) -> String {
        [SealedProgram.sum(bytes, 1), SealedProgram.sum(bytes, 2)].map { number in
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
