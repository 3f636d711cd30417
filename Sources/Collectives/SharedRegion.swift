package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Memory that several processes map from one file.
///
/// The process that creates it owns the file and calls `unlink` when all who need it have opened it, or when it
/// gives up; the memory itself lives until the last of them lets go. Only its own user can open it.
@safe package final class SharedRegion: @unchecked Sendable {
    // Unchecked, because the pointer never changes, and what is behind it is shared by design: those who lay
    // structures out in it bring their own atomics and locks.

    package let path: String
    package let size: ByteCount
    package let base: UnsafeMutableRawPointer

    private init(path: String, size: ByteCount, base: UnsafeMutableRawPointer) {
        self.path = path
        self.size = size
        unsafe self.base = base
    }

    deinit { _ = unsafe munmap(base, size.bytes) }

    /// Creates the file with zeroed memory that is really there: a full disk is an error here and not a crash later.
    ///
    /// Throws when a file of that name exists.
    package static func create(path: String, size: ByteCount) throws(CollectiveError) -> SharedRegion {
        precondition(size > .zero, "a shared region has at least one byte")
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .region(path: path, code: errno) }
        defer { close(descriptor) }
        let failure = posix_fallocate(descriptor, 0, off_t(size.bytes))
        do throws(CollectiveError) {
            guard failure == 0 else { throw CollectiveError.region(path: path, code: failure) }
            return try map(descriptor, path: path, size: size)
        } catch {
            unsafe Glibc.unlink(path)
            throw error
        }
    }

    /// Opens what another process has created.
    package static func open(path: String) throws(CollectiveError) -> SharedRegion {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .region(path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .region(path: path, code: errno) }
        let size = ByteCount(bytes: Int(status.st_size))
        guard size > .zero else { throw .notOurs(path: path) }
        return try map(descriptor, path: path, size: size)
    }

    private static func map(
        _ descriptor: Int32, path: String, size: ByteCount
    ) throws(CollectiveError) -> SharedRegion {
        let base = unsafe mmap(nil, size.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let base = unsafe base, unsafe base != MAP_FAILED else {
            throw .region(path: path, code: errno)
        }
        return unsafe SharedRegion(path: path, size: size, base: base)
    }

    /// Removes the file; who has it open keeps the memory.
    ///
    /// A file that is gone already is as good.
    package func unlink() { _ = unsafe Glibc.unlink(path) }

    /// A path for a region that no other process uses, in memory where the machine offers that.
    package static func freshPath(purpose: String) -> String {
        let folder = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var random = SystemRandomNumberGenerator()
        return "\(folder)/heng-\(purpose)-\(getpid())-\(String(random.next(), radix: 36))"
    }
}
