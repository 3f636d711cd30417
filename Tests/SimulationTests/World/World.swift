import Essentials
import HardwareTopology
import Scheduling
import TestSupport

/// A whole cluster in virtual time: clients, operators, a daemon that crashes and recovers from what it has written,
/// links that lose and repeat messages, and agents on machines that die and come back.
///
/// Everything is drawn from one seed, so that a run can be repeated to the byte.
struct World {
    /// What can happen.
    enum Happening {
        case ask(Event)
        case command(Action, to: String)
        case report(Event, from: String)
        case end(Reconciliation.Attempt, on: String)
        case forget(Reconciliation.Attempt, on: String)
        case kill(Reconciliation.Attempt, on: String)
        case connect(String)
        case disconnect(String)
        case die(String)
        case returnToLife(String)
        case declareLost(String, since: TimePoint)
        case crash
    }

    struct Planned {
        var time: TimePoint
        var sequence: Int
        var happening: Happening
    }

    private(set) var state: ClusterState
    private(set) var agents: [String: WorldAgent] = [:]
    private(set) var watcher = Watcher()
    private(set) var now = TimePoint.zero
    private(set) var log: [(time: TimePoint, event: Event)] = []
    private(set) var crashes = 0
    /// What was broken, with the event after which it was.
    private(set) var violations: [String] = []

    let plan: WorldPlan
    private var store: WorldStore
    private var queue: [Planned] = []
    private var sequence = 0
    private var random: SeededGenerator
    private var machines: [String: Machine] = [:]
    private var silentSince: [String: TimePoint] = [:]

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed, purpose: "world")
        plan = WorldPlan(seed: seed, using: &random)
        self.random = random
        state = ClusterState(policy: plan.policy)
        store = WorldStore(state)
        for machine in plan.machines {
            machines[machine.name] = machine
            agents[machine.name] = WorldAgent()
            add(.ask(.machineJoined(machine)), at: .zero)
        }
        for queue in plan.queues { add(.ask(.queueSet(queue)), at: .zero) }
        for (account, settings) in plan.accounts {
            add(.ask(.quotaSet(account: account, settings)), at: .zero)
        }
        for (time, happening) in plan.happenings { add(happening, at: time) }
    }

    /// Lets everything happen; false when something that must hold did not.
    mutating func run(checkingEvery interval: Int = 11) -> Bool {
        var steps = 0
        while let next = takeNext() {
            now = max(now, next.time)
            happen(next.happening)
            steps += 1
            if steps % interval == 0 { violations += watcher.thoroughProblems(state) }
            violations += watcher.problems
            guard violations.isEmpty else { return false }
            guard steps < 20_000 else {
                violations.append("it never comes to an end")
                return false
            }
        }
        violations += watcher.finalProblems(state, agents)
        return violations.isEmpty
    }

    private mutating func add(_ happening: Happening, at time: TimePoint) {
        let planned = Planned(time: time, sequence: sequence, happening: happening)
        sequence += 1
        var low = 0
        var high = queue.count
        // The next one is last.
        while low < high {
            let middle = (low + high) / 2
            if (queue[middle].time, queue[middle].sequence) > (planned.time, planned.sequence) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        queue.insert(planned, at: low)
    }

    private mutating func takeNext() -> Planned? {
        if let due = state.nextWakeUp, queue.last.map({ due < $0.time }) ?? true {
            return Planned(time: due, sequence: 0, happening: .ask(.timePassed))
        }
        return queue.popLast()
    }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .ask(let event): tell(event)
        case .command(let action, let machine): obey(action, on: machine)
        case .report(let event, let machine):
            if agents[machine]?.isConnected == true, agents[machine]?.isUp == true { tell(event) }
        case .end(let attempt, let machine): end(attempt, on: machine)
        case .forget(let attempt, let machine):
            guard agents[machine]?.isConnected == true else { return }
            if case .ended = agents[machine]?.attempts[attempt]?.state {
                agents[machine]?.attempts[attempt] = nil
            }
        case .kill(let attempt, let machine):
            if agents[machine]?.isConnected == true { finish(attempt, .signalled(9), on: machine) }
        case .connect(let machine): connect(machine)
        case .disconnect(let machine): disconnect(machine)
        case .die(let machine): die(machine)
        case .returnToLife(let machine):
            agents[machine]?.isUp = true
            connect(machine)
        case .declareLost(let machine, let since):
            guard silentSince[machine] == since else { return }
            tell(.machineLost(machine))
        case .crash: crash()
        }
    }
}

// The daemon.
extension World {
    /// The daemon writes an event down, takes it in, and acts.
    private mutating func tell(_ event: Event) {
        log.append((now, event))
        store.append(event, at: now)
        let before = state
        let actions = state.on(event, at: now)
        watcher.note(event, actions, before: before, after: state, at: now)
        for action in actions { send(action) }
        if random.below(40) == 0 { store.checkpoint(&state) }
    }

    private mutating func send(_ action: Action) {
        switch action {
        case .start(let job, _, let placement): command(action, toAll: placement, job)
        case .stop(let job, _, _), .suspend(let job, _), .resume(let job, _), .resize(let job, _, _):
            guard let placement = state.jobs[job]?.placement else { return }
            command(action, toAll: placement, job)
        case .test(let name):
            guard let device = state.devices.first(where: { $0.name == name }) else { return }
            let held = random.below(8) > 0
            let limit = DeviceTest.Limit(
                name: "memory", strength: .hard, asked: 1, measured: 1, unit: "GiB", isHeld: held, means: "")
            let test = DeviceTest(revision: device.revision, limits: [limit])
            add(.ask(.deviceTested(name, test)), at: now + .milliseconds(random.below(500)))
        case .reset(let part, _):
            let failure: String? = random.below(6) == 0 ? "it does not answer" : nil
            add(
                .ask(.resetEnded(part, failure: failure)),
                at: now + .milliseconds(random.below(3000)))
        case .accepted, .refused, .waits, .ended, .requeued, .ignored, .deleteDevice: break
        }
    }

    private mutating func command(_ action: Action, toAll placement: Placement, _ job: JobID) {
        guard state.jobs[job]?.request.isAttached != true else { return }
        for machine in placement.machines {
            add(.command(action, to: machine), at: now + .microseconds(100 + random.below(5000)))
        }
    }

    /// Everything that was not written is gone, and so is everything on its way.
    private mutating func crash() {
        crashes += 1
        let recovered = store.recover(throughText: random.below(10) == 0)
        if let difference = watcher.difference(between: recovered, and: state) {
            violations.append(difference)
        }
        state = recovered
        queue.removeAll { planned in
            switch planned.happening {
            case .command, .report, .forget, .kill: true
            default: false
            }
        }
        for name in agents.keys.sorted() where agents[name]?.isConnected == true && agents[name]?.isUp == true
        {
            add(.connect(name), at: now + .milliseconds(random.below(2000)))
        }
    }
}

// Links.
extension World {
    private mutating func connect(_ name: String) {
        guard let machine = machines[name], agents[name]?.isUp == true else { return }
        agents[name]?.isConnected = true
        silentSince[name] = nil
        if let index = state.inventories.firstIndex(where: { $0.machine.name == name }) {
            if state.status[index].isSilent { tell(.machineHeard(name)) }
        } else {
            tell(.machineJoined(machine))
        }
        let known = agents[name]?.known ?? [:]
        let found = state.reconcile(machine: name, with: known)
        for event in found.events { tell(event) }
        for action in found.commands { add(.command(action, to: name), at: now + .milliseconds(1)) }
        for attempt in found.strays { add(.kill(attempt, on: name), at: now + .milliseconds(1)) }
        for attempt in found.settled { add(.forget(attempt, on: name), at: now + .milliseconds(1)) }
    }

    private mutating func disconnect(_ name: String) {
        guard agents[name]?.isConnected == true else { return }
        agents[name]?.isConnected = false
        silentSince[name] = now
        tell(.machineSilent(name))
        add(.connect(name), at: now + .milliseconds(500 + random.below(60_000)))
        add(.declareLost(name, since: now), at: now + .seconds(20))
    }

    private mutating func die(_ name: String) {
        guard agents[name]?.isUp == true else { return }
        agents[name]?.isUp = false
        agents[name]?.isConnected = false
        for attempt in agents[name]?.living ?? [] { watcher.noteGone(attempt, on: name) }
        agents[name]?.attempts = [:]
        silentSince[name] = now
        if state.inventories.contains(where: { $0.machine.name == name }) { tell(.machineSilent(name)) }
        add(.declareLost(name, since: now), at: now + .seconds(20))
        add(.returnToLife(name), at: now + .milliseconds(100 + random.below(50_000)))
    }

    private mutating func report(_ event: Event, from machine: String) {
        let time = now + .microseconds(100 + random.below(20_000))
        add(.report(event, from: machine), at: time)
        // Repeated by an agent that did not hear that it had arrived.
        if random.below(12) == 0 {
            add(.report(event, from: machine), at: time + .milliseconds(random.below(3000)))
        }
    }
}

// Agents.
extension World {
    private mutating func obey(_ action: Action, on machine: String) {
        guard agents[machine]?.isUp == true, agents[machine]?.isConnected == true else { return }
        switch action {
        case .start(let job, let attempt, _): start(.init(job, attempt), on: machine)
        case .stop(let job, let attempt, _): stop(.init(job, attempt), on: machine)
        case .suspend(let job, let attempt): suspend(.init(job, attempt), on: machine)
        case .resume(let job, let attempt): resume(.init(job, attempt), on: machine)
        default: break
        }
    }

    private mutating func start(_ attempt: Reconciliation.Attempt, on machine: String) {
        guard agents[machine]?.attempts[attempt] == nil else { return }
        watcher.noteBegun(attempt, on: machine)
        if random.below(30) == 0 {
            agents[machine]?.attempts[attempt] = .init(
                state: .ended(.launchFailed("no")), left: .zero, since: now)
            watcher.noteGone(attempt, on: machine)
            return report(
                .exited(attempt.job, attempt: attempt.attempt, .launchFailed("no"), machine: machine),
                from: machine)
        }
        let left = plan.runTime(of: attempt.job)
        agents[machine]?.attempts[attempt] = .init(state: .running, left: left, since: now)
        report(.started(attempt.job, attempt: attempt.attempt, machine: machine), from: machine)
        add(.end(attempt, on: machine), at: now + left)
        if random.below(25) == 0 {
            report(.checkpointed(attempt.job, attempt: attempt.attempt), from: machine)
        }
    }

    private mutating func stop(_ attempt: Reconciliation.Attempt, on machine: String) {
        guard let found = agents[machine]?.attempts[attempt] else {
            // Stopped before it was started: nothing ran, and nothing will.
            agents[machine]?.attempts[attempt] = .init(
                state: .ended(.launchFailed("stopped before it started")), left: .zero, since: now)
            return report(
                .exited(
                    attempt.job, attempt: attempt.attempt, .launchFailed("stopped before it started"),
                    machine: machine), from: machine)
        }
        if case .ended = found.state { return }
        guard !found.isStopping else { return }
        agents[machine]?.attempts[attempt]?.isStopping = true
        let grace = Duration.milliseconds(random.below(9000))
        agents[machine]?.attempts[attempt]?.left = grace
        agents[machine]?.attempts[attempt]?.since = now
        add(.end(attempt, on: machine), at: now + grace)
    }

    private mutating func suspend(_ attempt: Reconciliation.Attempt, on machine: String) {
        guard let found = agents[machine]?.attempts[attempt], found.state == .running, !found.isStopping
        else {
            return
        }
        agents[machine]?.attempts[attempt]?.state = .suspended
        agents[machine]?.attempts[attempt]?.left = max(.zero, found.left - (now - found.since))
        report(.suspended(attempt.job, attempt: attempt.attempt, machine: machine), from: machine)
    }

    private mutating func resume(_ attempt: Reconciliation.Attempt, on machine: String) {
        guard let found = agents[machine]?.attempts[attempt], found.state == .suspended else { return }
        agents[machine]?.attempts[attempt]?.state = .running
        agents[machine]?.attempts[attempt]?.since = now
        add(.end(attempt, on: machine), at: now + found.left)
    }

    /// The time that was planned for an attempt is over, unless it stood still meanwhile.
    private mutating func end(_ attempt: Reconciliation.Attempt, on machine: String) {
        guard let found = agents[machine]?.attempts[attempt], agents[machine]?.isUp == true else { return }
        guard found.state == .running || found.isStopping, found.since + found.left <= now else { return }
        finish(attempt, found.isStopping ? .signalled(15) : randomOutcome(), on: machine)
    }

    private mutating func finish(_ attempt: Reconciliation.Attempt, _ outcome: JobOutcome, on machine: String)
    {
        guard let found = agents[machine]?.attempts[attempt] else { return }
        if case .ended = found.state { return }
        agents[machine]?.attempts[attempt]?.state = .ended(outcome)
        watcher.noteGone(attempt, on: machine)
        report(.exited(attempt.job, attempt: attempt.attempt, outcome, machine: machine), from: machine)
    }

    private mutating func randomOutcome() -> JobOutcome {
        switch random.below(14) {
        case 0: .exited(code: Int32(1 + random.below(80)))
        case 1: .signalled(11)
        case 2: .outOfMemory(MemoryDeath(.quota, limit: .gibibytes(1)))
        case 3: .exited(code: RerunPolicy.usualRequeueCode)
        default: .exited(code: 0)
        }
    }
}
