internal import Foundation
internal import GRDB
internal import Scheduling

/// Requests of jobs under numbers, once for equal ones, with the latest ones in memory.
struct RequestTable {
    private var numbers: [JobRequest: Int64] = [:]
    private var next: Int64
    private var staged: [(number: Int64, request: JobRequest, body: Data)] = []
    private let encoder = TextCoding.encoder

    /// How many requests are kept in memory, so that equal submissions are not encoded again.
    private static let kept = 512

    init(_ db: Database) throws {
        next = (try Int64.fetchOne(db, sql: "SELECT max(id) FROM requests") ?? 0) + 1
    }

    /// The number of a request; a new one is written with the next transaction.
    mutating func number(of request: JobRequest, in db: Database) throws -> Int64 {
        if let number = numbers[request] { return number }
        let body = try encoder.encode(request)
        let number = try find(body, in: db) ?? stage(request, body)
        if numbers.count >= RequestTable.kept { numbers.removeAll(keepingCapacity: true) }
        numbers[request] = number
        return number
    }

    private func find(_ body: Data, in db: Database) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT id FROM requests WHERE digest = ? AND body = ?")
        return try Int64.fetchOne(statement, arguments: [Sum.of(body), body])
    }

    private mutating func stage(_ request: JobRequest, _ body: Data) -> Int64 {
        defer { next += 1 }
        staged.append((next, request, body))
        return next
    }

    func write(_ db: Database) throws {
        for (number, request, body) in staged {
            try db.cachedStatement(
                sql: "INSERT INTO requests (id, digest, payload, body) VALUES (?, ?, ?, ?)"
            ).execute(arguments: [number, Sum.of(body), request.payload?.number, body])
        }
    }

    mutating func written() { staged.removeAll() }

    /// The transaction has failed, so nothing staged has a number.
    mutating func unstage() {
        if let first = staged.first { next = first.number }
        for entry in staged { numbers[entry.request] = nil }
        staged.removeAll()
    }

    /// Rows may have gone from the database.
    mutating func forgetNumbers() { numbers.removeAll() }
}

/// What jobs run, as bytes under numbers, once for equal ones.
struct PayloadTable {
    private var known: [Data: Int64] = [:]
    private var knownBytes = 0
    private var next: Int64
    private var staged: [(number: Int64, body: Data)] = []

    /// The payloads in memory are at most so many bytes, so that equal submissions are found at once.
    private static let keptBytes = 1 << 20

    init(_ db: Database) throws {
        next = (try Int64.fetchOne(db, sql: "SELECT max(id) FROM payloads") ?? 0) + 1
    }

    mutating func number(of body: Data, in db: Database) throws -> Int64 {
        if let number = known[body] { return number }
        let number = try find(body, in: db) ?? stage(body)
        if knownBytes + body.count > PayloadTable.keptBytes { forgetNumbers() }
        known[body] = number
        knownBytes += body.count
        return number
    }

    private func find(_ body: Data, in db: Database) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT id FROM payloads WHERE digest = ? AND body = ?")
        return try Int64.fetchOne(statement, arguments: [Sum.of(body), body])
    }

    private mutating func stage(_ body: Data) -> Int64 {
        defer { next += 1 }
        staged.append((next, body))
        return next
    }

    /// What was given out and is not in the database yet.
    func stagedBody(_ number: Int64) -> Data? { staged.first { $0.number == number }?.body }

    func write(_ db: Database) throws {
        for (number, body) in staged {
            try db.cachedStatement(sql: "INSERT INTO payloads (id, digest, body) VALUES (?, ?, ?)")
                .execute(arguments: [number, Sum.of(body), body])
        }
    }

    mutating func written() { staged.removeAll() }

    mutating func unstage() {
        if let first = staged.first { next = first.number }
        for entry in staged { known[entry.body] = nil }
        staged.removeAll()
    }

    mutating func forgetNumbers() {
        known.removeAll()
        knownBytes = 0
    }
}

/// How values become texts in the database: equal values become equal texts.
enum TextCoding {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
