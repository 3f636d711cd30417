internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

// Carrying out what the state decided.
extension Owner {
    func perform(_ action: Action) {
        switch action {
        case .start(let id, let attempt, let placement): start(id, attempt, placement)
        case .stop(let id, let attempt, let reason): stop(id, attempt, reason)
        case .suspend(let id, let attempt): tell(id, .suspend(AttemptID(id, attempt)))
        case .resume(let id, let attempt): tell(id, .resume(AttemptID(id, attempt)))
        case .ended(let id, let end):
            closeLease(id, end)
            notice(id, "\(end)")
        case .requeued(let id): notice(id, "queued again")
        case .test(let name): test(name)
        case .accepted(let id): notice(id, "submitted")
        case .resize(let id, let attempt, let placement): resize(id, attempt, placement)
        case .deleteDevice(let name, let machine): links[machine]?.link.send(.deleteDevice(name))
        case .reset(let part, let why): reset(part, why)
        case .waits(let id, let reason): tellCommand(of: id, .waiting(reason))
        case .refused: break
        case .ignored(let why): log.write("ignored: \(why)")
        }
    }

    private func tell(_ id: JobID, _ command: AgentCommand) {
        guard let job = state.jobs[id] else { return }
        for machine in state.machines(of: job) { links[machine]?.link.send(command) }
        notice(id, "changes")
    }

    private func start(_ id: JobID, _ attempt: Int, _ placement: Placement) {
        if state.jobs[id]?.request.isAttached == true {
            grant(id)
        } else {
            for machine in placement.machines { start(id, attempt, placement, on: machine) }
        }
        notice(id, "starts: \(placement)")
    }

    /// Also for a start that may or may not have reached the machine, because an agent starts an attempt once.
    private func start(_ id: JobID, _ attempt: Int, _ placement: Placement, on machine: String) {
        guard let job = state.jobs[id], !job.request.isAttached, let link = links[machine] else { return }
        let name = AttemptID(id, attempt)
        guard let launch = launch(of: job.request) else {
            // It comes back as a report of the machine would, so that it is recorded.
            let end = AttemptEnd(outcome: .launchFailed("what it runs cannot be read from the database"))
            return putOff(.report(machine: machine, .ended(name, end)))
        }
        let request = job.request
        let part = placement.part(on: machine)
        let start = AttemptStart(
            attempt: name, ranks: part.ranks, firstRank: part.first, worldSize: placement.ranks.count,
            machinesOfRanks: placement.machinesOfRanks, label: request.label,
            arrayJob: job.array?.first, arrayIndex: job.array?.index,
            memoryMode: request.resources.memoryMode, quality: request.resources.quality,
            isolation: request.resources.isolation, timeLimit: request.timeLimit, warning: request.warning,
            restarts: attempt - 1, launch: launch, namedDevices: namedDevices(of: placement, on: machine))
        link.link.send(.start(start))
    }

    private func namedDevices(of placement: Placement, on machine: String) -> [NamedDevice]? {
        let names = placement.parts.first { $0.machine == machine }?.namedDevices ?? []
        let devices = names.compactMap { name in state.devices.first { $0.name == name } }
        return devices.isEmpty ? nil : devices
    }

    private func stop(_ id: JobID, _ attempt: Int, _ reason: StopReason) {
        guard let job = state.jobs[id], let placement = job.placement else { return }
        tellCommand(of: id, .stop(reason))
        // Also to parts that have ended already, which do nothing then: what counts is that none is left out.
        let command = AgentCommand.stop(AttemptID(id, attempt), signal: 15, grace: grace(of: job))
        for machine in placement.machines { links[machine]?.link.send(command) }
        notice(id, "\(reason)")
    }

    /// The queue says how long a job may take to give way, the job itself how long it may take otherwise.
    private func grace(of job: Job) -> Duration {
        state.stopGrace(of: job.id) ?? launch(of: job.request)?.grace ?? .seconds(5)
    }

    /// Supervisors count a job's time by themselves, also while no daemon is there.
    func tellTimeLimit(of id: JobID) {
        guard let job = state.jobs[id], job.phase.holdsResources, !job.request.isAttached else { return }
        tell(id, .limitTime(AttemptID(id, job.attempt), job.request.timeLimit))
    }

    private func resize(_ id: JobID, _ attempt: Int, _ placement: Placement) {
        for part in placement.parts {
            links[part.machine]?.link.send(.resize(AttemptID(id, attempt), part.ranks))
        }
        notice(id, "its virtual device has a new size")
    }

    private func test(_ name: String) {
        guard let device = state.devices.first(where: { $0.name == name }) else { return }
        links[device.machine]?.link.send(.test(device))
    }

    private func reset(_ part: MachinePart, _ why: String) {
        log.write("\(part) is being reset: \(why)")
        links[part.machine]?.link.send(.reset(part.device, why: why))
    }

    /// The attempts that hold resources, by machine.
    var livingAttempts: [String: [AttemptID]] {
        var attempts: [String: [AttemptID]] = [:]
        for job in state.activeJobs.compactMap({ state.jobs[$0] }) {
            // Those of attached jobs are no agent's.
            for machine in state.machines(of: job) where !job.request.isAttached {
                attempts[machine, default: []].append(AttemptID(job.id, job.attempt))
            }
        }
        return attempts
    }

    func notice(_ id: JobID, _ what: String) {
        guard watchers.areAny, let job = state.jobs[id] else { return }
        watchers.tell(
            JobNotice(
                job: id, attempt: job.attempt, state: job.phase.stateName, what: what, time: state.time))
    }
}

// Agents that come, speak, fall silent and go.
extension Owner {
    func join(
        _ hello: AgentHello, _ link: any AgentLink, _ answer: @escaping Answer<Void>, at now: TimePoint,
        in plan: inout Plan
    ) {
        if let refusal = refusal(of: hello, link) { return answer(.failure(refusal)) }
        let name = hello.machine.name
        let wasSilent = links[name]?.isSilent ?? false
        if let old = links[name]?.link, old !== link { old.close() }
        links[name] = Link(link: link, hello: hello, lastHeard: now, isLocal: link is LocalLink)
        plan.add(LogEntry(.machineJoined(hello.describedMachine), at: now)) { result in
            answer(result.map { _ in })
        }
        if wasSilent { plan.add(LogEntry(.machineHeard(name), at: now)) }
        reconcile(hello, link, at: now, in: &plan)
        plan.looks.append { $0.keepBoot(hello.boot, of: name) }
        // A limit that was changed while the machine was away has not been heard there.
        for id in state.activeJobs where state.jobs[id]?.placement?.machines.contains(name) == true {
            plan.looks.append { $0.tellTimeLimit(of: id) }
        }
        plan.looks.append { $0.bringUpToDate(name) }
        if link is LocalLink { plan.looks.append { $0.becomeReady() } }
    }

    /// Tells an agent that was away which virtual devices there are, and what it may have missed.
    private func bringUpToDate(_ machine: String) {
        let devices = state.devices.filter { $0.machine == machine }
        links[machine]?.link.send(.keepDevices(devices.map(\.name)))
        for device in devices where device.test == nil && device.holder == nil { test(device.name) }
        for reset in state.unfinishedResets(on: machine) { perform(reset) }
    }

    private func refusal(of hello: AgentHello, _ link: any AgentLink) -> Failure? {
        let name = hello.machine.name
        if hello.version != AgentProtocol.version {
            return Failure(
                "The agent of \(name) speaks version \(hello.version) of the protocol, this hengd \(AgentProtocol.version).",
                nextStep: "Install the same release on both machines.", exitCode: .setupMissing)
        }
        if links[name]?.isLocal == true, !(link is LocalLink) {
            return Failure(
                "\(name) is the machine of this hengd itself, which has an agent.",
                nextStep: "Give the other machine another name with --name.", exitCode: .setupMissing)
        }
        if let known = links[name], !(known.link is AbsentLink), !known.isLocal, !known.isSilent,
            !known.isParted, known.hello.instance != hello.instance
        {
            return Failure(
                "Another agent lends a machine of the name \(name) and is at work.",
                nextStep: "Give one of them another name with --name, or end the other.",
                exitCode: .setupMissing)
        }
        return nil
    }

    /// Compares what the agent has with what it should have, and settles each difference.
    private func reconcile(
        _ hello: AgentHello, _ link: any AgentLink, at now: TimePoint, in plan: inout Plan
    ) {
        let name = hello.machine.name
        let known = Dictionary(hello.attempts.map { ($0.attempt.reconciled, $0.state) }) { $1 }
        let found = state.reconcile(machine: name, with: known.mapValues(\.reconciled))
        for event in found.events { settle(event, known, on: name, at: now, in: &plan) }
        let isSameBoot = hello.boot == boot(of: name)
        for command in found.commands {
            if case .start(let id, let attempt, _) = command, !isSameBoot {
                // What had begun before the machine was started anew may have left nothing behind.
                settle(
                    .exited(id, attempt: attempt, .supervisorLost, machine: name), known, on: name, at: now,
                    in: &plan)
            } else {
                plan.looks.append { $0.perform(command, on: name) }
            }
        }
        for stray in found.strays {
            log.write("\(AttemptID(stray)) runs on \(name) and should not; it is stopped")
            link.send(.stop(AttemptID(stray), signal: 9, grace: .zero))
        }
        for attempt in found.settled { link.send(.forget(AttemptID(attempt))) }
    }

    private func settle(
        _ event: Event, _ known: [Reconciliation.Attempt: AttemptStatus.State], on machine: String,
        at now: TimePoint, in plan: inout Plan
    ) {
        guard case .exited(let id, let number, let outcome, _) = event else {
            return plan.add(LogEntry(event, at: now))
        }
        let attempt = Reconciliation.Attempt(id, number)
        if case .ended(let end)? = known[attempt] {
            return record(end, of: AttemptID(attempt), from: machine, retrying: nil, at: now, in: &plan)
        }
        log.write("\(AttemptID(attempt)) is gone from \(machine): \(outcome)")
        plan.add(LogEntry(event, at: now))
    }

    /// Carries out again what one machine may not have heard.
    private func perform(_ command: Action, on machine: String) {
        switch command {
        case .start(let id, let attempt, let placement):
            guard let job = state.jobs[id], job.attempt == attempt, job.phase.holdsResources else { return }
            start(id, attempt, placement, on: machine)
            // A stop that came in between has met nothing.
            if case .completing(let reason) = job.phase { stop(id, attempt, reason) }
        default: perform(command)
        }
    }

    /// The boot that a machine's jobs were started in.
    private func boot(of machine: String) -> String? {
        do { return try store.fact("boot:" + machine) } catch {
            log.write("\(error)")
            return nil
        }
    }

    private func keepBoot(_ boot: String, of machine: String) {
        guard self.boot(of: machine) != boot else { return }
        do { try store.set("boot:" + machine, to: boot) } catch { log.write("\(error)") }
    }

    func part(_ machine: String, _ link: any AgentLink) {
        guard let known = links[machine], known.link === link, !known.isLocal else { return }
        links[machine]?.isParted = true
        // From now on it counts as silent as soon as its last sign of life is old enough.
        log.write("the connection to \(machine) is gone")
    }

    /// When a machine will have been silent for too long.
    var nextSilence: TimePoint? {
        links.values.filter { !$0.isLocal }
            .map { $0.lastHeard + ($0.isSilent ? patience.loss : patience.silence) }.min()
    }

    func noteSilence(at now: TimePoint, in plan: inout Plan) {
        for (name, link) in links where !link.isLocal {
            let silence = now - link.lastHeard
            if link.isSilent, silence >= patience.loss {
                // Should it live, it connects again and is told what became of its jobs.
                link.link.close()
                links[name] = nil
                plan.add(LogEntry(.machineLost(name), at: now))
                log.write("\(name) has been silent for \(Int(silence.inSeconds)) s and is given up")
            } else if !link.isSilent, silence >= patience.silence {
                links[name]?.isSilent = true
                plan.add(LogEntry(.machineSilent(name), at: now))
                log.write("\(name) is silent")
            }
        }
    }
}

// Reports.
extension Owner {
    func take(
        _ report: AgentReport, from machine: String, _ mail: Mail, at now: TimePoint, in plan: inout Plan
    ) {
        hear(machine, at: now, in: &plan)
        switch report {
        case .started(let attempt, let run):
            let note = RunNote(
                job: attempt.job, attempt: attempt.attempt, machine: machine, start: encoded(run))
            record(
                .started(attempt.job, attempt: attempt.attempt, machine: machine), note, mail, at: now,
                in: &plan)
        case .suspended(let attempt):
            record(
                .suspended(attempt.job, attempt: attempt.attempt, machine: machine), nil, mail, at: now,
                in: &plan)
        case .resumed(let attempt): log.write("\(attempt) goes on")
        case .ended(let attempt, let end):
            record(end, of: attempt, from: machine, retrying: mail, at: now, in: &plan)
        case .tested(let name, let test): record(.deviceTested(name, test), nil, mail, at: now, in: &plan)
        case .health(let device, let level, let why):
            let part = MachinePart(machine: machine, device: device)
            record(.healthChanged(part, level, why: why), nil, mail, at: now, in: &plan)
        case .reset(let device, let failure):
            let part = MachinePart(machine: machine, device: device)
            log.write(failure.map { "\(part) could not be reset: \($0)" } ?? "\(part) was reset")
            record(.resetEnded(part, failure: failure), nil, mail, at: now, in: &plan)
        case .heartbeat: break
        }
    }

    private func hear(_ machine: String, at now: TimePoint, in plan: inout Plan) {
        guard let link = links[machine] else { return }
        links[machine]?.lastHeard = now
        if link.isSilent {
            links[machine]?.isSilent = false
            plan.add(LogEntry(.machineHeard(machine), at: now))
        }
    }

    private func record(
        _ event: Event, _ run: RunNote?, _ mail: Mail, at now: TimePoint, in plan: inout Plan
    ) {
        plan.retried.append(mail)
        plan.add(LogEntry(event, at: now, run: run))
    }

    /// Once it is recorded, the agent may forget the attempt, whether or not the state had a use for it.
    private func record(
        _ end: AttemptEnd, of attempt: AttemptID, from machine: String, retrying mail: Mail?,
        at now: TimePoint, in plan: inout Plan
    ) {
        if let mail { plan.retried.append(mail) }
        let note = RunNote(
            job: attempt.job, attempt: attempt.attempt, machine: machine, end: encoded(end))
        let event = Event.exited(
            attempt.job, attempt: attempt.attempt, end.outcome, machine: machine)
        plan.add(LogEntry(event, at: now, run: note)) { [weak self] result in
            if case .success = result { self?.links[machine]?.link.send(.forget(attempt)) }
        }
    }

    private func encoded(_ value: some Encodable) -> Data? {
        do { return try JSONEncoder().encode(value) } catch {
            log.write("a note cannot be written: \(error)")
            return nil
        }
    }
}
