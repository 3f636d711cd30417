internal import Essentials
internal import Foundation
internal import GRDB
internal import Scheduling

/// The daemon's database: the log of events, what jobs run, checkpoints and history.
///
/// One thread owns it, the one that owns the cluster's state. What `commit` has returned from survives a crash of the
/// machine: SQLite syncs its log at the end of each transaction (WAL, synchronous FULL), which `init` makes sure of.
package final class StateStore {
    package static let fileName = "heng.sqlite"

    package let folder: String
    package let path: String
    /// Grows with each opening, so that a daemon sees when another one works on its database.
    package private(set) var epoch = 0
    let database: DatabaseQueue
    /// The number of the next event.
    var nextEvent: Int64 = 1
    var requests: RequestTable
    var payloads: PayloadTable
    /// Answers to submissions with a client's key that are not in the database yet.
    var keyResults: [String: KeyResult] = [:]
    private var dataVersion: Int64 = 0

    /// Opens the database, makes it if there is none, and brings an older one to this release's schema.
    ///
    /// The caller holds the folder's lock.
    package init(folder: String) throws(StoreError) {
        self.folder = folder
        path = folder + "/" + StateStore.fileName
        let path = path
        do {
            try StateStore.checkFile(path)
            let isNew = !FileManager.default.fileExists(atPath: path)
            database = try DatabaseQueue(path: path, configuration: StateStore.settings)
            try StateStore.prepare(database, path)
            if isNew {
                // Environments of jobs are in it.
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
                syncFolder(folder)
            }
            (requests, payloads, nextEvent) = try database.read { db in
                let last = try Int64.fetchOne(db, sql: "SELECT max(seq) FROM events") ?? 0
                let checkpoint = try Int64.fetchOne(db, sql: "SELECT seq FROM frame") ?? 0
                return (try RequestTable(db), try PayloadTable(db), max(last, checkpoint) + 1)
            }
        } catch {
            throw StoreError(error, at: path).offering(Backups.newest(in: folder))
        }
    }

    private static var settings: Configuration {
        var settings = Configuration()
        settings.journalMode = .wal
        settings.foreignKeysEnabled = false
        // A backup may hold the database for a moment.
        settings.busyMode = .timeout(10)
        settings.label = "heng.store"
        return settings
    }

    private static func prepare(_ database: DatabaseQueue, _ path: String) throws {
        try database.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            // The log is moved into the database after so many pages, about as many as there are submissions.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 2000")
            try db.execute(sql: "PRAGMA cache_size = -4096")
            let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
            let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
            guard mode == "wal", synchronous == 2 else {
                throw StoreError.cannotUse(path: path, why: "its file system cannot keep SQLite's log (WAL)")
            }
            guard try !Schema.migrator.hasBeenSuperseded(db) else { throw StoreError.newer(path: path) }
        }
        try Schema.migrator.migrate(database)
    }

    /// SQLite reads a file of any bytes as late as it can, and takes a torn beginning for an empty database.
    private static func checkFile(_ path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { return }
        defer { try? file.close() }  // It was only read.
        let size = try file.seekToEnd()
        try file.seek(toOffset: 0)
        guard size > 0 else { return }
        let head = try file.read(upToCount: 16) ?? Data()
        guard head.elementsEqual("SQLite format 3\0".utf8), size >= 512 else {
            throw StoreError.corrupt(path: path, what: "it does not begin as a database", backup: nil)
        }
        if LogFileCheck(path + "-wal")?.isDamagedInside == true {
            throw StoreError.corrupt(
                path: path, what: "its log, \(fileName)-wal, is damaged in the middle", backup: nil)
        }
    }

    /// Takes the database over from whoever had it before; called once everything could be read.
    package func claim() throws(StoreError) {
        do {
            epoch = try database.writeWithoutTransaction(StateStore.raiseEpoch)
            dataVersion = try version()
        } catch {
            throw StoreError(error, at: path)
        }
    }

    private static func raiseEpoch(_ db: Database) throws -> Int {
        let before = try String.fetchOne(db, sql: "SELECT value FROM facts WHERE name = 'epoch'")
        let epoch = (before.flatMap { Int($0) } ?? 0) + 1
        try db.execute(
            sql: "INSERT OR REPLACE INTO facts (name, value) VALUES ('epoch', ?)", arguments: ["\(epoch)"])
        return epoch
    }

    /// Closes the database, which moves the log into it.
    package func close() throws(StoreError) {
        do { try database.close() } catch { throw StoreError(error, at: path) }
    }

    /// A small fact that the daemon keeps beside its state.
    package func fact(_ name: String) throws(StoreError) -> String? {
        try reading { db in
            try String.fetchOne(db, sql: "SELECT value FROM facts WHERE name = ?", arguments: [name])
        }
    }

    package func set(_ name: String, to value: String) throws(StoreError) {
        try writing { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", arguments: [name, value])
        }
    }
}

extension StateStore {
    func reading<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try database.unsafeRead(body)
        } catch {
            throw StoreError(error, at: path).offering(Backups.newest(in: folder))
        }
    }

    /// One transaction, durable when this returns, and without a trace when it throws.
    func writing<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try database.writeWithoutTransaction { db in
                var value: Value?
                try db.inTransaction(.immediate) {
                    try checkEpoch(db)
                    value = try body(db)
                    return .commit
                }
                guard let value else { preconditionFailure("a committed transaction has a value") }
                return value
            }
        } catch {
            throw StoreError(error, at: path).offering(Backups.newest(in: folder))
        }
    }

    /// SQLite's number changes when another connection has written; then the epoch says whether that was a daemon.
    private func checkEpoch(_ db: Database) throws {
        let version = try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0
        guard epoch > 0, version != dataVersion else { return }
        let now = try String.fetchOne(db, sql: "SELECT value FROM facts WHERE name = 'epoch'")
        guard now == "\(epoch)" else { throw StoreError.superseded(path: path) }
        dataVersion = version
    }

    private func version() throws -> Int64 {
        try database.unsafeRead { try Int64.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }
}
