package import Essentials
internal import Foundation
internal import GRDB

#if canImport(Glibc)
internal import Glibc
#endif

/// Copies of the database in `backups/`, made while the daemon works.
package enum Backups {
    static let kept = 3

    package static func folder(in folder: String) -> String { folder + "/backups" }

    /// The newest copy, by its name, which is its time.
    package static func newest(in folder: String) -> String? {
        names(in: folder).last.map { Backups.folder(in: folder) + "/" + $0 }
    }

    /// When the newest copy was made; nil without one.
    package static func newestTime(in folder: String) -> TimePoint? {
        guard let path = newest(in: folder),
            let date = try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        else { return nil }
        return TimePoint(nanoseconds: Int64(date.timeIntervalSince1970 * 1e9))
    }

    private static func names(in folder: String) -> [String] {
        // Without a folder there are none.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Backups.folder(in: folder))) ?? []
        return names.filter { $0.hasPrefix("heng-") && $0.hasSuffix(".sqlite") }.sorted()
    }

    /// Copies the state as it is now, through a connection of its own; takes its time, so call it from a thread of its own.
    ///
    /// Every row is read on the way, and the copy is checked as a whole before it gets its name, so a backup that is
    /// there can be used.
    package static func make(of folder: String, at now: TimePoint) throws(StoreError) -> String {
        let path = folder + "/" + StateStore.fileName
        let stamp = now.iso8601.filter { $0.isNumber || $0 == "T" }
        let target = Backups.folder(in: folder) + "/heng-\(stamp).sqlite"
        let partial = target + ".partial"
        do {
            try FileManager.default.createDirectory(
                atPath: Backups.folder(in: folder), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try copy(path, to: partial)
            try check(partial)
            try sync(partial)
            guard unsafe rename(partial, target) == 0 else {
                throw StoreError.cannotWrite(path: target, why: unsafe String(cString: strerror(errno)))
            }
            syncFolder(Backups.folder(in: folder))
        } catch {
            unsafe unlink(partial)
            throw StoreError(error, at: path)
        }
        for old in names(in: folder).dropLast(kept) {
            unsafe unlink(Backups.folder(in: folder) + "/" + old)
        }
        return target
    }

    private static func copy(_ path: String, to target: String) throws {
        unsafe unlink(target)
        var settings = Configuration()
        settings.readonly = true
        settings.busyMode = .timeout(10)
        let source = try DatabaseQueue(path: path, configuration: settings)
        try source.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [target]) }
        try source.close()
    }

    private static func check(_ path: String) throws {
        let copy = try DatabaseQueue(path: path)
        let answer = try copy.read { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") }
        try copy.close()
        guard answer == "ok" else {
            throw StoreError.corrupt(path: path, what: answer ?? "it has no answer", backup: nil)
        }
    }

    private static func sync(_ path: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.synchronize()
        try file.close()
    }

    /// Puts a copy in the place of the database, which is kept beside it under another name.
    ///
    /// The caller holds the folder's lock. Returns the name under which the replaced database is kept.
    package static func restore(_ backup: String, in folder: String, at now: TimePoint) throws(StoreError)
        -> String?
    {
        let path = folder + "/" + StateStore.fileName
        do {
            try check(backup)
            let partial = path + ".restored"
            unsafe unlink(partial)
            try FileManager.default.copyItem(atPath: backup, toPath: partial)
            try sync(partial)
            let old = try setAside(path, at: now)
            guard unsafe rename(partial, path) == 0 else {
                throw StoreError.cannotWrite(path: path, why: unsafe String(cString: strerror(errno)))
            }
            syncFolder(folder)
            return old
        } catch {
            throw StoreError(error, at: path)
        }
    }

    /// The database and its log keep their contents and get another name.
    private static func setAside(_ path: String, at now: TimePoint) throws -> String? {
        let old = path + ".damaged-" + now.iso8601.filter { $0.isNumber || $0 == "T" }
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        for suffix in ["-wal", "-shm", ""] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.moveItem(atPath: path + suffix, toPath: old + suffix)
        }
        return old
    }
}
