internal import GRDB

/// The tables, by release.
///
/// Each release that changes them adds a migration and a fixture to Tests/Fixtures/store; what is here never changes.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: first) }
        return migrator
    }

    /// The text of the first release.
    ///
    /// `events` is the log: what happened, in order, each with the sum over itself. A submission names its request by
    /// number. `jobs` holds the jobs of the last checkpoint, `frame` everything else of it, `history` ended
    /// jobs, and `runs` what machines said of their attempts beside how they ended.
    private static let first = """
        CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, request INTEGER, body BLOB, sum INTEGER NOT NULL);
        CREATE TABLE payloads (id INTEGER PRIMARY KEY, digest INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE INDEX payloads_digest ON payloads(digest);
        CREATE TABLE requests (
            id INTEGER PRIMARY KEY, digest INTEGER NOT NULL, payload INTEGER, body BLOB NOT NULL);
        CREATE INDEX requests_digest ON requests(digest);
        CREATE INDEX requests_payload ON requests(payload);
        CREATE TABLE keys (
            key TEXT PRIMARY KEY, seq INTEGER NOT NULL, job INTEGER, count INTEGER, time INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX keys_time ON keys(time);
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY, request INTEGER NOT NULL, submitted INTEGER NOT NULL, phase INTEGER NOT NULL,
            array INTEGER, task INTEGER, body BLOB, sum INTEGER NOT NULL);
        CREATE INDEX jobs_request ON jobs(request);
        CREATE TABLE frame (
            id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, jobs INTEGER NOT NULL,
            body BLOB NOT NULL, sum INTEGER NOT NULL);
        CREATE TABLE history (
            id INTEGER PRIMARY KEY, ended INTEGER NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, queue TEXT,
            state TEXT NOT NULL, body BLOB NOT NULL);
        CREATE INDEX history_user ON history(user);
        CREATE TABLE runs (
            job INTEGER NOT NULL, machine TEXT NOT NULL, attempt INTEGER NOT NULL, start BLOB, end BLOB,
            PRIMARY KEY (job, machine)) WITHOUT ROWID;
        """
}
