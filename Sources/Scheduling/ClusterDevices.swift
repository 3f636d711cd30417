internal import Essentials

// Virtual devices with names: made, resized, tested, used and deleted.
extension ClusterState {
    private func deviceIndex(_ name: String) -> Int? { devices.firstIndex { $0.name == name } }

    mutating func make(_ request: NamedDeviceRequest) -> [Action] {
        guard request.name.isName else { return [.refused(.badName(request.name))] }
        guard deviceIndex(request.name) == nil else { return [.refused(.virtualDeviceExists(request.name))] }
        let resources = request.resources(near: nil)
        if let error = RequestCheck(inventories: inventories).firstError(resources) {
            return [.refused(error)]
        }
        let ledger = request.quality == .bestEffort ? spare : free
        guard let found = placer.place(Placer.Wish(resources: resources), on: ledger) else {
            let reason = placer.whyNot(Placer.Wish(resources: resources), on: ledger)
            return [.refused(.noRoomForDevice(because: "\(reason)"))]
        }
        let inventories = inventories
        changeLedger(request.quality) { $0.take(found.placement, on: found.machines, of: inventories) }
        let device = NamedDevice(
            request: request, machine: found.placement.machine, device: found.placement.ranks[0], holder: nil,
            madeAt: time, revision: 1, test: nil)
        devices.insert(device, at: devices.firstIndex { $0.name > request.name } ?? devices.count)
        return [.test(request.name)] + round()
    }

    mutating func resize(_ name: String, to amounts: NamedDeviceRequest.Amounts) -> [Action] {
        guard let index = deviceIndex(name), let machine = machineIndex(devices[index].machine) else {
            return [.ignored(.unknownDevice(name))]
        }
        var request = devices[index].request
        request.amounts = amounts
        let old = Placement.Part(machine: devices[index].machine, ranks: [devices[index].device])
        let resources = request.resources(near: devices[index])
        if let error = RequestCheck(inventories: inventories).firstError(resources) {
            return [.refused(error)]
        }
        var ledger = request.quality == .bestEffort ? spare : free
        ledger[machine].give(back: old, of: inventories[machine])
        let wish = Placer.Wish(resources: resources)
        guard let found = placer.place(wish, on: ledger, among: [machine]) else {
            return [.refused(.noRoomForDevice(because: "\(placer.whyNot(wish, on: ledger))"))]
        }
        ledger.take(found.placement, on: found.machines, of: inventories)
        changeLedger(request.quality) { $0 = ledger }
        devices[index].request = request
        devices[index].device = found.placement.ranks[0]
        devices[index].revision += 1
        devices[index].test = nil
        return resizeHolder(of: index) + round()
    }

    /// A device in use takes its job along; a free one is tried out again.
    private mutating func resizeHolder(of index: Int) -> [Action] {
        let device = devices[index]
        guard let holder = device.holder, let job = jobs[holder], var placement = job.placement else {
            return [.test(device.name)]
        }
        for part in placement.parts.indices {
            for (rank, name) in placement.parts[part].namedDevices.enumerated() where name == device.name {
                placement.parts[part].ranks[rank] = device.device
            }
        }
        accounts.count(owner(of: job.request), job.placement ?? placement, sign: -1, at: time)
        accounts.count(owner(of: job.request), placement, sign: 1, at: time)
        jobs.update(holder) { $0.run?.placement = placement }
        changed.value.insert(holder)
        return [.resize(holder, attempt: job.attempt, placement)]
    }

    /// Takes devices back from a job; one that was resized meanwhile is tried out before the next.
    mutating func freeDevices(of job: JobID) -> [Action] {
        var actions: [Action] = []
        for index in devices.indices where devices[index].holder == job {
            devices[index].holder = nil
            if devices[index].test == nil { actions.append(.test(devices[index].name)) }
        }
        return actions
    }

    mutating func note(_ test: DeviceTest, of name: String) -> [Action] {
        guard let index = deviceIndex(name) else { return [.ignored(.unknownDevice(name))] }
        guard devices[index].revision == test.revision else { return [] }
        devices[index].test = test
        return round()
    }

    mutating func deleteDevice(_ name: String) -> [Action] {
        guard let index = deviceIndex(name) else { return [.ignored(.unknownDevice(name))] }
        guard devices[index].holder == nil else { return [.ignored(.deviceBusy(name))] }
        if let machine = machineIndex(devices[index].machine) {
            let part = Placement.Part(machine: devices[index].machine, ranks: [devices[index].device])
            let inventory = inventories[machine]
            changeLedger(devices[index].request.quality) { $0[machine].give(back: part, of: inventory) }
        }
        let machine = devices.remove(at: index).machine
        return [.deleteDevice(name, machine: machine)] + round()
    }

    private var placer: Placer {
        Placer(inventories: inventories, status: status, policy: .bestFit, speeds: speeds)
    }

    /// What is wrong with the virtual device that a request names, or nil.
    func deviceError(_ request: JobRequest) -> RequestError? {
        guard let choice = request.resources.virtualDevice else { return nil }
        guard !devices.contains(where: { $0.is(choice) }) else { return nil }
        let known: [String] =
            if case .named = choice { devices.map(\.name) } else {
                Set(devices.compactMap(\.request.template)).sorted()
            }
        return .unknownVirtualDevice(choice, known: known)
    }

    // MARK: Jobs on them

    /// Puts a job on virtual devices that were made beforehand: a device for each rank, all on one machine.
    mutating func considerDevice(
        _ choice: VirtualDeviceChoice, _ job: Job, _ number: Int, _ queue: Queue, _ round: inout Round
    ) -> [Action] {
        let ranks = job.request.resources.ranks
        let ready = devices.filter {
            $0.holder == nil && $0.is(choice) && isUsable($0, job.request.resources)
        }
        let byMachine = Dictionary(grouping: ready, by: \.machine)
        let machine = byMachine.keys.sorted().first { (byMachine[$0]?.count ?? 0) >= ranks }
        guard let machine, let chosen = byMachine[machine]?.prefix(ranks) else {
            return noteWait(number, deviceReason(choice, job))
        }
        let part = Placement.Part(
            machine: machine, ranks: chosen.map(\.device), namedDevices: chosen.map(\.name))
        let placement = Placement(parts: [part])
        let owner = owner(of: job.request)
        if let reason = accounts.broken(by: placement, of: owner, limits: queue.limits) {
            return noteWait(number, reason)
        }
        for name in chosen.map(\.name) { if let index = deviceIndex(name) { devices[index].holder = job.id } }
        place(job, placement, nil)
        return [.start(job.id, attempt: job.attempt + 1, placement)]
    }

    private func isUsable(_ device: NamedDevice, _ request: ResourceRequest) -> Bool {
        guard let index = machineIndex(device.machine), whyClosed(device) == nil else { return false }
        // A device whose limits were not tried out yet, or did not hold, is not what it says it is.
        guard let test = device.test, test.isPassed else { return false }
        return inventories[index].refusal(of: request) == nil
    }

    /// Why a device takes no job, because of its machine or of a part of that; nil when it may.
    private func whyClosed(_ device: NamedDevice) -> String? {
        guard let index = machineIndex(device.machine) else { return "\(device.machine) is gone" }
        if let why = status[index].closedBecause { return "\(device.machine): \(why)" }
        let fault = status[index].faults.first { fault in
            !fault.level.takesNewWork && fault.part.device.map { device.device.uses($0) } ?? false
        }
        return fault.map { "\($0.part) is \($0.level.rawValue): \($0.why)" }
    }

    private func deviceReason(_ choice: VirtualDeviceChoice, _ job: Job) -> WaitReason {
        let all = devices.filter { $0.is(choice) }
        if all.isEmpty { return .neverFits(deviceError(job.request) ?? .noMachine) }
        let failed = all.first { $0.test.map { !$0.isPassed } ?? false }
        if let failed, all.allSatisfy({ $0.test.map { !$0.isPassed } ?? false }) {
            return .machinesClosed(
                "the limits of the virtual device \(failed.name) did not hold when they were tried out")
        }
        if let closed = all.first.flatMap(whyClosed), all.allSatisfy({ whyClosed($0) != nil }) {
            return .machinesClosed(closed)
        }
        let untried = all.first { $0.holder == nil && $0.test == nil }
        return untried.map { .virtualDeviceUntried($0.name) } ?? .virtualDeviceBusy(choice)
    }
}

extension NamedDevice {
    fileprivate func `is`(_ choice: VirtualDeviceChoice) -> Bool {
        switch choice {
        case .named(let name): self.name == name
        case .template(let template): request.template == template
        }
    }
}

extension NamedDeviceRequest {
    /// The request for one rank that finds the device its place; a device that grows stays on its node.
    fileprivate func resources(near device: NamedDevice?) -> ResourceRequest {
        var numa = numa
        if let device, !maySpan { numa = .required(device.device.numaNode) }
        return ResourceRequest(
            deviceKind: deviceKind, share: amounts.share, cores: amounts.cores, memory: amounts.memory,
            deviceMemory: amounts.deviceMemory, numa: numa, memoryMode: memoryMode, maySpan: maySpan,
            isolation: isolation, quality: quality, machines: machine.map { [$0] })
    }
}
