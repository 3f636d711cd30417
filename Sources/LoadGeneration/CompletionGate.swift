internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Lets the generator wait until a number of answers has come, while answering costs two atomic operations.
///
/// One thread waits, any number of threads count.
@safe package final class CompletionGate: @unchecked Sendable {
    // Unchecked: the two pointers are made here, never change, and belong to POSIX calls that lock by themselves.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let counted = Atomic<Int>(0)
    private let wanted = Atomic<Int>(Int.max)
    private let sleeps = Atomic<Bool>(false)

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        // These fail only for invalid arguments.
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// How many answers have come.
    package var count: Int { counted.load(ordering: .acquiring) }

    /// Whether the wanted number has come.
    package var isOpen: Bool {
        counted.load(ordering: .sequentiallyConsistent) >= wanted.load(ordering: .relaxed)
    }

    /// Sets the number that opens the gate; only the waiting thread may.
    func close(untilCount count: Int) { wanted.store(count, ordering: .sequentiallyConsistent) }

    /// Counts answers, and wakes the waiting thread when the last wanted one is among them.
    func add(_ answers: Int) {
        let total = counted.add(answers, ordering: .sequentiallyConsistent).newValue
        // Either this sees the sleeper's flag, or the sleeper, which looks again after setting it, sees the count.
        guard sleeps.load(ordering: .sequentiallyConsistent),
            total >= wanted.load(ordering: .sequentiallyConsistent)
        else { return }
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_signal(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Sleeps until the gate is open or the moment on the monotonic clock has come.
    func sleep(until deadline: TimePoint) {
        var target = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000),
            tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        unsafe pthread_mutex_lock(mutex)
        sleeps.store(true, ordering: .sequentiallyConsistent)
        while !isOpen, unsafe pthread_cond_timedwait(condition, mutex, &target) != ETIMEDOUT {}
        sleeps.store(false, ordering: .sequentiallyConsistent)
        unsafe pthread_mutex_unlock(mutex)
    }
}
