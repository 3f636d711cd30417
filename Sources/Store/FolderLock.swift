internal import Essentials
internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// Proof that this process alone works on a state folder.
///
/// The kernel gives the lock up when the process ends in any way. Children do not inherit it.
package final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Tries for so long as `patience` says, because the last holder may be about to end.
    package init(
        folder: String, name: String = "hengd.lock", patience: Duration = .zero
    ) throws(StoreError) {
        let path = folder + "/" + name
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .cannotUse(path: path, why: unsafe String(cString: strerror(errno)))
        }
        guard FolderLock.take(descriptor, patience) else {
            let holder = FolderLock.number(in: descriptor)
            close(descriptor)
            throw .locked(folder: folder, process: holder)
        }
        self.descriptor = descriptor
        // Only for people: the lock itself is what counts, so a full disk is no reason to stop here.
        _ = ftruncate(descriptor, 0)
        let text = Array("\(getpid())\n".utf8)
        _ = unsafe pwrite(descriptor, text, text.count, 0)
    }

    deinit { close(descriptor) }

    private static func take(_ descriptor: Int32, _ patience: Duration) -> Bool {
        let end = TimePoint.monotonicNow() + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, TimePoint.monotonicNow() < end else { return false }
            usleep(5000)
        }
        return true
    }

    private static func number(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        return Int32(String(decoding: bytes.prefix(max(0, count)).prefix { $0 > 32 }, as: UTF8.self))
    }
}

/// Makes the names in a folder durable.
func syncFolder(_ path: String) {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    // A file system that cannot do it has nothing to be done.
    _ = fsync(descriptor)
    close(descriptor)
}
