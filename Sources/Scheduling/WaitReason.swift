package import Essentials

/// Why a job has not started: a value that is kept with the job and printed by `heng jobs` and `explain`.
package enum WaitReason: Hashable, Codable, Sendable {
    case held
    /// No node has so many cores free; `node` is the one with the most, and has `free`.
    case coresBusy(needed: CoreAmount, free: CoreAmount, node: Int)
    /// The cores are there, but on no node that also has the memory free.
    case memoryBusy(needed: ByteCount, free: ByteCount, node: Int)
    case deviceBusy(kind: String, needed: DeviceShare, free: DeviceShare)
    /// One rank would fit, but not all of them.
    case ranksBusy(needed: Int, fitting: Int)
    /// The job would fit now, but would delay the reserved job.
    case behind(JobID, expectedStart: TimePoint?)
    /// The machine that could run it has left or shrunk.
    case neverFits(RequestError)
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
        case .ranksBusy(let needed, let fitting):
            "needs room for \(needed) ranks at once; \(fitting) would fit now"
        case .behind(let job, let start):
            "would delay job \(job), which is next" + (start.map { " and due by \($0.iso8601)" } ?? "")
        case .neverFits(let error): "cannot run here now. \(error.summary)"
        }
    }
}
