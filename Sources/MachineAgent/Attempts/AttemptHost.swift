internal import CLinux
package import ControlAPI
package import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Runs the attempts of one machine: takes the daemon's commands, and reports what comes of them.
///
/// The attempts outlive it: each rank has a supervisor of its own, and the next host on the same folder finds them
/// again. One thread does everything, so no command waits on another's processes and no call here blocks.
package final class AttemptHost: Sendable {
    /// What was found of earlier hosts, when this one began.
    package let adopted: [AttemptStatus]

    private let bell: Bell
    private let queue = Mutex<Queue>(Queue())
    private let known: Mutex<[AttemptID: AttemptStatus.State]>

    private struct Queue {
        var commands: [AgentCommand] = []
        /// Attempts whose accelerators have been cleared.
        var cleared: [(AttemptID, AttemptEnd)] = []
        var isClosed = false
    }

    /// `folder` holds one folder for each attempt; `machine` is the name that ranks are told.
    ///
    /// `report` is called on the host's thread, and must not block it.
    package init(
        folder: String, machine: String, isolation: Isolation, supervisor: SupervisorProgram,
        options: AttemptOptions = AttemptOptions(), report: @escaping @Sendable (AgentReport) -> Void
    ) throws {
        bell = try Bell()
        let worker = try AttemptWorker(
            folder: folder, machine: machine, isolation: isolation, supervisor: supervisor, options: options,
            bell: bell)
        worker.adopt()
        adopted = worker.statuses
        known = Mutex(Dictionary(uniqueKeysWithValues: worker.statuses.map { ($0.attempt, $0.state) }))
        worker.report = report
        worker.host = self
        let box = WorkerBox(worker)
        try startThread { box.worker.run() }
    }

    /// The thread ends by itself when it finds that the host is gone.
    deinit { bell.ring() }

    /// Takes a command; what comes of it is reported.
    package func perform(_ command: AgentCommand) {
        queue.withLock { $0.commands.append(command) }
        bell.ring()
    }

    /// Every attempt that the host knows now, for a greeting.
    package var statuses: [AttemptStatus] {
        known.withLock { known in
            known.map { AttemptStatus($0.key, $0.value) }.sorted {
                ($0.attempt.job, $0.attempt.attempt) < ($1.attempt.job, $1.attempt.attempt)
            }
        }
    }

    /// Stops to take commands and to report; what runs goes on.
    package func close() {
        queue.withLock { $0.isClosed = true }
        bell.ring()
    }

    // MARK: For the thread

    /// The commands that have come; nil when there will be no more.
    func takeCommands() -> [AgentCommand]? {
        queue.withLock { queue in
            guard !queue.isClosed else { return nil }
            defer { queue.commands = [] }
            return queue.commands
        }
    }

    /// From the thread that cleared them.
    func noteCleared(_ attempt: AttemptID, _ end: AttemptEnd) {
        queue.withLock { $0.cleared.append((attempt, end)) }
        bell.ring()
    }

    func takeCleared() -> [(AttemptID, AttemptEnd)] {
        queue.withLock { queue in
            defer { queue.cleared = [] }
            return queue.cleared
        }
    }

    func note(_ attempt: AttemptID, _ state: AttemptStatus.State?) {
        known.withLock { $0[attempt] = state }
    }
}

/// Wakes the host's thread; closed when neither host nor thread needs it any more.
final class Bell: Sendable {
    let descriptor: Int32

    init() throws(Failure) {
        descriptor = process_bell_make()
        guard descriptor >= 0 else { throw Failure("No descriptor is left to wait for jobs with.") }
    }

    deinit { Glibc.close(descriptor) }

    func ring() { process_bell_ring(descriptor) }
    func quiet() { process_bell_quiet(descriptor) }
}

/// Hands the worker to its thread.
private final class WorkerBox: @unchecked Sendable {
    // Unchecked: the maker lets go of the worker, and from then on only the thread uses it.
    let worker: AttemptWorker
    init(_ worker: AttemptWorker) { self.worker = worker }
}

/// Settings of an agent for all attempts.
package struct AttemptOptions: Hashable, Sendable {
    /// How many processes and threads a rank may have; nil is no limit of ours.
    package var processLimit: Int?
    /// How parts are reset.
    package var resets: ResetPrograms
    /// Where accelerators are on the PCI bus, as far as that is known.
    package var addresses: [DeviceID: String]

    package init(
        processLimit: Int? = nil, resets: ResetPrograms = ResetPrograms(), addresses: [DeviceID: String] = [:]
    ) {
        self.processLimit = processLimit
        self.resets = resets
        self.addresses = addresses
    }
}
