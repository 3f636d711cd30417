package import Essentials
package import Foundation
internal import GRDB
package import Scheduling

/// The cluster's state at one point of the log, as far as it has changed since the last checkpoint.
package struct Checkpoint {
    /// Everything but the jobs.
    package var frame: Data
    /// How many jobs the state holds, to find rows that got lost.
    package var jobCount: Int
    package var changed: [Job]
    package var forgotten: [JobID]
    /// Jobs that have ended since, for the history.
    package var ended: [Job]
    package var time: TimePoint

    package init(
        frame: Data, jobCount: Int, changed: [Job], forgotten: [JobID], ended: [Job], time: TimePoint
    ) {
        self.frame = frame
        self.jobCount = jobCount
        self.changed = changed
        self.forgotten = forgotten
        self.ended = ended
        self.time = time
    }
}

/// What the database knows at the start: a checkpoint, and behind which event the log goes on from it.
package struct RecoveredCheckpoint {
    package var frame: Data
    package var event: Int64
    package var jobs: [Job]
}

/// How much of the past is kept.
package struct HistoryLimits: Hashable, Sendable {
    /// Events before the last checkpoint, for those who want to know what happened.
    package var events: Int
    package var jobs: Int

    package init(events: Int = 100_000, jobs: Int = 200_000) {
        self.events = events
        self.jobs = jobs
    }

    /// So many rows go at once, so that no commit waits long for it.
    static let step = 5_000
}

// Writing.
extension StateStore {
    /// Writes a checkpoint that holds everything committed so far, in one transaction; unchanged jobs are not touched.
    package func write(_ checkpoint: Checkpoint, keeping limits: HistoryLimits = HistoryLimits())
        throws(StoreError)
    {
        do {
            try writing { db in
                try writeKeyResults(db)
                for job in checkpoint.changed { try upsert(job, db) }
                try requests.write(db)
                for job in checkpoint.forgotten {
                    try db.cachedStatement(sql: "DELETE FROM jobs WHERE id = ?").execute(arguments: [
                        job.number
                    ])
                }
                try writeHistory(checkpoint.ended, db)
                try writeFrame(checkpoint, db)
                try prune(limits, at: checkpoint.time, db)
            }
        } catch {
            requests.unstage()
            throw error
        }
        requests.written()
        keyResults.removeAll(keepingCapacity: true)
    }

    private func upsert(_ job: Job, _ db: Database) throws {
        let row = try JobRow(job, request: requests.number(of: job.request, in: db))
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO jobs (id, request, submitted, phase, array, task, body, sum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            row.id, row.request, row.submitted, row.phase, row.array, row.task, row.body, row.sum,
        ])
    }

    private func writeHistory(_ jobs: [Job], _ db: Database) throws {
        for job in jobs {
            guard case .ended(let end) = job.phase else { continue }
            try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO history (id, ended, user, name, queue, state, body)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                job.id.number, (job.endedAt ?? .zero).nanoseconds, job.request.label.user,
                job.request.label.name, job.request.queue, end.stateName, TextCoding.encoder.encode(job),
            ])
        }
    }

    private func writeFrame(_ checkpoint: Checkpoint, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO frame (id, seq, jobs, body, sum) VALUES (1, ?, ?, ?, ?)",
            arguments: [
                nextEvent - 1, checkpoint.jobCount, checkpoint.frame, Sum.of(checkpoint.frame),
            ])
    }

    /// Removes a small part of what is too old.
    private func prune(_ limits: HistoryLimits, at now: TimePoint, _ db: Database) throws {
        let step = HistoryLimits.step
        let firstEvent = nextEvent - 1 - Int64(limits.events)
        try db.execute(
            sql: "DELETE FROM events WHERE seq <= ? AND seq < (SELECT min(seq) FROM events) + ?",
            arguments: [firstEvent, step])
        let tooMany = try (Int.fetchOne(db, sql: "SELECT count(*) FROM history") ?? 0) - limits.jobs
        if tooMany > 0 {
            try db.execute(
                sql: "DELETE FROM history WHERE id IN (SELECT id FROM history ORDER BY id LIMIT ?)",
                arguments: [min(tooMany, step)])
        }
        try db.execute(
            sql: "DELETE FROM keys WHERE key IN (SELECT key FROM keys WHERE time < ? ORDER BY time LIMIT ?)",
            arguments: [now.nanoseconds - StateStore.keyLife.nanoseconds, step])
        try collect(firstEvent, db)
    }

    /// Removes requests that no job and no kept event names, and payloads that no living job will start.
    ///
    /// Called when `jobs` is the whole truth, so what is not there lives nowhere.
    private func collect(_ firstEvent: Int64, _ db: Database) throws {
        let after = try db.fact("collected") ?? 0
        let window = try Int64.fetchAll(
            db, sql: "SELECT id FROM requests WHERE id > ? ORDER BY id LIMIT 500", arguments: [after])
        if let last = window.last {
            try db.execute(
                sql: """
                    DELETE FROM requests WHERE id > ? AND id <= ?
                    AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.request = requests.id)
                    AND id NOT IN (SELECT request FROM events WHERE request IS NOT NULL)
                    """, arguments: [after, last])
            if db.changesCount > 0 { requests.forgetNumbers() }
        }
        try db.setFact("collected", window.count < 500 ? 0 : window.last ?? 0)
        try collectPayloads(db)
    }

    private func collectPayloads(_ db: Database) throws {
        let after = try db.fact("collected-payloads") ?? 0
        let window = try Int64.fetchAll(
            db, sql: "SELECT id FROM payloads WHERE id > ? ORDER BY id LIMIT 200", arguments: [after])
        if let last = window.last {
            try db.execute(
                sql: """
                    DELETE FROM payloads WHERE id > ? AND id <= ? AND NOT EXISTS (
                        SELECT 1 FROM requests JOIN jobs ON jobs.request = requests.id
                        WHERE requests.payload = payloads.id AND jobs.phase < ?)
                    """, arguments: [after, last, JobRow.Phase.ended.rawValue])
            if db.changesCount > 0 { payloads.forgetNumbers() }
        }
        try db.setFact("collected-payloads", window.count < 200 ? 0 : window.last ?? 0)
    }
}

extension Database {
    fileprivate func fact(_ name: String) throws -> Int64? {
        try String.fetchOne(self, sql: "SELECT value FROM facts WHERE name = ?", arguments: [name])
            .flatMap { Int64($0) }
    }

    fileprivate func setFact(_ name: String, _ value: Int64) throws {
        try execute(
            sql: "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", arguments: [name, "\(value)"])
    }
}

// Reading.
extension StateStore {
    /// The last checkpoint, each row checked against its sum; nil in a new database.
    package func checkpoint() throws(StoreError) -> RecoveredCheckpoint? {
        do {
            return try database.unsafeRead { db in
                guard let row = try Row.fetchOne(db, sql: "SELECT seq, jobs, body, sum FROM frame") else {
                    return nil
                }
                let frame: Data = row[2]
                guard row[3] == Sum.of(frame) else { throw damage("its checkpoint is not what was written") }
                let jobs = try jobs(db)
                guard jobs.count == row[1] else {
                    throw damage("its checkpoint holds \(jobs.count) jobs instead of \(row[1] as Int)")
                }
                return RecoveredCheckpoint(frame: frame, event: row[0], jobs: jobs)
            }
        } catch {
            throw StoreError(error, at: path).offering(Backups.newest(in: folder))
        }
    }

    private func jobs(_ db: Database) throws -> [Job] {
        var jobs: [Job] = []
        var requests: [Int64: Boxed<JobRequest>] = [:]
        let decoder = JSONDecoder()
        let rows = try Row.fetchCursor(
            db,
            sql: "SELECT id, request, submitted, phase, array, task, body, sum FROM jobs ORDER BY id")
        while let row = try rows.next() {
            let row = JobRow(row)
            guard row.isWhole else { throw damage("the row of job \(row.id) is not what was written") }
            if requests[row.request] == nil {
                requests[row.request] = Boxed(try request(row.request, db, decoder))
            }
            guard let request = requests[row.request], let job = row.job(request, decoder) else {
                throw damage("job \(row.id) cannot be read")
            }
            jobs.append(job)
        }
        return jobs
    }

    /// Ended jobs of the history that the selection keeps, the latest first.
    package func history(user: String? = nil, ids: [JobID]? = nil, limit: Int = 10_000) throws(StoreError)
        -> [Job]
    {
        try reading { db in
            var filters: [String] = []
            var arguments = StatementArguments()
            if let user {
                filters.append("user = ?")
                arguments += [user]
            }
            if let ids {
                filters.append("id IN (\(ids.map { "\($0.number)" }.joined(separator: ",")))")
            }
            let condition = filters.isEmpty ? "" : " WHERE " + filters.joined(separator: " AND ")
            arguments += [limit]
            let decoder = JSONDecoder()
            return try Data.fetchAll(
                db, sql: "SELECT body FROM history\(condition) ORDER BY id DESC LIMIT ?", arguments: arguments
            ).compactMap { try? decoder.decode(Job.self, from: $0) }
        }
    }
}
