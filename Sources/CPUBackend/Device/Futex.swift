internal import CLinux
internal import Essentials
internal import Synchronization

/// A 32-bit word that threads of this process sleep on until another thread changes it.
typealias FutexWord = Atomic<UInt32>

extension UnsafeMutablePointer where Pointee == FutexWord {
    /// Sleeps while the word is `value`, at most `nanoseconds` (negative: for ever).
    ///
    /// May return early for no reason; the caller looks again.
    func sleep(while value: UInt32, nanoseconds: Int64 = -1) {
        // Woken, changed before, timed out, interrupted: in every case the caller looks at its condition again.
        _ = unsafe clinux_futex_wait(UnsafeRawPointer(self), value, nanoseconds, false)
    }

    /// Wakes at most so many sleepers.
    func wake(_ count: Int32 = .max) {
        _ = unsafe clinux_futex_wake(UnsafeRawPointer(self), count, false)
    }
}

/// Makes one atomic on a cache line of its own; the memory is freed by `freeAtomic`.
func makeAtomic<Value: AtomicRepresentable>(_ value: consuming Value) -> UnsafeMutablePointer<Atomic<Value>> {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: cacheLine, alignment: cacheLine)
    let place = unsafe raw.bindMemory(to: Atomic<Value>.self, capacity: 1)
    unsafe place.initialize(to: Atomic(value))
    return unsafe place
}

func freeAtomic<Value: AtomicRepresentable>(_ place: UnsafeMutablePointer<Atomic<Value>>) {
    unsafe UnsafeMutableRawPointer(place).deallocate()
}

/// What threads must keep apart to not slow each other down; 64 bytes on every machine we run on so far.
let cacheLine = 64

/// A word for many sleepers that wait for a condition somebody else makes true.
///
/// Who makes the condition true calls `wakeAll` afterwards.
@safe final class SharedFutexWord: @unchecked Sendable {
    // Unchecked: the pointer never changes, and what it points to is atomic.
    private let word: UnsafeMutablePointer<FutexWord>

    init() { unsafe word = makeAtomic(0) }
    deinit { unsafe freeAtomic(word) }

    func wakeAll() {
        unsafe word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        unsafe word.wake()
    }

    /// Sleeps until the condition holds, for ever (negative) or at most so long; false when time is up.
    func sleep(nanoseconds: Int64, until condition: () -> Bool) -> Bool {
        let deadline = nanoseconds < 0 ? Int64.max : TimePoint.monotonicNow().nanoseconds + nanoseconds
        while true {
            let value = unsafe word.pointee.load(ordering: .sequentiallyConsistent)
            if condition() { return true }
            guard deadline < .max else {
                unsafe word.sleep(while: value)
                continue
            }
            let left = deadline - TimePoint.monotonicNow().nanoseconds
            guard left > 0 else { return false }
            unsafe word.sleep(while: value, nanoseconds: left)
        }
    }
}
