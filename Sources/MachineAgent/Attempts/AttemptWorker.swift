internal import CLinux
internal import Collectives
internal import ControlAPI
internal import Essentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// What the host's thread does: it waits for supervisors and commands, and keeps what is known of each attempt.
final class AttemptWorker {
    let folder: String
    let machine: String
    let isolation: Isolation
    let options: AttemptOptions
    let boot: String
    var report: @Sendable (AgentReport) -> Void = { _ in }
    var attempts: [AttemptID: Attempt] = [:]
    let factory: SupervisorFactory
    let supervisor: SupervisorProgram
    let shelf: DeviceShelf
    let trials = DeviceTrials()
    let resets = ResetsUnderWay()

    private let watch: Int32
    private let bell: Bell
    /// Which rank a connection belongs to.
    private var owners: [Int32: (attempt: AttemptID, rank: Int)] = [:]
    /// Ranks whose supervisor closed its end, and neither left an end nor has ended.
    private var unclear: [(attempt: AttemptID, rank: Int)] = []
    weak var host: AttemptHost?
    /// Tells attempts of different state folders apart.
    private let markerPrefix: String

    init(
        folder: String, machine: String, isolation: Isolation, supervisor: SupervisorProgram,
        options: AttemptOptions, bell: Bell
    ) throws {
        self.folder = folder
        self.machine = machine
        self.isolation = isolation
        self.options = options
        self.supervisor = supervisor
        self.bell = bell
        factory = SupervisorFactory(supervisor)
        boot = SmallFile.value("/proc/sys/kernel/random/boot_id") ?? "unknown"
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw Failure("The folder \(folder) for attempts cannot be made: \(sentence(errno)).")
        }
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else {
            throw Failure("The folder \(folder) for attempts cannot be read: \(sentence(errno)).")
        }
        markerPrefix = "\(status.st_dev)-\(status.st_ino)"
        shelf = try DeviceShelf(
            folder: folder + "/devices", isolation: isolation, boot: boot, prefix: markerPrefix)
        watch = process_watch_make()
        guard watch >= 0, process_watch_add(watch, bell.descriptor) == 0 else {
            throw Failure("No descriptor is left to wait for jobs with.")
        }
    }

    deinit {
        for descriptor in owners.keys { close(descriptor) }
        close(watch)
    }

    func marker(_ attempt: AttemptID, rank: Int) -> String { "\(markerPrefix)-\(attempt).\(rank)" }

    var statuses: [AttemptStatus] { attempts.values.map { AttemptStatus($0.id, $0.state) } }

    // MARK: The loop

    /// Works until the host is closed or gone.
    func run() {
        var ready = [Int32](repeating: -1, count: 64)
        while true {
            let wait: Int32 = !unclear.isEmpty ? 5 : shelf.hasLeaving ? 100 : -1
            let count = unsafe process_watch_wait_for(watch, &ready, Int32(ready.count), wait)
            for descriptor in ready.prefix(Int(count)) where descriptor != bell.descriptor {
                hear(descriptor)
            }
            clearUp()
            if shelf.hasLeaving { shelf.removeLeaving() }
            if ready.prefix(Int(count)).contains(bell.descriptor) {
                bell.quiet()
                guard let commands = host?.takeCommands() else { return }
                for command in commands { perform(command) }
                for (id, end) in host?.takeCleared() ?? [] {
                    if let attempt = attempts[id], attempt.end == nil { finish(attempt, end) }
                }
            }
        }
    }

    /// Remembers who speaks on a connection.
    func listen(to link: SupervisorLink, _ attempt: Attempt, _ rank: Int) {
        attempt.ranks[rank].link = link
        owners[link.descriptor] = (attempt.id, rank)
        // A descriptor that is open can be watched, unless the kernel has no memory left; then its end is found later.
        if process_watch_add(watch, link.descriptor) != 0 { unclear.append((attempt.id, rank)) }
    }

    private func hang(up attempt: Attempt, _ rank: Int) {
        guard let link = attempt.ranks[rank].link else { return }
        attempt.ranks[rank].link = nil
        owners[link.descriptor] = nil
        // Closing takes it out of the watched set too.
        close(link.descriptor)
    }

    private func hear(_ descriptor: Int32) {
        guard let (id, rank) = owners[descriptor], let attempt = attempts[id],
            let (lines, isOver) = attempt.ranks[rank].link?.receive()
        else { return }
        for line in lines { hear(line, attempt, rank) }
        guard isOver else { return }
        hang(up: attempt, rank)
        if attempt.ranks[rank].fact == nil { lookAfter(attempt, rank) }
    }

    private func hear(_ line: SupervisorLine, _ attempt: Attempt, _ rank: Int) {
        switch line.word {
        case "started":
            attempt.ranks[rank].started = line
            startedRank(of: attempt)
        case "unwritten": attempt.ranks[rank].isUnwritten = true
        case "ended", "failed":
            conclude(attempt, rank, fact(line, attempt, rank))
            if !attempt.ranks[rank].isUnwritten { hang(up: attempt, rank) }
        case "frozen", "thawed":
            attempt.ranks[rank].isFrozen = line.word == "frozen"
            suspensionChanged(attempt)
        default: break
        }
    }

    func fact(_ line: SupervisorLine, _ attempt: Attempt, _ rank: Int) -> RankFact {
        if let outcome = StepOutcome(line, limits: attempt.limits(ofRank: rank)) { return .ended(outcome) }
        if line.text("call") == "claimed" { return .neverStarted }
        return .failed(failureSentence(line, attempt, rank))
    }

    // MARK: Ends

    /// A supervisor has closed its end without a last word: either its file says it, or it was killed.
    private func lookAfter(_ attempt: Attempt, _ rank: Int) {
        if let fact = settled(attempt, rank) {
            conclude(attempt, rank, fact)
        } else {
            unclear.append((attempt.id, rank))
        }
    }

    func lookAgain(_ attempt: Attempt, _ rank: Int) { unclear.append((attempt.id, rank)) }

    private func clearUp() {
        let pending = unclear
        unclear = []
        for (id, rank) in pending {
            guard let attempt = attempts[id], attempt.ranks[rank].fact == nil else { continue }
            if attempt.ranks[rank].link == nil, !reconnect(attempt, rank) { lookAfter(attempt, rank) }
        }
    }

    /// Finds a living supervisor again; false when it does not answer.
    func reconnect(_ attempt: Attempt, _ rank: Int) -> Bool {
        let name = AttemptFolder.name(ofRank: rank) + ".socket"
        let descriptor = unsafe process_connect(attempt.folder.path, name)
        guard descriptor >= 0 else { return false }
        listen(to: SupervisorLink(descriptor), attempt, rank)
        if attempt.hasFailed { endTheOthers(of: attempt) }
        return true
    }

    /// What has become of a rank by its files alone; nil while its supervisor lives.
    func settled(_ attempt: Attempt, _ rank: Int) -> RankFact? {
        if let line = attempt.folder.end(ofRank: rank) { return fact(line, attempt, rank) }
        guard let manifest = attempt.folder.manifest(ofRank: rank) else {
            // A supervisor that comes later finds the place taken.
            return attempt.folder.claim(rank: rank) ? .neverStarted : nil
        }
        if manifest.boot == boot {
            if process_start_time(manifest.supervisor) == manifest.startTime { return nil }
            // It may have ended in the usual way since we looked.
            if let line = attempt.folder.end(ofRank: rank) { return fact(line, attempt, rank) }
            attempt.ranks[rank].remarks += Leftovers.end(
                marker: marker(attempt.id, rank: rank), groups: manifest.groups)
        }
        return .lost
    }

    func conclude(_ attempt: Attempt, _ rank: Int, _ fact: RankFact) {
        guard attempt.ranks[rank].fact == nil else { return }
        attempt.ranks[rank].fact = fact
        attempt.ranks[rank].isFrozen = false
        if attempt.hasFailed { endTheOthers(of: attempt) }
        decide(attempt)
    }

    /// One rank alone cannot finish what was begun together.
    private func endTheOthers(of attempt: Attempt) {
        attempt.tell(SupervisorBlock.termination(grace: attempt.record?.start.launch.grace ?? .zero))
    }

    /// Decides how an attempt ended, once all of its ranks have.
    func decide(_ attempt: Attempt) {
        let facts = attempt.ranks.compactMap(\.fact)
        guard attempt.end == nil, facts.count == attempt.ranks.count else { return }
        var end = AttemptEnd(facts, firstRank: attempt.record?.start.firstRank ?? 0)
        end.remarks += attempt.ranks.flatMap(\.remarks)
        if !clearAccelerators(of: attempt, then: end) { finish(attempt, end) }
    }

    func finish(_ attempt: Attempt, _ end: AttemptEnd) {
        attempt.end = end
        attempt.isSuspended = false
        // A single rank's own file says it all; anything else is kept as it was decided.
        if attempt.ranks.count != 1 || attempt.isClearing || attempt.folder.end(ofRank: 0) == nil {
            try? attempt.folder.writeJSON(end, to: AttemptFolder.endName)
        }
        for region in attempt.record?.regions ?? [] { unsafe unlink(region) }
        tell(attempt, .ended(attempt.id, end))
    }

    // MARK: Reports

    /// Reports, after what others may ask for has been brought up to date.
    func tell(_ attempt: Attempt, _ news: AgentReport) {
        host?.note(attempt.id, attempt.state)
        report(news)
    }

    func host(notes attempt: Attempt) { host?.note(attempt.id, attempt.state) }

    private func startedRank(of attempt: Attempt) {
        guard attempt.end == nil, !attempt.hasReportedStart, attempt.ranks.allSatisfy({ $0.started != nil })
        else { return }
        attempt.hasReportedStart = true
        completeTable(of: attempt)
        tell(attempt, .started(attempt.id, attempt.run))
    }

    private func suspensionChanged(_ attempt: Attempt) {
        let running = attempt.ranks.filter { $0.fact == nil }
        guard attempt.end == nil, !running.isEmpty else { return }
        if !attempt.isSuspended, running.allSatisfy(\.isFrozen) {
            attempt.isSuspended = true
            tell(attempt, .suspended(attempt.id))
        } else if attempt.isSuspended, running.allSatisfy({ !$0.isFrozen }) {
            attempt.isSuspended = false
            tell(attempt, .resumed(attempt.id))
        }
    }

    func forget(_ attempt: Attempt) {
        for rank in attempt.ranks.indices {
            if attempt.ranks[rank].isUnwritten {
                attempt.ranks[rank].link?.send(SupervisorBlock.command("A", 0))
            }
            hang(up: attempt, rank)
        }
        attempt.folder.remove()
        attempts[attempt.id] = nil
        host?.note(attempt.id, nil)
    }
}
