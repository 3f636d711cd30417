package import Essentials

/// Why a job has not started: a value that is kept with the job and printed by `heng jobs` and `explain`.
package enum WaitReason: Hashable, Codable, Sendable {
    case held
    /// No node has so many cores free; `node` is the one with the most, and has `free`.
    case coresBusy(needed: CoreAmount, free: CoreAmount, node: Int)
    /// The cores are there, but on no node that also has the memory free.
    case memoryBusy(needed: ByteCount, free: ByteCount, node: Int)
    case deviceBusy(kind: String, needed: DeviceShare, free: DeviceShare)
    case deviceMemoryBusy(kind: String, needed: ByteCount, free: ByteCount)
    /// One rank would fit, but not all of them.
    case ranksBusy(needed: Int, fitting: Int)
    /// It wants whole machines, and all have other jobs.
    case machinesBusy
    case virtualDeviceBusy(VirtualDeviceChoice)
    /// Its limits are being tried out, so it is not ready yet.
    case virtualDeviceUntried(String)
    /// The job would fit now, but would delay the reserved job.
    case behind(JobID, expectedStart: TimePoint?)
    /// The machine that could run it has left or shrunk.
    case neverFits(RequestError)
    case notBefore(TimePoint)
    /// The pause before it is tried again.
    case retryAfter(TimePoint, attempt: Int)
    case dependency(Dependency.Kind, on: JobID?)
    case arrayLimit(Int)
    case quota(QuotaName, used: Int, limit: Int)
    case queueStopped(String)
    /// Every machine that could run it is drained, silent or unhealthy.
    case machinesClosed(String)
    /// Jobs that it may push aside are ending.
    case preempting([JobID])
    /// So many others were looked at this time; it is looked at next.
    case roundFull
}

/// Which quota holds a job back.
package struct QuotaName: Hashable, Codable, Sendable {
    package enum Amount: String, Hashable, Codable, Sendable {
        case runningJobs = "running jobs"
        case cores, memory, devices
    }

    package enum Holder: Hashable, Codable, Sendable {
        case queue(String)
        case user(String, queue: String)
        case account(String)
    }

    package var amount: Amount
    package var holder: Holder

    package init(_ amount: Amount, of holder: Holder) {
        self.amount = amount
        self.holder = holder
    }
}

extension WaitReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .held: "held until it is released"
        case .coresBusy(let needed, let free, let node):
            "needs \(needed.phrase) on one NUMA node; the most free is \(free), on node \(node)"
        case .memoryBusy(let needed, let free, let node):
            "needs \(needed) of memory beside its cores; \(free) is free on node \(node)"
        case .deviceBusy(let kind, let needed, let free):
            "needs \(needed) of a \(kind); the most free on one is \(free)"
        case .deviceMemoryBusy(let kind, let needed, let free):
            "needs \(needed) of a \(kind)'s memory; the most free on one is \(free)"
        case .ranksBusy(let needed, let fitting):
            "needs room for \(needed) ranks at once; \(fitting) would fit now"
        case .machinesBusy: "wants a whole machine, and each has other jobs"
        case .virtualDeviceBusy(.named(let name)): "waits for the virtual device \(name), which is in use"
        case .virtualDeviceUntried(let name):
            "waits until the limits of the virtual device \(name) have been tried out"
        case .virtualDeviceBusy(.template(let name)):
            "waits for a virtual device of the template \(name); all are in use"
        case .behind(let job, let start):
            "would delay job \(job), which is next" + (start.map { " and due by \($0.iso8601)" } ?? "")
        case .neverFits(let error):
            "cannot run here now: \(error.summary.hasSuffix(".") ? String(error.summary.dropLast()) : error.summary)"
        case .notBefore(let time): "may start at \(time.iso8601)"
        case .retryAfter(let time, let attempt):
            "is tried again at \(time.iso8601), after attempt \(attempt) failed"
        case .dependency(.singleton, let job):
            "waits for the end of \(job.map { "job \($0)" } ?? "a job") of the same name"
        case .dependency(let kind, let job):
            "depends on \(job.map { "job \($0)" } ?? "another job") (\(kind.rawValue))"
        case .arrayLimit(let limit): "its array may have \(limit) tasks at once"
        case .quota(let name, let used, let limit):
            "\(name): \(name.amount(used)) of \(name.amount(limit)) in use"
        case .queueStopped(let name): "the queue \(name) is stopped"
        case .machinesClosed(let why): "finds no machine that could run it and takes new work: \(why)"
        case .preempting(let jobs):
            "starts when \(jobs.map(\.description).joined(separator: ", ")) made way for it"
        case .roundFull: "is looked at next"
        }
    }
}

extension QuotaName: CustomStringConvertible {
    package var description: String {
        switch holder {
        case .queue(let name): "the \(amount.rawValue) of queue \(name)"
        case .user(let user, let queue): "the \(amount.rawValue) of \(user) in queue \(queue)"
        case .account(let name): "the \(amount.rawValue) of account \(name)"
        }
    }

    fileprivate func amount(_ units: Int) -> String {
        switch amount {
        case .runningJobs: "\(units)"
        case .cores: "\(CoreAmount(units: units))"
        case .memory: "\(ByteCount(bytes: units))"
        case .devices: "\(DeviceShare(units: units))"
        }
    }
}
