internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// A lock with a condition that threads wait for, which `Mutex` has not.
@safe package final class Monitor: @unchecked Sendable {
    // Unchecked: the two objects are made for sharing, and never move.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    package init() {
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

    package func lock() { unsafe pthread_mutex_lock(mutex) }
    package func unlock() { unsafe pthread_mutex_unlock(mutex) }

    @inlinable
    package func locked<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Runs the body without the lock that the caller holds.
    @inlinable
    package func unlocked<Result>(_ body: () -> Result) -> Result {
        unlock()
        defer { lock() }
        return body()
    }

    /// Waits with the lock held; may return early.
    package func wait() { unsafe pthread_cond_wait(condition, mutex) }

    /// The same, at most until a moment of the monotonic clock in nanoseconds; false when that has come.
    @discardableResult
    package func wait(until deadline: Int64) -> Bool {
        let deadline = Int(max(0, deadline))
        var time = timespec(tv_sec: deadline / 1_000_000_000, tv_nsec: deadline % 1_000_000_000)
        return unsafe pthread_cond_timedwait(condition, mutex, &time) == 0
    }

    /// Wakes all who wait, since something has changed.
    package func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
