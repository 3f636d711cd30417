internal import CLinux
internal import Essentials

/// How long a waiting thread spins before it sleeps: learned from whether spinning has paid.
///
/// A thread that sleeps costs the one who wakes it a system call and itself some microseconds; one that spins
/// takes the core from whoever could use it. Spinning that ended in vain halves the budget, down to nothing;
/// spinning that paid, and sleep so short that spinning would have paid, raise it again. With one core to run
/// on, whatever is waited for cannot happen while we spin, so the limit is zero.
struct SpinBudget {
    /// The longest spin in nanoseconds.
    ///
    /// A futex sleep and wake costs 5 us on bare metal and up to 60 us on virtual machines; spinning longer than
    /// that loses more than it can win.
    private let limit: Int64
    private var current: Int64

    /// Steps below this are not worth a look at the clock.
    private static let smallest: Int64 = 1000

    init(concurrency: Int, limit: Int64 = 50_000) {
        self.limit = concurrency > 1 ? limit : 0
        current = self.limit
    }

    /// Spins until the condition holds or the budget is used up; returns whether it holds.
    @inline(__always)
    mutating func spin(until condition: () -> Bool) -> Bool {
        if condition() { return true }
        guard current > 0 else { return false }
        let deadline = TimePoint.monotonicNow().nanoseconds + current
        // Each look takes the cache line away from whoever is about to write it; so looks grow rarer, up to one in
        // some 200 ns, which also lets a producer get a few commands ahead.
        var pauses = 1
        repeat {
            for _ in 0..<4 {
                for _ in 0..<pauses { clinux_cpu_pause() }
                if condition() {
                    current = min(limit, current * 2)
                    return true
                }
            }
            pauses = min(pauses * 2, 16)
        } while TimePoint.monotonicNow().nanoseconds < deadline
        current = current / 2 < SpinBudget.smallest ? 0 : current / 2
        return false
    }

    /// Learns from a sleep that followed a spin in vain.
    mutating func slept(nanoseconds: Int64) {
        if nanoseconds < limit { current = min(limit, max(current * 2, SpinBudget.smallest * 4)) }
    }
}
