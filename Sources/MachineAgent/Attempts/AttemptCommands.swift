internal import CLinux
internal import Collectives
internal import ControlAPI
internal import Essentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

// What the daemon's commands do. All of them may come twice.

extension AttemptWorker {
    func perform(_ command: AgentCommand) {
        switch command {
        case .start(let start): begin(start)
        case .stop(let id, let signal, let grace):
            running(id)?.tell(
                SupervisorBlock.command("F", UInt32(clamping: signal))
                    + SupervisorBlock.termination(grace: grace))
        case .signal(let id, let number, let toFirstOnly):
            running(id)?.tell(SupervisorBlock.command(toFirstOnly ? "s" : "S", UInt32(clamping: number)))
        case .suspend(let id): suspend(id)
        case .resume(let id): resume(id)
        case .resize(let id, let devices): if let attempt = running(id) { resize(attempt, to: devices) }
        case .limitTime(let id, let limit): running(id)?.tell(SupervisorBlock.timeLimit(limit))
        case .forget(let id): if let attempt = attempts[id], attempt.end != nil { forget(attempt) }
        case .test(let device): test(device)
        case .deleteDevice(let name): shelf.remove(name)
        case .keepDevices(let names): shelf.keepOnly(names)
        case .reset(let part, let why): reset(part, why)
        }
    }

    private func test(_ device: NamedDevice) {
        do {
            let kept = try shelf.keep(device)
            trials.begin(
                DeviceTrial(kept: kept, isolation: isolation, supervisor: supervisor), report: report)
        } catch {
            report(.tested(name: device.name, DeviceTrial.failure(of: device, because: error.summary)))
        }
    }

    /// An attempt that has not ended; the end of one that has is said again.
    private func running(_ id: AttemptID) -> Attempt? {
        guard let attempt = attempts[id] else { return nil }
        if let end = attempt.end {
            tell(attempt, .ended(id, end))
            return nil
        }
        return attempt
    }

    private func suspend(_ id: AttemptID) {
        guard let attempt = running(id) else { return }
        if attempt.isSuspended { return tell(attempt, .suspended(id)) }
        attempt.tell(SupervisorBlock.command("Z", 1))
    }

    private func resume(_ id: AttemptID) {
        guard let attempt = running(id) else { return }
        if !attempt.isSuspended, attempt.ranks.allSatisfy({ !$0.isFrozen }) {
            return tell(attempt, .resumed(id))
        }
        attempt.tell(SupervisorBlock.command("Z", 0))
    }

    // MARK: Start

    private func begin(_ start: AttemptStart) {
        if let attempt = attempts[start.attempt] { return sayAgain(attempt) }
        let folder = AttemptFolder(start.attempt, in: self.folder)
        do {
            let attempt = try prepare(start, folder)
            attempts[attempt.id] = attempt
            host(notes: attempt)
        } catch {
            refuse(start, folder, because: error)
        }
    }

    private func sayAgain(_ attempt: Attempt) {
        if let end = attempt.end {
            tell(attempt, .ended(attempt.id, end))
        } else if attempt.hasReportedStart {
            tell(attempt, .started(attempt.id, attempt.run))
        }
    }

    /// Nothing of it has been started.
    private func refuse(_ start: AttemptStart, _ folder: AttemptFolder, because error: any Error) {
        let record = AttemptRecord(start: start, boot: boot, files: [], enforcement: [], regions: [])
        let attempt = Attempt(folder, record: record, ranks: [])
        attempts[attempt.id] = attempt
        try? folder.make()
        let why = (error as? any ReportableError)?.summary ?? "\(error)"
        finish(attempt, AttemptEnd(outcome: .launchFailed(why)))
    }

    /// Writes down everything that must be found again, and starts all ranks.
    private func prepare(_ start: AttemptStart, _ folder: AttemptFolder) throws -> Attempt {
        guard !start.ranks.isEmpty else { throw Failure("The attempt has no rank on this machine.") }
        try folder.make()
        if let script = start.launch.script {
            try folder.write(Array(script.utf8), to: "script", mode: 0o700)
        }
        let markers = start.ranks.indices.map { marker(start.attempt, rank: $0) }
        let needsTable = start.worldSize > 1 || start.launch.requestCapacity != nil
        let around = try start.namedDevices?.map { try shelf.keep($0) } ?? []
        guard around.isEmpty || around.count == start.ranks.count else {
            throw Failure("The attempt names \(around.count) virtual devices for \(start.ranks.count) ranks.")
        }
        var plan = try AttemptPlan(
            start, folder: folder, markers: markers, machine: machine,
            tablePath: needsTable ? folder.tablePath : nil, processLimit: options.processLimit)
        for (rank, device) in around.enumerated() { plan.steps[rank].leaveTo(device.groups) }
        for step in plan.steps { try step.validate() }
        for path in plan.sharedFiles { try empty(path) }
        let regions = needsTable ? try makeTable(start, plan, folder) : []
        var limits: [StepLimits] = []
        do {
            var reports: [EnforcementReport] = []
            for (rank, step) in plan.steps.enumerated() {
                let device = around.isEmpty ? nil : around[rank]
                limits.append(
                    StepLimits(step, isolation: device?.groups.isolation(inside: isolation) ?? isolation))
                let own = limits[rank].report
                reports.append(device.map { own.inside($0.groups.report, named: $0.name) } ?? own)
                if start.isolation == .hard || device?.device.request.isolation == .hard {
                    try reports[rank].requireHard()
                }
            }
            var record = AttemptRecord(
                start: start, boot: boot, files: plan.files, enforcement: reports[0].lines, regions: regions)
            record.memoryHeldByDevice = around.map { $0.groups.holds(.memory) }
            try folder.writeJSON(record, to: AttemptFolder.recordName)
            return try launch(plan, limits, record, folder, markers)
        } catch {
            for limits in limits { limits.discard() }
            for region in regions { unsafe unlink(region) }
            throw error
        }
    }

    private func launch(
        _ plan: AttemptPlan, _ limits: [StepLimits], _ record: AttemptRecord, _ folder: AttemptFolder,
        _ markers: [String]
    ) throws -> Attempt {
        var links: [SupervisorLink] = []
        do {
            for _ in plan.steps { links.append(SupervisorLink(try factory.make())) }
        } catch {
            // Without a configuration they end by themselves.
            for link in links { close(link.descriptor) }
            throw error
        }
        let attempt = Attempt(
            folder, record: record, ranks: limits.map { Attempt.Rank(groups: $0.groups) })
        for (rank, step) in plan.steps.enumerated() {
            let place = StepPlace(
                folder: folder.path, name: AttemptFolder.name(ofRank: rank), marker: markers[rank], boot: boot
            )
            // One that is gone already is seen by the end of its connection.
            links[rank].send(SupervisorBlock(step, limits: limits[rank], place: place).bytes)
            listen(to: links[rank], attempt, rank)
        }
        return attempt
    }

    private func empty(_ path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0o644)
        guard descriptor >= 0 else { throw StepError.file(path, code: errno) }
        close(descriptor)
    }

    // MARK: Rank table

    /// Makes what ranks find each other by; returns the files that go when the attempt ends.
    private func makeTable(_ start: AttemptStart, _ plan: AttemptPlan, _ folder: AttemptFolder) throws
        -> [String]
    {
        let isLocal = start.ranks.count == start.worldSize
        if let capacity = start.launch.requestCapacity, !(1...1 << 20).contains(capacity) || !isLocal {
            throw Failure("A request queue holds 1 to 1048576 requests, of ranks on one machine.")
        }
        var regions: [String] = []
        if isLocal, start.worldSize <= Int(SHARED_RANK_LIMIT) {
            regions.append(
                try SharedCommunicator.createRegion(
                    path: SharedRegion.freshPath(purpose: "ranks"), worldSize: start.worldSize
                ).path)
        }
        do {
            let requests = try start.launch.requestCapacity.map {
                try RequestQueue.createRegion(
                    path: SharedRegion.freshPath(purpose: "requests"), capacity: $0, replicas: start.worldSize
                ).path
            }
            let communicator = regions.first
            if let requests { regions.append(requests) }
            let table = RankTable(
                job: start.attempt.job, status: .initializing, ranks: tableRanks(start, plan),
                communicator: communicator, requestQueue: requests)
            try folder.write(try table.encoded(), to: "ranks.json", mode: 0o644)
            return regions
        } catch {
            for region in regions { unsafe unlink(region) }
            throw error
        }
    }

    private func tableRanks(_ start: AttemptStart, _ plan: AttemptPlan) -> [RankTable.Rank] {
        (0..<start.worldSize).map { rank in
            let machine = rank < start.machinesOfRanks.count ? start.machinesOfRanks[rank] : self.machine
            let local = rank - start.firstRank
            guard plan.slots.indices.contains(local) else {
                return RankTable.Rank(rank: rank, cpus: CPUSet(), machine: machine)
            }
            var output: String?
            if case .file(let path) = plan.steps[local].output { output = path }
            return RankTable.Rank(
                rank: rank, cpus: plan.slots[local].cpus, numaNode: plan.slots[local].numa?.nodes.first,
                output: output, machine: machine)
        }
    }

    /// Says in the table that all ranks of this machine have started.
    func completeTable(of attempt: Attempt) {
        guard var table = attempt.folder.read(RankTable.self, from: "ranks.json"),
            table.status == .initializing
        else { return }
        table.status = .complete
        guard let bytes = try? table.encoded() else { return }
        // A rank that finds the old one waits; on a full disk it learns of its fellows when they meet.
        try? attempt.folder.write(bytes, to: "ranks.json", mode: 0o644)
    }

    func failureSentence(_ line: SupervisorLine, _ attempt: Attempt, _ rank: Int) -> String {
        let launch = attempt.record?.start.launch
        let specification = StepSpecification(
            name: "\(attempt.id)", command: launch?.command ?? [""], environment: [:],
            workingDirectory: launch?.workingDirectory, cpus: attempt.record?.start.ranks[rank].cpus,
            output: .file(attempt.record?.files.first ?? "the output"),
            errorOutput: .file(attempt.record?.files.last ?? "the output"))
        return StepError(line, specification: specification).summary
    }
}

extension StepSpecification {
    /// What the groups of a virtual device hold for all steps inside together is no limit of a step of its own.
    fileprivate mutating func leaveTo(_ device: DeviceGroups) {
        if device.holds(.memory) { memory = nil }
        if device.holds(.share) { cpuShare = nil }
        if device.holds(.weight) { cpuWeight = nil }
    }
}

extension EnforcementReport {
    /// Refuses where something was limited that the kernel does not enforce.
    func requireHard() throws(Failure) {
        let limited: Set<Limit> = [.cores, .share, .memory]
        for entry in entries where limited.contains(entry.limit) && entry.strength != .hard {
            throw Failure(
                "Hard isolation was asked for, but \(entry.limit.rawValue) \(entry.requested) is \(entry.strength.rawValue) here: \(entry.means).",
                nextStep: "Submit without --isolation hard, or to a machine whose control groups may be used."
            )
        }
    }
}
