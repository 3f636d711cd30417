package import Essentials

/// Everything about a cluster but its jobs, as a store keeps it.
package struct ClusterFrame: Hashable, Codable, Sendable {
    var policy: SchedulingPolicy
    var machines: [Machine]
    var status: [MachineStatus]
    var queues: [Queue]
    var accounts: Accounts
    var devices: [NamedDevice]
    var speeds: SpeedBook
    var promises: [PromisedStart]
    package var nextJob: JobID
    package var time: TimePoint
    var ended: [JobID]
    var roundRest: RoundRest?
}

extension ClusterState {
    package var frame: ClusterFrame {
        ClusterFrame(
            policy: policy, machines: inventories.map(\.machine), status: status, queues: queues,
            accounts: accounts, devices: devices, speeds: speeds, promises: promises, nextJob: nextJob,
            time: time, ended: ended, roundRest: roundRest)
    }

    /// A state as it was when the frame and the jobs were taken from it.
    ///
    /// Whatever contradicts itself is found by `inconsistency()`, not here. Reasons for waiting come back with the
    /// next round.
    package init(frame: ClusterFrame, jobs: some Sequence<Job>) {
        policy = frame.policy
        queues = frame.queues
        accounts = frame.accounts
        devices = frame.devices
        speeds = frame.speeds
        promises = frame.promises
        nextJob = frame.nextJob
        time = frame.time
        ended = frame.ended
        roundRest = frame.roundRest
        for (machine, status) in zip(frame.machines, frame.status) { append(Inventory(machine), status) }
        for job in jobs { self.jobs.insert(job) }
        takeBackWhatIsHeld()
    }

    /// Fills what follows from machines and jobs.
    private mutating func takeBackWhatIsHeld() {
        for device in devices {
            guard let machine = inventories.firstIndex(where: { $0.name == device.machine }) else {
                continue
            }
            let part = Placement.Part(machine: device.machine, ranks: [device.device])
            let inventory = inventories[machine]
            changeLedger(device.request.quality) { $0[machine].take(part, of: inventory) }
        }
        let all = self.jobs.all
        // What a job depends on must be known before it is asked whether it is ready.
        for job in all {
            if job.phase.isEnded { noteFailure(of: job) } else { link(job) }
        }
        for job in all {
            if job.phase.holdsResources, let run = job.run {
                activeJobs.append(job.id)
                take(run.placement, job, job.hasCores ? .everything : .allButCores)
                setTimers(of: job)
            } else if job.phase == .pending || job.phase == .held {
                if job.phase == .pending { enqueueIfReady(job) }
                setTimers(of: job)
            }
        }
    }
}

extension ClusterState: Codable {
    private enum CodingKeys: CodingKey { case frame, jobs }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let frame = try container.decode(ClusterFrame.self, forKey: .frame)
        let jobs = try container.decode(JobList.self, forKey: .jobs).all
        if let problem = frame.firstContradiction(with: jobs) {
            throw DecodingError.dataCorruptedError(forKey: .jobs, in: container, debugDescription: problem)
        }
        self.init(frame: frame, jobs: jobs)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(frame, forKey: .frame)
        try container.encode(jobs, forKey: .jobs)
    }
}
