// Fork and join over a fixed set of helper threads.
//
// One word, the gate, holds everything that threads must agree on: the number of the job, whether it is open, and
// how many helpers are inside. The caller opens the gate with a new number, takes chunks itself until none is left,
// closes the gate, and waits only for the helpers that are inside. A helper enters by raising the count with
// compare-and-exchange, which fails once the gate is closed or the job is another one; so a helper that wakes up
// late finds a closed gate and harms nobody, and the caller never waits for a thread that has not begun.
// Chunks are claimed from a shared counter: who is faster takes more.

internal import CLinux
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A part of a parallel loop: runs the indexes from the first to before the second.
package typealias ParallelBody = @convention(c) (UnsafeMutableRawPointer?, Int, Int) -> Void

/// The helpers of one NUMA node, and the gate they work through.
///
/// One loop runs at a time; a second caller, and a loop inside a loop, find the team busy and run alone.
@safe final class WorkerTeam: @unchecked Sendable {
    // Unchecked: the job's fields are written only by the caller that holds `busy`, before the gate opens, and
    // read only by helpers inside the gate; everything else is atomic.
    let cpus: CPUSet
    /// How many threads share a loop, the caller among them.
    let width: Int
    /// The CPUs of each helper.
    let helperCPUs: [CPUSet]

    private let busy: UnsafeMutablePointer<Atomic<Bool>>
    /// The job's number in the upper half, then `openBit`, then the count of helpers inside.
    private let gate: UnsafeMutablePointer<Atomic<UInt64>>
    private let nextIndex: UnsafeMutablePointer<Atomic<Int>>
    /// The low bits of the job's number: what helpers sleep on.
    private let jobWord: UnsafeMutablePointer<FutexWord>
    private let sleepers: UnsafeMutablePointer<Atomic<Int>>
    /// 1 while the caller sleeps until the last helper has left.
    private let callerSleeps: UnsafeMutablePointer<FutexWord>
    private let job: UnsafeMutablePointer<Job>

    private static let openBit: UInt64 = 1 << 31
    private static let countMask: UInt64 = openBit - 1

    @safe private struct Job {
        var body: ParallelBody?
        var context: UnsafeMutableRawPointer?
        var count = 0
        var grain = 1
        var place: WorkerPlace?
    }

    /// Starts the helpers; fewer than asked for when the system gives no more threads.
    init(cpus: CPUSet, threads: Int) {
        self.cpus = cpus
        let units = cpus.units
        // Helpers get a CPU each when there is one for every thread. Under a quota, fewer threads than CPUs, they
        // may run on any: tying them to some CPUs would crowd those and leave the others idle.
        helperCPUs = (1..<max(1, threads)).map { threads == units.count ? CPUSet([units[$0]]) : cpus }
        width = max(1, threads)
        unsafe busy = makeAtomic(false)
        unsafe gate = makeAtomic(0)
        unsafe nextIndex = makeAtomic(0)
        unsafe jobWord = makeAtomic(0)
        unsafe sleepers = makeAtomic(0)
        unsafe callerSleeps = makeAtomic(0)
        unsafe job = UnsafeMutablePointer<Job>.allocate(capacity: 1)
        unsafe job.initialize(to: Job())
        startHelpers()
    }

    private func startHelpers() {
        for (index, cpus) in helperCPUs.enumerated() {
            var thread: pthread_t = 0
            // Teams live as long as the process, and so do their threads; with fewer helpers a loop only takes
            // longer, so a thread that does not start is no error.
            let status = PinnedThread.start(name: "heng-pool", cpus: cpus, handle: &thread) {
                self.help(index)
            }
            if status == 0 { pthread_detach(thread) }
        }
    }
}

// MARK: - The caller

extension WorkerTeam {
    /// Runs the body over `0..<count` in chunks of `grain`, on this thread and the helpers.
    @inline(__always)
    func run(
        count: Int, grain: Int, context: UnsafeMutableRawPointer?, place: WorkerPlace?, _ body: ParallelBody
    ) {
        guard count > 0 else { return }
        let grain = max(1, grain)
        guard count > grain, width > 1, place?.limit != 0,
            unsafe !busy.pointee.exchange(true, ordering: .acquiring)
        else { return unsafe body(context, 0, count) }
        unsafe job.pointee = Job(body: body, context: context, count: count, grain: grain, place: place)
        unsafe nextIndex.pointee.store(0, ordering: .relaxed)
        openGate(helpers: min(width - 1, (count - 1) / grain), wakesAll: place != nil)
        unsafe takeChunks(job)
        closeGate()
        unsafe busy.pointee.store(false, ordering: .releasing)
    }

    private func openGate(helpers: Int, wakesAll: Bool) {
        // Closed and empty: nobody but the holder of `busy` changes the gate now.
        let number = unsafe (gate.pointee.load(ordering: .relaxed) >> 32) &+ 1
        unsafe gate.pointee.store(number << 32 | WorkerTeam.openBit, ordering: .sequentiallyConsistent)
        unsafe jobWord.pointee.store(UInt32(truncatingIfNeeded: number), ordering: .sequentiallyConsistent)
        if unsafe sleepers.pointee.load(ordering: .sequentiallyConsistent) > 0 {
            unsafe jobWord.wake(wakesAll ? .max : Int32(helpers))
        }
    }

    private func closeGate() {
        let before = unsafe gate.pointee.bitwiseAnd(~WorkerTeam.openBit, ordering: .acquiringAndReleasing)
            .oldValue
        if before & WorkerTeam.countMask == 0 { return }
        var patience = SpinBudget(concurrency: width)
        if patience.spin(until: { isEmpty }) { return }
        sleepUntilEmpty()
    }

    @inline(__always)
    private var isEmpty: Bool {
        unsafe gate.pointee.load(ordering: .sequentiallyConsistent) & WorkerTeam.countMask == 0
    }

    /// A helper has lost its core in the middle of a chunk; it wakes us when it leaves.
    @inline(never)
    private func sleepUntilEmpty() {
        while true {
            unsafe callerSleeps.pointee.store(1, ordering: .sequentiallyConsistent)
            if isEmpty { break }
            unsafe callerSleeps.sleep(while: 1)
        }
        unsafe callerSleeps.pointee.store(0, ordering: .relaxed)
    }

    @inline(__always)
    private func takeChunks(_ job: UnsafeMutablePointer<Job>) {
        let (count, grain) = unsafe (job.pointee.count, job.pointee.grain)
        guard let body = unsafe job.pointee.body else { preconditionFailure("an open gate without a job") }
        while true {
            let start = unsafe nextIndex.pointee.wrappingAdd(grain, ordering: .relaxed).oldValue
            guard start < count else { return }
            unsafe body(job.pointee.context, start, min(count, start + grain))
        }
    }
}

// MARK: - The helpers

extension WorkerTeam {
    private func help(_ index: Int) {
        var patience = SpinBudget(concurrency: width)
        var seen: UInt64 = 0
        while true {
            seen = waitForJob(after: seen, &patience)
            guard enter(seen, index) else { continue }
            unsafe takeChunks(job)
            leave()
        }
    }

    @inline(__always)
    private var number: UInt64 { unsafe gate.pointee.load(ordering: .acquiring) >> 32 }

    /// Waits until the gate shows a job other than `seen`, and returns its number.
    private func waitForJob(after seen: UInt64, _ patience: inout SpinBudget) -> UInt64 {
        while !patience.spin(until: { number != seen }) {
            let start = TimePoint.monotonicNow().nanoseconds
            unsafe sleepers.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
            if unsafe jobWord.pointee.load(ordering: .sequentiallyConsistent)
                == UInt32(truncatingIfNeeded: seen)
            {
                unsafe jobWord.sleep(while: UInt32(truncatingIfNeeded: seen))
            }
            unsafe sleepers.pointee.wrappingSubtract(1, ordering: .relaxed)
            patience.slept(nanoseconds: TimePoint.monotonicNow().nanoseconds - start)
        }
        return number
    }

    /// Enters the gate if the job is still open and has a place for this helper.
    private func enter(_ number: UInt64, _ index: Int) -> Bool {
        var current = unsafe gate.pointee.load(ordering: .acquiring)
        while current >> 32 == number, current & WorkerTeam.openBit != 0 {
            let step = unsafe gate.pointee.weakCompareExchange(
                expected: current, desired: current + 1, ordering: .acquiring)
            guard step.exchanged else {
                current = step.original
                continue
            }
            // Inside, the job stays as it is; only now may its place be looked at.
            let inside = Int(current & WorkerTeam.countMask)
            guard let place = unsafe job.pointee.place, !place.admits(index, inside: inside) else {
                return true
            }
            leave()
            return false
        }
        return false
    }

    private func leave() {
        let after = unsafe gate.pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue
        guard after & (WorkerTeam.countMask | WorkerTeam.openBit) == 0 else { return }
        if unsafe callerSleeps.pointee.exchange(0, ordering: .sequentiallyConsistent) != 0 {
            unsafe callerSleeps.wake(1)
        }
    }
}
