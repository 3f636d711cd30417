internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store
internal import Testing

@Suite("The log of events")
struct EventLogTests {
    @Test func `what was committed is read back in order by the next store`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.commit([submission("a", at: 1), submission("b", at: 2)])
        try store.commit([
            LogEntry(.held(JobID(1)), at: TimePoint(nanoseconds: 3)), submission("a", at: 4),
        ])
        let before = try store.allEvents()
        try store.close()

        let after = try folder.open().allEvents()

        #expect(after == before)
        #expect(after.count == 4)
        #expect(after[2] == "3 3 job 1 held")
        #expect(after[3].contains("a submitted by ann"))
    }

    @Test func `equal payloads and requests are kept once`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        let first = try store.payload(for: Data("one".utf8))
        try store.commit([submission("a", at: 1, payload: first)])

        let again = try store.payload(for: Data("one".utf8))
        let other = try store.payload(for: Data("two".utf8))
        try store.commit([submission("a", at: 2, payload: again), submission("b", at: 3, payload: other)])
        try store.close()

        let reopened = try folder.open()
        #expect(first == again)
        #expect(first != other)
        #expect(try reopened.payload(for: Data("two".utf8)) == other)
        #expect(try reopened.payload(other) == Data("two".utf8))
        #expect(try reopened.payload(PayloadID(99)) == nil)
    }

    @Test func `a client's key leads to its jobs, also when the daemon died before it said so`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.commit([submission("a", at: 1, key: "ann:k"), submission("b", at: 2, key: "ann:refused")])
        store.setResult(KeyResult(job: JobID(5), count: 3), ofKey: "ann:k")
        store.setResult(nil, ofKey: "ann:refused")
        #expect(try store.result(ofKey: "ann:k") == KeyResult(job: JobID(5), count: 3))
        #expect(try store.result(ofKey: "ann:refused") == nil)

        // Nothing was committed since, so the next store only knows which event it was.
        let crashed = try folder.copy().open()
        var keys: [String?] = []
        try crashed.events(after: 0) { keys.append($0.key) }
        #expect(keys == ["ann:k", "ann:refused"])

        try store.commit([submission("c", at: 3)])
        let later = try folder.copy().open()
        #expect(try later.result(ofKey: "ann:k") == KeyResult(job: JobID(5), count: 3))
        #expect(try later.result(ofKey: "ann:refused") == nil)
    }

    @Test func `a log that was cut anywhere gives a beginning of what was committed`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        for number in 1...20 { try store.commit([submission("\(number)", at: number)]) }
        let whole = try store.allEvents()
        let log = try folder.bytes("-wal")

        for cut in stride(from: 0, through: log.count, by: log.count / 60) {
            let copy = try folder.copy()
            try copy.write(log.prefix(cut), "-wal")
            let found = try copy.open().allEvents()
            #expect(Array(whole.prefix(found.count)) == found)
        }
    }

    @Test func `a log that is damaged in the middle is refused, and nothing of it is dropped`() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        for number in 1...40 { try store.commit([submission("\(number)", at: number)]) }
        var log = try folder.bytes("-wal")
        let copy = try folder.copy()
        log[log.count / 2] ^= 0x10
        try copy.write(log, "-wal")

        #expect(throws: StoreError.self) { _ = try copy.open() }

        #expect(try copy.bytes("-wal") == log)
    }
}
