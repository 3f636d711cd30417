internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The process's one pool of helper threads, shared by all streams and sessions.
///
/// It is sized once from affinity, cgroup quota and HENG_THREADS, with one team per NUMA node. A loop called from
/// a stream's thread runs on that stream's node and CPUs; elsewhere on the first team. Helpers spin for a moment,
/// then sleep.
package final class WorkerPool: Sendable {
    package static let shared = WorkerPool(
        nodes: MachineLayout.nodes.map(\.cpus), budget: ProcessorBudget.current)

    let teams: [WorkerTeam]

    init(nodes: [CPUSet], budget: ProcessorBudget) {
        precondition(!nodes.isEmpty, "a pool needs at least one node's CPUs")
        let total = max(1, nodes.reduce(0) { $0 + $1.count })
        teams = nodes.map { cpus in
            // A tighter budget than there are CPUs is shared by size; each node has at least its caller.
            let share = max(1, (budget.threads * cpus.count + total / 2) / total)
            return WorkerTeam(cpus: cpus, threads: min(share, max(1, cpus.count)))
        }
    }

    /// How many threads share a loop called from this thread, the caller among them.
    package var width: Int {
        let (team, place) = current()
        guard let place else { return team.width }
        return min(team.width, place.limit + 1)
    }

    /// Runs `body` on parts of `0..<count` of `grain` indexes each, on several threads at once; returns when all
    /// are done.
    ///
    /// The caller takes part. The body is called from several threads, must not throw, and must not wait for
    /// another loop. A loop within a loop, and one started while another runs on the same node, runs on the
    /// calling thread alone.
    package func parallelFor(count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        withoutActuallyEscaping(body) { body in
            var body = body
            unsafe withUnsafeMutablePointer(to: &body) { place in
                unsafe parallelFor(count: count, grain: grain, context: UnsafeMutableRawPointer(place)) {
                    context, start, end in
                    guard let context = unsafe context else { preconditionFailure("a loop without its body") }
                    unsafe context.assumingMemoryBound(to: ((Range<Int>) -> Void).self).pointee(start..<end)
                }
            }
        }
    }

    /// The same for a plain C function: nothing is allocated or retained.
    package func parallelFor(
        count: Int, grain: Int, context: UnsafeMutableRawPointer?, _ body: ParallelBody
    ) {
        let (team, place) = current()
        unsafe team.run(count: count, grain: grain, context: context, place: place, body)
    }

    private func current() -> (WorkerTeam, WorkerPlace?) {
        guard let place = WorkerPlace.current else { return (teams[0], nil) }
        return (teams[place.team], place.isWholeTeam ? nil : place)
    }
}

/// Where the loops of one stream's thread run: which team, and which of its helpers.
final class WorkerPlace: Sendable {
    let team: Int
    /// The most helpers at once.
    let limit: Int
    private let admitted: [Bool]

    /// The team that shares most CPUs with `cpus`, and of its helpers those that stay on `cpus`.
    init(cpus: CPUSet, pool: WorkerPool) {
        let shared = pool.teams.map { $0.cpus.intersection(cpus).count }
        team = shared.indices.max { shared[$0] < shared[$1] } ?? 0
        admitted = pool.teams[team].helperCPUs.map { $0.isSubset(of: cpus) }
        limit = min(admitted.count { $0 }, max(0, shared[team] - 1))
    }

    var isWholeTeam: Bool { limit == admitted.count }

    func admits(_ helper: Int, inside: Int) -> Bool { inside < limit && admitted[helper] }

    /// The place of the calling thread; nil for threads that are not a stream's.
    static var current: WorkerPlace? {
        guard let raw = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<WorkerPlace>.fromOpaque(raw).takeUnretainedValue()
    }

    /// Makes this the place of the calling thread, until the thread ends; the caller keeps the object alive.
    func becomeCurrent() {
        _ = unsafe pthread_setspecific(WorkerPlace.key, Unmanaged.passUnretained(self).toOpaque())
    }

    private static let key: pthread_key_t = {
        var key: pthread_key_t = 0
        let status = unsafe pthread_key_create(&key, nil)
        precondition(status == 0, "the process has no key for thread-specific values left")
        return key
    }()
}
