package import Essentials
package import Foundation
internal import GRDB

/// What a machine said about an attempt: its processes and files when it started, what it used when it ended.
///
/// Nothing is decided by it, so the store keeps it as bytes, of the last attempt alone.
package struct RunNote {
    package var job: JobID
    package var attempt: Int
    package var machine: String
    package var start: Data?
    package var end: Data?

    package init(job: JobID, attempt: Int, machine: String, start: Data? = nil, end: Data? = nil) {
        self.job = job
        self.attempt = attempt
        self.machine = machine
        self.start = start
        self.end = end
    }
}

extension StateStore {
    /// The notes on a job, by machine.
    package func runs(of job: JobID) throws(StoreError) -> [RunNote] {
        try reading { db in
            try Row.fetchAll(
                db, sql: "SELECT machine, attempt, start, end FROM runs WHERE job = ? ORDER BY machine",
                arguments: [job.number]
            ).map { RunNote(job: job, attempt: $0[1], machine: $0[0], start: $0[2], end: $0[3]) }
        }
    }

    func write(_ run: RunNote, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO runs (job, machine, attempt, start, end) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (job, machine) DO UPDATE SET
                    start = CASE WHEN attempt = excluded.attempt THEN coalesce(excluded.start, start)
                        ELSE excluded.start END,
                    end = CASE WHEN attempt = excluded.attempt THEN coalesce(excluded.end, end)
                        ELSE excluded.end END,
                    attempt = excluded.attempt
                """
        ).execute(arguments: [run.job.number, run.machine, run.attempt, run.start, run.end])
    }
}
