internal import Essentials
internal import Foundation
internal import GRDB
internal import Scheduling
internal import Store
internal import TestSupport
internal import Testing

@Suite("A database in trouble")
struct StoreTroubleTests {
    @Test func `a file that is no database is refused and left alone`() throws {
        let folder = try StoreFolder()
        let garbage = Data((0..<5000).map { UInt8($0 % 251) })
        try folder.write(garbage)

        let error = #expect(throws: StoreError.self) { _ = try folder.open() }

        #expect(error?.summary.contains("damaged") == true)
        #expect(error?.exitCode == .setupMissing)
        #expect(try folder.bytes() == garbage)
    }

    @Test(arguments: [100, 511, 4096, 20_000]) func `a truncated database is refused`(length: Int) throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.commit((1...200).map { submission("\($0)", at: $0) })
        try store.close()
        try folder.write(try folder.bytes().prefix(length))

        #expect(throws: (any Error).self) {
            let store = try StateStore(folder: folder.path)
            _ = try store.checkpoint()
            _ = try store.allEvents()
        }
        #expect(try folder.bytes().count == length)
    }

    @Test func `a damaged database names the newest backup and the command to go back to it`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.commit([submission("a", at: 1)])
        let backup = try Backups.make(of: folder.path, at: TimePoint(nanoseconds: 1_000_000_000))
        try store.commit([submission("b", at: 2)])
        try store.close()
        var bytes = try folder.bytes()
        bytes.replaceSubrange(0..<16, with: Data(count: 16))
        try folder.write(bytes)

        let error = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(error?.nextStep?.contains("hengd --restore \(backup)") == true)

        let kept = try Backups.restore(backup, in: folder.path, at: .zero)
        #expect(try folder.open().allEvents().count == 1)
        let old = try #require(kept)
        #expect(try Data(contentsOf: URL(fileURLWithPath: old)) == bytes)
    }

    @Test func `a backup is whole while the store goes on writing`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.commit((1...100).map { submission("\($0)", at: $0) })

        let path = try Backups.make(of: folder.path, at: TimePoint(nanoseconds: 1))
        try store.commit([submission("later", at: 101)])

        let other = try StoreFolder()
        _ = try Backups.restore(path, in: other.path, at: .zero)
        #expect(try other.open().allEvents().count == 100)
        #expect(try store.allEvents().count == 101)
    }

    @Test func `only the newest backups are kept`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.commit([submission("a", at: 1)])

        let paths = try (1...5).map {
            try Backups.make(of: folder.path, at: TimePoint(nanoseconds: Int64($0) * 1_000_000_000))
        }

        #expect(paths.map { FileManager.default.fileExists(atPath: $0) } == [false, false, true, true, true])
        #expect(Backups.newest(in: folder.path) == paths.last)
    }

    @Test func `a database of a newer release is refused`() throws {
        let folder = try StoreFolder()
        try folder.open().close()
        let database = try DatabaseQueue(path: folder.database)
        try database.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')") }
        try database.close()

        #expect(throws: StoreError.newer(path: folder.database)) { _ = try folder.open() }
    }

    @Test func `a store that another one has superseded writes nothing more`() throws {
        let folder = try StoreFolder()
        let first = try folder.open()
        try first.commit([submission("a", at: 1)])
        let second = try folder.open()

        #expect(throws: StoreError.superseded(path: folder.database)) {
            try first.commit([submission("b", at: 2)])
        }
        try second.commit([submission("c", at: 3)])
        #expect(try second.allEvents().count == 2)
    }

    @Test func `one process at a time has the folder`() throws {
        let folder = try StoreFolder()
        let lock = try FolderLock(folder: folder.path)

        let error = #expect(throws: StoreError.self) { _ = try FolderLock(folder: folder.path) }

        #expect(error == .locked(folder: folder.path, process: ProcessInfo.processInfo.processIdentifier))
        withExtendedLifetime(lock) {}
    }

    /// Each released schema has a database here that a daemon of that release has left.
    @Test(arguments: ["1"]) func `the database of each release is read`(release: String) throws {
        let folder = try StoreFolder()
        try FileManager.default.copyItem(
            atPath: fixturePath("store/\(release).sqlite"), toPath: folder.database)

        let store = try folder.open()

        let checkpoint = try #require(try store.checkpoint())
        #expect(checkpoint.jobs.count > 10)
        #expect(try !store.allEvents(after: checkpoint.event).isEmpty)
        let payload = try #require(checkpoint.jobs.first?.request.payload)
        #expect(try store.payload(payload) != nil)
        #expect(try !store.history().isEmpty)
        try store.commit([submission("new", at: 1)])
    }
}
