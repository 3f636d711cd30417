internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport
internal import Testing

@Suite("Backups that the daemon makes by itself")
struct BackupTests {
    @Test func `they come again and again, a few are kept, and each can be restored`() throws {
        // A twentieth of a second.
        let daemon = try TestDaemon(["--backup-every", "\(0.05 / 3600)"])
        let job = try daemon.client().submit(.small(held: true)).job
        let folder = daemon.paths.folder + "/backups"
        func names() -> [String] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return all.filter { $0.hasSuffix(".sqlite") }.sorted()
        }
        let first = try eventually { names().first }
        _ = try eventually { names().first.flatMap { $0 > first ? $0 : nil } }
        #expect(names().count <= 3)
        let newest = try #require(names().last)
        daemon.kill()

        let restored = try ChildProgram.run(
            TestDaemon.programs + "/hengd",
            ["--state", daemon.paths.folder, "--restore", "\(folder)/\(newest)"])
        #expect(restored.status == 0, "\(restored.errors)")
        try daemon.start()
        #expect(try daemon.client().job(job).state == "HELD")
    }

    private func eventually<Value>(_ find: () -> Value?) throws -> Value {
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        while true {
            if let found = find() { return found }
            guard TimePoint.monotonicNow() < deadline else { throw Failure("Not within 60 s.") }
            usleep(10_000)
        }
    }
}
