package import Essentials
package import Foundation
internal import GRDB
package import Scheduling

/// What one transaction of the log holds.
package struct LogEntry {
    package var time: TimePoint
    package var event: Event
    /// The client's key of a submission, with its user's name in front.
    package var key: String?
    /// What a machine said beside the event.
    package var run: RunNote?

    package init(_ event: Event, at time: TimePoint, key: String? = nil, run: RunNote? = nil) {
        self.event = event
        self.time = time
        self.key = key
        self.run = run
    }
}

/// The jobs that a submission with a client's key has become.
package struct KeyResult: Hashable, Sendable {
    package var job: JobID
    package var count: Int

    package init(job: JobID, count: Int) {
        self.job = job
        self.count = count
    }
}

/// An event as it was read back.
package struct LoggedEvent {
    package var number: Int64
    package var time: TimePoint
    package var event: Event
    package var key: String?
}

// Writing.
extension StateStore {
    /// Keeps what a job runs, durably with the next `commit`, and once for equal ones.
    package func payload(for body: Data) throws(StoreError) -> PayloadID {
        PayloadID(try reading { try payloads.number(of: body, in: $0) })
    }

    package func payload(_ id: PayloadID) throws(StoreError) -> Data? {
        if let body = payloads.stagedBody(id.number) { return body }
        return try reading { db in
            try Data.fetchOne(
                db.cachedStatement(sql: "SELECT body FROM payloads WHERE id = ?"), arguments: [id.number])
        }
    }

    /// Writes the entries and everything they name in one transaction, and returns when it is on the disk.
    ///
    /// When it throws, nothing of it will ever be read, and payloads that were given out since the last commit are void.
    package func commit(_ entries: [LogEntry]) throws(StoreError) {
        do {
            try writing { db in
                var number = nextEvent
                for entry in entries {
                    try append(entry, number, db)
                    number += 1
                }
                try requests.write(db)
                try payloads.write(db)
                try writeKeyResults(db)
            }
        } catch {
            requests.unstage()
            payloads.unstage()
            throw error
        }
        nextEvent += Int64(entries.count)
        requests.written()
        payloads.written()
        keyResults.removeAll(keepingCapacity: true)
    }

    private func append(_ entry: LogEntry, _ number: Int64, _ db: Database) throws {
        let time = entry.time.nanoseconds
        var request: Int64?
        var body: Data?
        if case .submitted(let asked) = entry.event {
            request = try requests.number(of: asked, in: db)
        } else {
            body = try TextCoding.encoder.encode(entry.event)
        }
        let sum = StateStore.sum(number, time, request, body)
        try db.cachedStatement(
            sql: "INSERT INTO events (seq, time, request, body, sum) VALUES (?, ?, ?, ?, ?)"
        ).execute(arguments: [number, time, request, body, sum])
        if let run = entry.run { try write(run, db) }
        guard let key = entry.key else { return }
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO keys (key, seq, time) VALUES (?, ?, ?)")
            .execute(arguments: [key, number, time])
    }

    private static func sum(_ number: Int64, _ time: Int64, _ request: Int64?, _ body: Data?) -> Int64 {
        var sum = Sum()
        sum.add(number)
        sum.add(time)
        sum.add(request ?? -1)
        if let body { sum.add(body) }
        return sum.number
    }
}

// Keys of clients.
extension StateStore {
    /// How long a client's key is known.
    package static let keyLife: Duration = .seconds(7 * 24 * 3600)

    /// The jobs of an earlier submission with this key; nil when there is none.
    package func result(ofKey key: String) throws(StoreError) -> KeyResult? {
        if let result = keyResults[key] { return result.count > 0 ? result : nil }
        return try reading { db in
            let statement = try db.cachedStatement(sql: "SELECT job, count FROM keys WHERE key = ?")
            guard let row = try Row.fetchOne(statement, arguments: [key]), let job: Int = row[0] else {
                return nil
            }
            return KeyResult(job: JobID(job), count: row[1])
        }
    }

    /// Says what came of a logged submission; nil when it was refused, so that the key may be used again.
    ///
    /// Not durable by itself, because the log says the same.
    package func setResult(_ result: KeyResult?, ofKey key: String) {
        keyResults[key] = result ?? KeyResult(job: JobID(0), count: 0)
    }

    func writeKeyResults(_ db: Database) throws {
        for (key, result) in keyResults {
            if result.count > 0 {
                try db.cachedStatement(sql: "UPDATE keys SET job = ?, count = ? WHERE key = ?")
                    .execute(arguments: [result.job.number, result.count, key])
            } else {
                try db.cachedStatement(sql: "DELETE FROM keys WHERE key = ?").execute(arguments: [key])
            }
        }
    }
}

// Reading.
extension StateStore {
    /// Hands over every event after a number, in order, each checked against its sum.
    package func events(after number: Int64, _ body: (LoggedEvent) throws -> Void) throws {
        let decoder = JSONDecoder()
        var requests: [Int64: JobRequest] = [:]
        var expected = number + 1
        do {
            try database.unsafeRead { db in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT e.seq, e.time, e.request, e.body, e.sum, k.key FROM events e
                        LEFT JOIN keys k ON k.seq = e.seq AND k.job IS NULL
                        WHERE e.seq > ? ORDER BY e.seq
                        """, arguments: [number])
                while let row = try rows.next() {
                    let number: Int64 = row[0]
                    guard number == expected else { throw damage("event \(expected) is missing") }
                    expected += 1
                    let event = try event(of: row, decoder, &requests, db)
                    try body(
                        LoggedEvent(
                            number: number, time: TimePoint(nanoseconds: row[1]), event: event, key: row[5]))
                }
            }
        } catch {
            throw StoreError(error, at: path).offering(Backups.newest(in: folder))
        }
    }

    private func event(
        of row: Row, _ decoder: JSONDecoder, _ requests: inout [Int64: JobRequest], _ db: Database
    ) throws -> Event {
        let number: Int64 = row[0]
        let body: Data? = row[3]
        let request: Int64? = row[2]
        guard row[4] == StateStore.sum(number, row[1], request, body) else {
            throw damage("event \(number) is not what was written")
        }
        if let request {
            if let known = requests[request] { return .submitted(known) }
            let asked = try self.request(request, db, decoder)
            if requests.count > 10_000 { requests.removeAll() }
            requests[request] = asked
            return .submitted(asked)
        }
        do {
            return try decoder.decode(Event.self, from: body ?? Data())
        } catch {
            throw damage("event \(number) cannot be read")
        }
    }

    func request(_ number: Int64, _ db: Database, _ decoder: JSONDecoder) throws -> JobRequest {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT digest, body FROM requests WHERE id = ?"), arguments: [number])
        guard let row else { throw damage("request \(number) is missing") }
        let body: Data = row[1]
        guard row[0] == Sum.of(body), let request = try? decoder.decode(JobRequest.self, from: body) else {
            throw damage("request \(number) is not what was written")
        }
        return request
    }

    func damage(_ what: String) -> StoreError { .corrupt(path: path, what: what, backup: nil) }
}
