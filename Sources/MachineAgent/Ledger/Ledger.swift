package import Essentials
package import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// The record of who has what on one machine, shared by all commands that run there at once.
///
/// Every change is one transaction: lock, read, mark the jobs of dead owners as lost, change, write a new file beside
/// the old one, put it in its place, unlock. Readers need no lock, since they see the old or the new file.
///
/// Layout: `ledger.json` (the state), `ledger.lock` (the lock; holds the next job's number, so that numbers are not
/// used again even when the state is lost), `history.jsonl` (ended jobs), `owners/` (a locked file per living command).
package struct Ledger: Sendable {
    package let folder: String

    /// The ledger of a machine inside a folder from `LedgerFolder`; nothing is made until the first change.
    package init(in folder: String, machine name: String) {
        self.folder = LedgerFolder.folder(ofMachine: name, in: folder)
    }

    var statePath: String { folder + "/ledger.json" }
    var ownersFolder: String { folder + "/owners" }
    private var lockPath: String { folder + "/ledger.lock" }
    private var history: LedgerHistory { LedgerHistory(folder: folder) }

    /// Ended jobs in the state itself: enough for their owners to see the end that others caused.
    private static let policy = SchedulingPolicy(endedJobsKept: 32)
}

// Changing.
extension Ledger {
    /// What a change may do while it has the lock.
    struct Transaction {
        fileprivate(set) var record: LedgerRecord
        fileprivate(set) var now: TimePoint
        fileprivate var ended: [Job] = []
        fileprivate var isChanged = false

        var state: ClusterState { record.state }

        @discardableResult
        mutating func apply(_ event: Event) -> [Action] {
            let actions = record.state.on(event, at: now)
            // An ignored event, which is always alone, is not worth a write.
            if case .ignored = actions.first { return actions }
            isChanged = true
            for case .ended(let id, _) in actions {
                record.claims.removeAll { $0.job == id }
                if let job = record.state.jobs[id] { ended.append(job) }
            }
            return actions
        }

        mutating func claim(_ job: JobID, for owner: String) {
            record.claims.append(.init(job: job, owner: owner))
            isChanged = true
        }
    }

    /// Runs one change under the lock; if it throws, or cannot be written, the record stays as it was.
    func change<Value>(_ body: (inout Transaction) throws -> Value) throws -> Value {
        try prepareFolder()
        let lock = try takeLock()
        var transaction = try begin(lock)
        let value = try body(&transaction)
        try commit(transaction, lock)
        return value
    }

    /// Marks the jobs of dead owners as lost and stops jobs that are over their limit.
    func catchUp() throws {
        try change { transaction in
            if let deadline = transaction.state.nextWakeUp, deadline <= transaction.now {
                transaction.apply(.timePassed)
            }
        }
    }

    private func prepareFolder() throws(LedgerError) {
        do {
            try Files.makeFolders(folder)
        } catch {
            throw .folderNotUsable(folder, code: error.code)
        }
        guard Files.isWritableFolder(folder) else { throw .folderNotUsable(folder, code: errno) }
    }

    private func takeLock() throws(LedgerError) -> OpenFile {
        do {
            let file = try OpenFile(lockPath, O_RDWR | O_CREAT)
            try file.lock()
            return file
        } catch {
            throw .cannotLock(lockPath, code: error.code)
        }
    }

    private func begin(_ lock: borrowing OpenFile) throws -> Transaction {
        var record = try read() ?? makeRecord(lock)
        let isRestarted = !record.clock.isCurrent
        if isRestarted { record.clock = LedgerClock(notBefore: record.state.time) }
        var transaction = Transaction(record: record, now: record.clock.now(), isChanged: isRestarted)
        reapDeadOwners(&transaction)
        return transaction
    }

    private func reapDeadOwners(_ transaction: inout Transaction) {
        for owner in transaction.record.owners where !LedgerOwner.isAlive(owner, in: ownersFolder) {
            for claim in transaction.record.claims where claim.owner == owner {
                transaction.apply(.ownerLost(claim.job))
            }
            transaction.record.claims.removeAll { $0.owner == owner }
            LedgerOwner.forget(owner, in: ownersFolder)
        }
    }

    private func commit(_ transaction: Transaction, _ lock: borrowing OpenFile) throws {
        guard transaction.isChanged else { return }
        let bytes = try transaction.record.written()
        try history.append(transaction.ended)
        do throws(FileFailure) {
            try note(nextJob: transaction.state.nextJob, lock)
            try Files.replace(statePath, in: folder, with: bytes)
        } catch {
            throw LedgerError.cannotWrite(statePath, code: error.code)
        }
    }
}

// Reading.
extension Ledger {
    /// The record as it is, or nil before the first change.
    func read() throws(LedgerError) -> LedgerRecord? {
        let bytes: [UInt8]
        do {
            bytes = try OpenFile(statePath, O_RDONLY).readAll()
        } catch {
            if error.code == ENOENT { return nil }
            throw .cannotRead(statePath, code: error.code)
        }
        do throws(LedgerRecord.Unreadable) {
            return try LedgerRecord(reading: bytes)
        } catch {
            switch error {
            case .newer(let version):
                throw .newerVersion(statePath, found: version, known: LedgerRecord.currentVersion)
            case .damaged(let why): throw setAside(because: why)
            }
        }
    }

    /// Keeps a damaged file under another name, and returns the error that says so.
    private func setAside(because why: String) -> LedgerError {
        let kept = "\(statePath).damaged-\(TimePoint.wallNow().iso8601)"
        guard unsafe rename(statePath, kept) == 0 else { return .cannotWrite(statePath, code: errno) }
        return .damaged(statePath, keptAs: kept, why: why)
    }

    private func makeRecord(_ lock: borrowing OpenFile) throws(LedgerError) -> LedgerRecord {
        let living = LedgerOwner.living(in: ownersFolder)
        guard living.isEmpty else { throw .ownersStillRunning(statePath, count: living.count) }
        let first = try nextJobNoted(lock)
        return LedgerRecord(
            clock: LedgerClock(notBefore: .zero), state: ClusterState(policy: Ledger.policy, firstJob: first))
    }

    private func nextJobNoted(_ lock: borrowing OpenFile) throws(LedgerError) -> JobID {
        do {
            let text = String(decoding: try lock.readAll(), as: UTF8.self)
            return JobID(max(1, Int(text.prefix { $0.isNumber }) ?? 1))
        } catch {
            throw .cannotRead(lockPath, code: error.code)
        }
    }

    /// Numbers only get longer, so writing over the old one leaves nothing of it.
    private func note(nextJob: JobID, _ lock: borrowing OpenFile) throws(FileFailure) {
        guard lseek(lock.descriptor, 0, SEEK_SET) == 0 else { throw FileFailure(code: errno) }
        try lock.writeAll(Array("\(nextJob.number)\n".utf8))
    }
}

// For `heng jobs`, `heng explain` and `heng cancel`.
extension Ledger {
    /// The living jobs and the last ended ones; empty when this machine never had a job.
    package func jobs(ended count: Int = LedgerHistory.kept) throws -> JobTable {
        guard let record = try current() else { return JobTable(rows: []) }
        return JobTable(
            record.state, at: record.clock.now(), endedBefore: try history.lastJobs(count))
    }

    /// Nil when the job is not known here, or no longer.
    package func explain(_ job: JobID) throws -> JobExplanation? { try current()?.state.explain(job) }

    /// Ends a waiting job, or asks the owner of a running one to stop it; returns the state it is in then.
    @discardableResult
    package func cancel(_ job: JobID) throws -> JobPhase {
        try change { transaction in
            guard let found = transaction.state.jobs[job] else { throw LedgerError.unknownJob(job) }
            if !found.phase.isEnded { transaction.apply(.cancelRequested(job)) }
            return transaction.state.jobs[job]?.phase ?? found.phase
        }
    }

    /// The record after the jobs of dead owners were marked, as far as we may do that.
    private func current() throws -> LedgerRecord? {
        guard let record = try read() else { return nil }
        guard needsAttention(record), Files.isWritableFolder(folder) else { return record }
        try catchUp()
        return try read()
    }

    /// Whether an owner died or a limit passed that nobody has noticed yet.
    func needsAttention(_ record: LedgerRecord) -> Bool {
        if !record.clock.isCurrent { return true }
        if let deadline = record.state.nextWakeUp, deadline <= record.clock.now() { return true }
        return record.owners.contains { !LedgerOwner.isAlive($0, in: ownersFolder) }
    }
}
