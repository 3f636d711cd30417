internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Proof that the command that owns some jobs still lives: a lock on a file of its own.
///
/// The kernel gives the lock up when the process ends in any way, so nobody has to trust process numbers, which are
/// used again, differ between containers, and mean nothing after a restart of the machine. Children do not inherit it,
/// because the file is closed when they start their program.
final class LedgerOwner: Sendable {
    let name: String
    private let path: String
    private let file: OpenFile

    /// Must be called under the ledger's lock, so that nobody takes the new file for that of a dead owner.
    init(in folder: String) throws(LedgerError) {
        let name = "\(getpid())-\(TimePoint.monotonicNow().nanoseconds)"
        let path = folder + "/" + name
        self.name = name
        self.path = path
        do {
            try Files.makeFolders(folder)
            file = try OpenFile(path, O_RDWR | O_CREAT | O_EXCL)
            try file.lock()
        } catch {
            throw .cannotWrite(path, code: error.code)
        }
    }

    deinit { unsafe unlink(path) }

    /// Whether the owner with this name lives.
    static func isAlive(_ name: String, in folder: String) -> Bool {
        do {
            return try !OpenFile(folder + "/" + name, O_RDONLY).isUnlocked()
        } catch {
            // Without its file it ended in order; a file that we may not open belongs to someone, so it lives.
            return error.code != ENOENT
        }
    }

    static func living(in folder: String) -> [String] {
        Files.names(in: folder).filter { isAlive($0, in: folder) }
    }

    /// Removes what a dead owner left.
    static func forget(_ name: String, in folder: String) { unsafe unlink(folder + "/" + name) }
}
