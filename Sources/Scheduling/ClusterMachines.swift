internal import Essentials

// Machines: joining, leaving, and how healthy they are.
extension ClusterState {
    func machineIndex(_ name: String) -> Int? { inventories.firstIndex { $0.name == name } }

    func machineIndices(of placement: Placement) -> [Int] { placement.machines.compactMap(machineIndex) }

    mutating func append(_ inventory: Inventory, _ status: MachineStatus) {
        possible.value.removeAll()
        inventories.append(inventory)
        free.append(FreeResources(all: inventory))
        spare.append(FreeResources(all: inventory, times: max(1, inventory.machine.oversubscription)))
        self.status.append(status)
    }

    mutating func join(_ machine: Machine) -> [Action] {
        let inventory = Inventory(machine)
        guard let index = machineIndex(machine.name) else {
            append(inventory, MachineStatus())
            return round()
        }
        let wasSilent = status[index].isSilent
        status[index].isSilent = false
        guard inventories[index] != inventory else { return wasSilent ? round() : [] }
        guard !isInUse(machine.name) else {
            return [.ignored(.machineBusy(machine.name))] + (wasSilent ? round() : [])
        }
        possible.value.removeAll()
        inventories[index] = inventory
        free[index] = FreeResources(all: inventory)
        spare[index] = FreeResources(all: inventory, times: max(1, machine.oversubscription))
        return round()
    }

    private func isInUse(_ name: String) -> Bool {
        devices.contains { $0.machine == name }
            || activeJobs.contains { jobs[$0]?.placement?.machines.contains(name) ?? false }
    }

    mutating func lose(machine name: String) -> [Action] {
        guard let index = machineIndex(name) else { return [.ignored(.unknownMachine(name))] }
        let gone = activeJobs.filter { jobs[$0]?.placement?.machines.contains(name) ?? false }
        let actions = gone.flatMap { loseJob($0, on: name) }
        devices.removeAll { $0.machine == name }
        possible.value.removeAll()
        inventories.remove(at: index)
        free.remove(at: index)
        spare.remove(at: index)
        status.remove(at: index)
        return actions + round()
    }

    /// A job whose machine is gone has nothing left there; its parts elsewhere are stopped.
    private mutating func loseJob(_ id: JobID, on machine: String) -> [Action] {
        guard let job = jobs[id], let run = job.run else { return [] }
        let others = run.placement.machines.filter { $0 != machine && !run.endedParts.contains($0) }
        let actions = apply(.machineLost, to: id)
        return others.isEmpty ? actions : [.stop(id, attempt: job.attempt, .cancelled)] + actions
    }

    mutating func changeStatus(of name: String, _ body: (inout MachineStatus) -> Void) -> [Action] {
        guard let index = machineIndex(name) else { return [.ignored(.unknownMachine(name))] }
        let before = status[index]
        body(&status[index])
        return status[index] == before ? [] : round()
    }

    mutating func setHealth(_ level: HealthLevel, of part: MachinePart, _ why: String) -> [Action] {
        guard let index = machineIndex(part.machine) else { return [.ignored(.unknownMachine(part.machine))] }
        guard part.device.map({ inventories[index].has($0) }) ?? true else {
            return [.ignored(.unknownPart(part))]
        }
        status[index].set(level, of: part, why: why)
        var actions: [Action] = []
        if level.movesJobs {
            for id in users(of: part) {
                let returns = jobs[id]?.request.rerun.mayRequeue ?? false
                actions += apply(
                    .stopRequested(.fault("\(part) is \(level.rawValue): \(why)", returns: returns)), to: id)
            }
        }
        return actions + resetsNowIdle() + round()
    }

    /// Ends what `resetsNowIdle` began, unless somebody has judged the part otherwise meanwhile.
    mutating func endReset(of part: MachinePart, failure: String?) -> [Action] {
        guard let index = machineIndex(part.machine) else { return [.ignored(.unknownMachine(part.machine))] }
        guard let fault = status[index].faults.first(where: { $0.part == part }), fault.resetSince != nil
        else { return [.ignored(.notBeingReset(part))] }
        guard let failure else { return setHealth(.healthy, of: part, "reset") }
        return setHealth(.isolated, of: part, "\(fault.why); it could not be reset: \(failure)")
    }

    /// The resets that have begun on a machine and not ended, as far as anybody here knows.
    package func unfinishedResets(on machine: String) -> [Action] {
        guard let index = machineIndex(machine) else { return [] }
        return status[index].faults.filter { $0.resetSince != nil }.map { .reset($0.part, why: $0.why) }
    }

    private func users(of part: MachinePart) -> [JobID] {
        activeJobs.filter { id in
            jobs[id]?.placement?.parts.contains { piece in
                piece.machine == part.machine
                    && (part.device == nil || piece.ranks.contains { $0.uses(part.device) })
            } ?? false
        }
    }

    /// Parts that wait for a reset and have no work left; they count as healthy again once they are reset.
    mutating func resetsNowIdle() -> [Action] {
        var actions: [Action] = []
        for index in status.indices where !status[index].faults.isEmpty {
            for fault in status[index].faults
            where fault.level == .resetWhenIdle || fault.level == .resetNow {
                guard users(of: fault.part).isEmpty else { continue }
                actions.append(.reset(fault.part, why: fault.why))
                // Asked for once; whoever resets it says what came of it.
                status[index].set(.isolated, of: fault.part, why: fault.why, resetSince: time)
            }
        }
        return actions
    }
}

extension Inventory {
    fileprivate func has(_ device: DeviceID) -> Bool {
        device.kind == ResourceRequest.cpu
            ? nodes.indices.contains(device.index) : devices.contains { $0.id == device }
    }
}

extension VirtualDevice {
    func uses(_ id: DeviceID?) -> Bool {
        device == id || (id?.kind == ResourceRequest.cpu && numaNodes.contains(id?.index ?? -1))
    }
}
