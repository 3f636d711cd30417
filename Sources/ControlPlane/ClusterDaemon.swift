package import ControlAPI
package import Essentials
internal import Foundation
internal import Scheduling
internal import Store
internal import Synchronization

/// The daemon without its sockets: the recovered state, its owner's thread, and the local agent.
package final class ClusterDaemon: Sendable {
    package let folder: String
    let log: DaemonLog
    let watchers = Watchers()
    let startedAt = TimePoint.wallNow()
    private let mailbox = Mailbox<Mail>()
    private let lock: FolderLock
    private let runtime: (any AgentRuntime)?
    private let patience: AgentPatience
    /// Between two copies that it makes by itself; nil makes none.
    private let backupInterval: Duration?
    private let phase = Mutex(Phase.recovering)
    let isBackingUp = Mutex(false)

    /// The kernel takes its time to clear a large process away that was killed, and the lock goes last.
    private static let lockPatience: Duration = .seconds(1)

    enum Phase: Sendable {
        case recovering
        case working
        case failed(String)
    }

    /// Takes the folder, and fails when another daemon has it.
    ///
    /// The rest comes with `start`.
    package init(
        folder: String, runtime: (any AgentRuntime)?, patience: AgentPatience = AgentPatience(),
        backupInterval: Duration? = nil, log: DaemonLog
    ) throws {
        self.folder = folder
        self.patience = patience
        self.backupInterval = backupInterval
        self.runtime = runtime
        self.log = log
        lock = try FolderLock(folder: folder, patience: ClusterDaemon.lockPatience)
    }

    /// Recovers the state on the owner's thread, which then works until `stop`.
    ///
    /// `failed` is called when the state cannot be recovered, `ended` when the owner has finished by itself.
    package func start(ended: @escaping @Sendable ((any Error)?) -> Void) throws(Failure) {
        try startThread { [self] in
            do {
                let owner = try recover()
                phase.withLock { $0 = .working }
                if let runtime { try startAgent(runtime, owner.livingAttempts) }
                let backups = backupInterval.map { interval in
                    Task { await RegularBackup(daemon: self, interval: interval).run() }
                }
                owner.run()
                backups?.cancel()
                runtime?.leave()
                ended(nil)
            } catch {
                phase.withLock { $0 = .failed("\(error)") }
                log.write("\(error)")
                ended(error)
            }
        }
    }

    private func recover() throws -> Owner {
        let begin = TimePoint.monotonicNow()
        let store = try StateStore(folder: folder)
        let recovery = try Recovery(from: store)
        try store.claim()
        try recovery.keepClock(in: store)
        let took = (TimePoint.monotonicNow() - begin).inSeconds.formatted(digits: 3)
        log.write(
            "recovered in \(took) s: \(recovery.state.waitingCount) jobs wait, \(recovery.state.activeJobs.count) hold resources, \(recovery.replayed) events behind the checkpoint"
        )
        return Owner(
            store: store, recovered: recovery, mailbox: mailbox, watchers: watchers, log: log,
            waitsForAgent: runtime != nil, patience: patience)
    }

    /// The agent may take its time to find what is left of earlier attempts; questions are answered meanwhile.
    private func startAgent(
        _ runtime: any AgentRuntime, _ attempts: [String: [AttemptID]]
    ) throws(Failure) {
        let mailbox = mailbox
        try startThread {
            let link = LocalLink(runtime)
            let early = EarlyReports(mailbox)
            do {
                let hello = try runtime.join(expecting: attempts) { early.take($0) }
                mailbox.put(.joined(hello, link) { _ in })
                early.pass(for: hello.machine.name)
            } catch {
                mailbox.put(.agentFailed("\(error)"))
            }
        }
    }

    var currentPhase: Phase { phase.withLock { $0 } }

    /// Hands something to the owner.
    func put(_ mail: Mail) { mailbox.put(mail) }

    /// Waits for the owner's answer.
    func ask<Value: Sendable>(_ mail: (@escaping Answer<Value>) -> Mail) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            mailbox.put(mail { continuation.resume(with: $0) })
        }
    }

    /// Asks the owner a question about the state.
    func look<Value: Sendable>(_ question: @escaping @Sendable (Owner) throws -> Value) async throws -> Value
    {
        try await ask { answer in
            .look { owner in answer(Result { try question(owner) }) }
        }
    }

    /// Ends the owner after a checkpoint; jobs go on.
    package func stop() async throws { try await ask { .stop($0) } as Void }
}

/// Reports that come before the agent has said which machine it is wait for that.
private final class EarlyReports: Sendable {
    private let mailbox: Mailbox<Mail>
    private let state = Mutex(State())

    private struct State {
        var machine: String?
        var waiting: [AgentReport] = []
    }

    init(_ mailbox: Mailbox<Mail>) { self.mailbox = mailbox }

    func take(_ report: AgentReport) {
        state.withLock { state in
            if let machine = state.machine {
                mailbox.put(.report(machine: machine, report))
            } else {
                state.waiting.append(report)
            }
        }
    }

    func pass(for machine: String) {
        state.withLock { state in
            state.machine = machine
            for report in state.waiting { mailbox.put(.report(machine: machine, report)) }
            state.waiting = []
        }
    }
}

extension ClusterDaemon {
    /// Takes a folder as long as the value is kept.
    package static func lock(_ folder: String) throws -> any AnyObject & Sendable {
        try FolderLock(folder: folder, patience: lockPatience)
    }

    /// Puts a backup in the place of a folder's database while no daemon works there.
    ///
    /// Returns the name under which the database of before is kept.
    package static func restore(_ backup: String, in folder: String) throws -> String? {
        let lock = try FolderLock(folder: folder)
        return try withExtendedLifetime(lock) {
            try Backups.restore(backup, in: folder, at: .wallNow())
        }
    }
}
