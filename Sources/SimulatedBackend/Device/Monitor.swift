internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// One lock and one condition for all that belongs to a simulated device.
///
/// A simulation is not about speed: one lock is easy to reason about, and every change wakes all who wait.
@safe final class Monitor: @unchecked Sendable {
    // Unchecked: both are made for use by several threads, and their addresses never change.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    func lock() { unsafe pthread_mutex_lock(mutex) }
    func unlock() { unsafe pthread_mutex_unlock(mutex) }

    func locked<Result, Problem: Error>(_ body: () throws(Problem) -> Result) throws(Problem) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Runs the body without the lock that the caller holds.
    func unlocked<Result>(_ body: () -> Result) -> Result {
        unlock()
        defer { lock() }
        return body()
    }

    /// Waits for a change, at most until a point of the monotonic clock in nanoseconds.
    func wait(until deadline: Int64? = nil) {
        guard let deadline else {
            unsafe pthread_cond_wait(condition, mutex)
            return
        }
        var time = timespec(
            tv_sec: Int(max(0, deadline) / 1_000_000_000), tv_nsec: Int(max(0, deadline) % 1_000_000_000))
        unsafe pthread_cond_timedwait(condition, mutex, &time)
    }

    /// Tells all who wait that something has changed.
    func changed() { unsafe pthread_cond_broadcast(condition) }
}

/// The monotonic clock in nanoseconds.
func monotonicNanoseconds() -> Int64 { TimePoint.monotonicNow().nanoseconds }
