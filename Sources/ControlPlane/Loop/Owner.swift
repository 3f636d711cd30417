internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

/// The one owner of the cluster's state, on a thread of its own.
///
/// It takes everything that has arrived, writes it to the log in one transaction, and only then applies it, carries out
/// the actions and answers. So whatever anybody was told is on the disk, and when a write fails, nothing has happened.
final class Owner {
    let store: StateStore
    let clock: DaemonClock
    let watchers: Watchers
    let log: DaemonLog
    let startedAt: TimePoint
    let patience: AgentPatience
    private let mailbox: Mailbox<Mail>
    var state: ClusterState
    var links: [String: Link] = [:]
    var leases: Leases
    /// Why nothing can be recorded at the moment.
    private(set) var trouble: StoreError?
    private(set) var isReady = false
    private var recorder = StateRecorder()
    private var eventsSinceCheckpoint = 0
    private var lastMail = TimePoint.zero
    /// Mail that came before the daemon was ready, or whose record failed and that must not get lost.
    private var kept: [Mail] = []
    private var delayed = DelayedMail()
    private var launches = LaunchCache()
    /// Jobs of a checkpoint that could not be written.
    private var unwritten: [JobID] = []
    private var isStopping: Answer<Void>?

    /// How an agent is reached, and since when it has been silent.
    struct Link {
        var link: any AgentLink
        var hello: AgentHello
        var lastHeard: TimePoint
        var isSilent = false
        /// Its connection is gone, so another agent of the name may come.
        var isParted = false
        /// The agent of this process needs no sign of life.
        var isLocal: Bool
    }

    /// A checkpoint behind so many events keeps both the start and the checkpoint itself short.
    static let checkpointInterval = 5_000
    /// So many changed jobs, as large arrays bring them, take a while to write: in a quiet moment if there is one.
    static let manyChanges = 20_000
    static let tooManyChanges = 200_000
    static let quietMoment: Duration = .milliseconds(500)
    /// After a failed write, the next try.
    static let retryPause: Duration = .seconds(1)

    init(
        store: StateStore, recovered: Recovery, mailbox: Mailbox<Mail>, watchers: Watchers, log: DaemonLog,
        waitsForAgent: Bool, patience: AgentPatience
    ) {
        self.patience = patience
        self.store = store
        self.mailbox = mailbox
        self.watchers = watchers
        self.log = log
        state = recovered.state
        recorder = recovered.recorder
        eventsSinceCheckpoint = recovered.replayed
        clock = recovered.clock
        startedAt = recovered.clock.now()
        leases = Leases(recovered.state, at: startedAt)
        isReady = !waitsForAgent
        for machine in recovered.state.inventories.map(\.machine) {
            // Its agent has as long to connect as one that has just fallen silent.
            let hello = AgentHello(
                machine: machine, machineClass: machine.machineClass, boot: "",
                enforcement: machine.enforcement)
            links[machine.name] = Link(
                link: AbsentLink(), hello: hello, lastHeard: startedAt, isLocal: false)
        }
    }

    /// Works until it is told to stop.
    func run() {
        while isStopping == nil {
            let mails = mailbox.takeAll(waitingAtMost: pause)
            if !mails.allSatisfy(\.isQuestion) { lastMail = clock.now() }
            turn(mails)
            if isCheckpointDue { checkpoint() }
        }
        finish()
    }

    private var isCheckpointDue: Bool {
        eventsSinceCheckpoint >= Owner.checkpointInterval || state.changedCount >= Owner.tooManyChanges
            || (state.changedCount >= Owner.manyChanges && clock.now() - lastMail >= Owner.quietMoment)
    }

    private func finish() {
        checkpoint()
        watchers.close()
        do { try store.close() } catch { log.write("closing: \(error)") }
        isStopping?(.success(()))
    }

    /// When the state, an agent or a lease needs attention without mail.
    private var times: [TimePoint] {
        [state.nextWakeUp, nextSilence, leases.nextDeadline].compactMap(\.self)
    }

    /// Until any of these, a delayed report or a failed write needs attention.
    private var pause: Duration? {
        let now = clock.now()
        var times = times + [delayed.until].compactMap(\.self)
        if trouble != nil { times.append(now + Owner.retryPause) }
        if state.changedCount >= Owner.manyChanges { times.append(lastMail + Owner.quietMoment) }
        // A time that just passed is looked at in the next turn, and never in a circle without a pause.
        return times.min().map { max(.milliseconds(trouble == nil ? 0 : 1000), $0 - now) }
    }

    // MARK: One turn

    /// What a turn has to write, and what follows from each entry.
    struct Plan {
        var entries: [LogEntry] = []
        var answers: [(Result<[Action], any Error>) -> Void] = []
        /// What is asked once everything is done.
        var looks: [(Owner) -> Void] = []
        /// Reports are tried again when they cannot be recorded.
        var retried: [Mail] = []
        /// Keys of this turn's submissions.
        var keys: Set<String> = []

        mutating func add(
            _ entry: LogEntry, _ answer: @escaping (Result<[Action], any Error>) -> Void = { _ in }
        ) {
            entries.append(entry)
            answers.append(answer)
        }
    }

    private func turn(_ mails: [Mail]) {
        let now = max(state.time, clock.now())
        let isDue = times.contains { $0 <= now }
        if isReady, trouble == nil, kept.isEmpty, !isDue,
            let looks = delayed.takesAll(of: mails, at: now)
        {
            for look in looks { look(self) }
            return
        }
        let mails = kept + delayed.release() + mails
        var plan = Plan()
        kept = []
        if isReady, let due = state.nextWakeUp, due <= now { plan.add(LogEntry(.timePassed, at: now)) }
        noteSilence(at: now, in: &plan)
        noteMissingCommands(at: now, in: &plan)
        for mail in mails { take(mail, at: now, in: &plan) }
        carryOut(plan, at: now)
        for look in plan.looks { look(self) }
    }

    private func carryOut(_ plan: Plan, at now: TimePoint) {
        guard !plan.entries.isEmpty || trouble != nil else { return }
        do {
            // While there is trouble, a small fact finds out whether it is over.
            if plan.entries.isEmpty { try store.set("tried", to: "\(now.nanoseconds)") }
            try store.commit(plan.entries)
        } catch {
            return fail(plan, error)
        }
        if trouble != nil { log.write("events can be recorded again") }
        trouble = nil
        for (entry, answer) in zip(plan.entries, plan.answers) {
            answer(.success(apply(entry)))
        }
    }

    private func fail(_ plan: Plan, _ error: StoreError) {
        if trouble != error { log.write("\(error)") }
        trouble = error
        for answer in plan.answers { answer(.failure(error)) }
        kept += plan.retried
        if case .superseded = error {
            isStopping = { _ in }
        }
    }

    /// Applies what is on the disk, and does what follows from it.
    private func apply(_ entry: LogEntry) -> [Action] {
        let actions = state.on(entry.event, at: entry.time)
        eventsSinceCheckpoint += 1
        recorder.note(actions, in: state)
        for action in actions { perform(action) }
        if case .changed(let id, .timeLimit) = entry.event { tellTimeLimit(of: id) }
        return actions
    }

    /// Ended jobs that the state may have forgotten, those of the last checkpoint's history and later ones.
    func history(user: String? = nil, ids: [JobID]? = nil) throws -> [Job] {
        let wanted = ids.map { Set($0) }
        let recent = recorder.ended.filter { job in
            (user == nil || job.request.label.user == user) && (wanted?.contains(job.id) ?? true)
        }
        return try recent + store.history(user: user, ids: ids, limit: HistoryLimits().jobs)
    }

    func checkpoint() {
        do {
            let difference = try recorder.difference(of: &state, besides: unwritten)
            unwritten = difference.changed
            try store.write(difference.checkpoint)
            unwritten = []
            recorder.written()
            eventsSinceCheckpoint = 0
        } catch {
            // The log still says everything; the next try comes with the next events.
            log.write("checkpoint: \(error)")
            eventsSinceCheckpoint -= 500
        }
    }

    // MARK: Taking mail

    private func take(_ mail: Mail, at now: TimePoint, in plan: inout Plan) {
        switch mail {
        case .look(let question): plan.looks.append(question)
        case .joined(let hello, let link, let answer): join(hello, link, answer, at: now, in: &plan)
        case .report(let machine, let report): take(report, from: machine, mail, at: now, in: &plan)
        case .parted(let machine, let link): part(machine, link)
        case .agentFailed(let why):
            log.write("the agent of this machine cannot work: \(why)")
            becomeReady()
        case .stop(let answer): isStopping = answer
        case .attach(let id, let user, let link, let answer): attach(id, of: user, link, answer)
        case .leaseClosed(let id, let link): leaseClosed(id, link, at: now, in: &plan)
        case .submit, .lease, .record, .act:
            guard isReady else { return kept.append(mail) }
            takeWhenReady(mail, at: now, in: &plan)
        }
    }

    private func takeWhenReady(_ mail: Mail, at now: TimePoint, in plan: inout Plan) {
        switch mail {
        case .submit(let submission, let answer): submit(submission, answer, at: now, in: &plan)
        case .record(let events, let answer):
            let collected = Collected(count: events.count, answer)
            for (place, event) in events.enumerated() {
                plan.add(LogEntry(event, at: now)) { collected.set(place, $0) }
            }
            if events.isEmpty { answer(.success([])) }
        case .act(let action, let answer): act(action, answer, at: now, in: &plan)
        case .lease(let request, let link, let answer):
            lease(request, link, answer, at: now, in: &plan)
        case .look, .joined, .report, .parted, .agentFailed, .stop, .attach, .leaseClosed: break
        }
    }

    /// Puts mail off until the next turn, which comes at once.
    func putOff(_ mail: Mail) {
        kept.append(mail)
        mailbox.put(.look { _ in })
    }

    func becomeReady() {
        guard !isReady else { return }
        isReady = true
        log.write("ready: \(state.waitingCount) jobs wait, \(state.activeJobs.count) run")
        // What was kept is done with the next turn.
        mailbox.put(.look { _ in })
    }

    /// What the job runs; nil when the database cannot give it.
    func launch(of request: JobRequest) -> LaunchSpecification? {
        guard let id = request.payload else { return nil }
        if let known = launches[id] { return known }
        do {
            guard let body = try store.payload(id) else { return nil }
            let launch = try JSONDecoder().decode(LaunchSpecification.self, from: body)
            launches[id] = launch
            return launch
        } catch {
            log.write("what job runs (payload \(id.number)) cannot be read: \(error)")
            return nil
        }
    }
}

/// The answers of several entries that belong to one request.
final class Collected {
    private var results: [[Action]]
    private var missing: Int
    private let answer: (Result<[[Action]], any Error>) -> Void

    init(count: Int, _ answer: @escaping (Result<[[Action]], any Error>) -> Void) {
        results = Array(repeating: [], count: count)
        missing = count
        self.answer = answer
    }

    func set(_ place: Int, _ result: Result<[Action], any Error>) {
        switch result {
        case .success(let actions):
            results[place] = actions
            missing -= 1
            if missing == 0 { answer(.success(results)) }
        case .failure(let error):
            // All or none were written, so the first failure speaks for all.
            if missing > 0 { answer(.failure(error)) }
            missing = 0
        }
    }
}

/// The latest launches, so that equal jobs are not read again.
private struct LaunchCache {
    private var known: [PayloadID: LaunchSpecification] = [:]

    subscript(id: PayloadID) -> LaunchSpecification? {
        get { known[id] }
        set {
            if known.count >= 32 { known.removeAll() }
            known[id] = newValue
        }
    }
}
