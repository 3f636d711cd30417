internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Synchronization
internal import TestSupport
internal import Testing

@Suite("A daemon that is killed", .serialized)
struct CrashTests {
    /// What clients were told, under their keys.
    final class Ledger: Sendable {
        let replies = Mutex<[String: SubmitReply]>([:])
        let contradictions = Mutex<[String]>([])
        let isOver = Mutex(false)

        func note(_ reply: SubmitReply, for key: String) {
            let before = replies.withLock { replies in
                defer { replies[key] = reply }
                return replies[key]
            }
            if let before, before.job != reply.job {
                contradictions.withLock { $0.append("\(key): \(before.job), then \(reply.job)") }
            }
        }
    }

    @Test func `nothing that was acknowledged is lost and no number is given twice`() throws {
        let daemon = try TestDaemon()
        let ledger = Ledger()
        var random = SeededGenerator(seed: 7)

        let done = DispatchSemaphore(value: 0)
        for number in 0..<4 {
            let paths = daemon.paths
            try startThread {
                submit(number, paths, ledger)
                done.signal()
            }
        }
        for _ in 0..<12 {
            usleep(UInt32(20_000 + random.below(250_000)))
            daemon.kill()
            try daemon.start()
        }
        ledger.isOver.withLock { $0 = true }
        for _ in 0..<4 { done.wait() }

        let replies = ledger.replies.withLock { $0 }
        let table = try daemon.client().jobs(includingEnded: true)
        let known = Set(table.rows.map(\.job))
        #expect(replies.count > 100)
        #expect(ledger.contradictions.withLock { $0 } == [])
        #expect(Set(replies.values.map(\.job)).count == replies.count)
        #expect(replies.values.allSatisfy { known.contains($0.job) })
        #expect(table.rows.count == known.count)
        let again = try daemon.client().submit(.small(key: "0-1"))
        #expect(again.isRepeated)
        #expect(again.job == replies["0-1"]?.job)
    }

    /// Each key is tried until it is answered, as a client does that does not know what became of its request.
    private func submit(_ number: Int, _ paths: StatePaths, _ ledger: Ledger) {
        var client = DaemonClient(paths)
        var count = 0
        while !ledger.isOver.withLock({ $0 }) {
            count += 1
            let key = "\(number)-\(count)"
            while !ledger.isOver.withLock({ $0 }) {
                do {
                    ledger.note(try client.submit(.small(key: key)), for: key)
                    break
                } catch {
                    client = DaemonClient(paths)
                    usleep(1000)
                }
            }
        }
    }

    @Test func `a second daemon on the same folder says who has it`() throws {
        let daemon = try TestDaemon()
        let process = try #require(daemon.program?.process)

        let second = try ChildProgram.run(
            TestDaemon.programs + "/hengd", ["--state", daemon.paths.folder, "--executor", "null"])

        #expect(second.status == ExitCode.setupMissing.rawValue)
        #expect(second.errors.contains("process \(process)"))
        #expect(try daemon.client().status().pid == process)
    }

    @Test func `after a clean stop the state is as it was`() throws {
        let daemon = try TestDaemon()
        let client = daemon.client()
        let array = try client.submit(.small(held: true, array: ArrayRequest(indices: [0...99])))
        let one = try client.submit(.small("other", held: true))
        let before = try client.jobs()

        daemon.stop()
        try daemon.start()

        let after = try daemon.client().jobs()
        #expect(after.rows.map(\.job) == before.rows.map(\.job))
        #expect(after.rows.map(\.state) == before.rows.map(\.state))
        #expect(after.rows.count == 101)
        #expect(one.job.number == array.job.number + 100)
        let events = daemon.output.split(separator: "\n").filter { $0.contains("recovered") }
        #expect(events.last?.contains("0 events behind") == true)
    }
}
