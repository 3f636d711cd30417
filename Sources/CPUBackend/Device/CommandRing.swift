// A bounded ring of fixed-size commands: many threads put in, one takes out.
//
// Each slot carries a sequence number (after D. Vyukov's bounded queue). A slot is free for position p when its
// number is p, and holds the command of position p when it is p + 1. A producer claims a position by raising
// `tail`, writes the slot, and publishes by the number; the consumer runs the command in place and gives the
// slot back for the next round by setting p + capacity. No lock, no allocation, one shared write per side.

internal import CLinux
internal import Essentials
internal import Synchronization

/// What a command does.
///
/// The two words and the bytes of its slot are its operands.
enum CommandKind: UInt32 {
    /// word0: a function; bytes: its arguments.
    case launch
    case launchFallible
    /// word0: destination; word1: source; word2: count.
    case copy
    /// word0: destination; word1: value; word2: count.
    case fill
    /// bytes: a `BlockCopy`.
    case copyBlock
    /// word0: a retained event; word1: its record's number.
    case record
    case waitEvent
    /// word0: a retained buffer.
    case free
    /// word0: a retained recording.
    case replay
    /// bytes: the name.
    case rangeBegin
    case rangeEnd
    case mark
    case stop
}

/// One command's place in the ring, a view of raw memory.
///
/// Only the ring makes slots, and lends each to one thread at a time; so they are safe to write and read.
@safe struct CommandSlot {
    private let base: UnsafeMutableRawPointer

    /// 16 bytes of head, three words, the correlation, then the argument bytes, 16-byte aligned; whole lines.
    static let stride = 320
    static let argumentOffset = 48
    static let argumentLimit = 256

    init(base: UnsafeMutableRawPointer) { unsafe self.base = unsafe base }

    var sequence: UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe base.assumingMemoryBound(to: Atomic<UInt64>.self)
    }
    var kind: UInt32 {
        get { unsafe base.load(fromByteOffset: 8, as: UInt32.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 8, as: UInt32.self) }
    }
    var word0: UInt {
        get { unsafe base.load(fromByteOffset: 16, as: UInt.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 16, as: UInt.self) }
    }
    var word1: UInt {
        get { unsafe base.load(fromByteOffset: 24, as: UInt.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 24, as: UInt.self) }
    }
    var word2: UInt {
        get { unsafe base.load(fromByteOffset: 32, as: UInt.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 32, as: UInt.self) }
    }
    /// The number that the caller gave the work.
    var correlation: UInt64 {
        get { unsafe base.load(fromByteOffset: 40, as: UInt64.self) }
        nonmutating set { unsafe base.storeBytes(of: newValue, toByteOffset: 40, as: UInt64.self) }
    }
    var arguments: UnsafeMutableRawPointer { unsafe base + CommandSlot.argumentOffset }
    /// The command without its place in the ring: kind, words, correlation and arguments.
    var content: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: base + 8, count: CommandSlot.argumentOffset - 8 + CommandSlot.argumentLimit)
    }
}

/// The ring, with the sleeping and waking of both sides.
///
/// `push` may be called from any thread; `next` and `finish` only from the one consumer.
@safe final class CommandRing: @unchecked Sendable {
    // Unchecked: slots are handed from thread to thread by their sequence numbers, all else is atomic.
    static let capacity: UInt64 = 256

    private let slots: UnsafeMutableRawPointer
    /// The next position to claim; producers.
    private let tail: UnsafeMutablePointer<Atomic<UInt64>>
    /// How many commands have run; written by the consumer.
    private let completed: UnsafeMutablePointer<Atomic<UInt64>>
    /// The lowest count that somebody sleeps for; the consumer wakes all sleepers when it gets there.
    private let wakeAt: UnsafeMutablePointer<Atomic<UInt64>>
    /// Changes with each wake of those who wait for completion.
    private let completionWord: UnsafeMutablePointer<FutexWord>
    /// 1 while the consumer sleeps or is about to.
    private let sleeping: UnsafeMutablePointer<FutexWord>

    let concurrency: Int
    /// Where the consumer and the producer that last woke it run; see `settle`.
    private let consumerCPU: UnsafeMutablePointer<Atomic<Int>>
    private let wakerCPU: UnsafeMutablePointer<Atomic<Int>>

    init(concurrency: Int) {
        let bytes = Int(CommandRing.capacity) * CommandSlot.stride
        unsafe slots = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: cacheLine)
        unsafe slots.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        unsafe tail = makeAtomic(0)
        unsafe completed = makeAtomic(0)
        unsafe wakeAt = makeAtomic(.max)
        unsafe completionWord = makeAtomic(0)
        unsafe sleeping = makeAtomic(0)
        unsafe consumerCPU = makeAtomic(-1)
        unsafe wakerCPU = makeAtomic(-1)
        self.concurrency = concurrency
        for position in 0..<CommandRing.capacity {
            unsafe slot(position).sequence.initialize(to: Atomic(position))
        }
    }

    deinit {
        unsafe slots.deallocate()
        unsafe freeAtomic(tail)
        unsafe freeAtomic(completed)
        unsafe freeAtomic(wakeAt)
        unsafe freeAtomic(completionWord)
        unsafe freeAtomic(sleeping)
        unsafe freeAtomic(consumerCPU)
        unsafe freeAtomic(wakerCPU)
    }

    @inline(__always)
    private func slot(_ position: UInt64) -> CommandSlot {
        let index = Int(truncatingIfNeeded: position & (CommandRing.capacity - 1))
        return unsafe CommandSlot(base: slots + index &* CommandSlot.stride)
    }

    /// How many commands have been put in so far; a command's own number is what this says after its push.
    var submitted: UInt64 { unsafe tail.pointee.load(ordering: .acquiring) }

    /// How many commands have run.
    var finished: UInt64 { unsafe completed.pointee.load(ordering: .acquiring) }
}

// MARK: - Producers

extension CommandRing {
    /// Puts a command in, waiting for a free slot if it must; `mayWait` false gives up instead and says so.
    @inline(__always)
    func push(mayWait: @autoclosure () -> Bool, _ write: (CommandSlot) -> Void) -> Bool {
        var position = unsafe tail.pointee.load(ordering: .relaxed)
        while true {
            let place = slot(position)
            let number = unsafe place.sequence.pointee.load(ordering: .acquiring)
            if number == position {
                let claim = unsafe tail.pointee.weakCompareExchange(
                    expected: position, desired: position &+ 1, ordering: .relaxed)
                guard claim.exchanged else {
                    position = claim.original
                    continue
                }
                write(place)
                // The exchange publishes the command, and keeps the look at `sleeping` behind it: the consumer
                // sets `sleeping` and then looks at the number, so one of the two always sees the other.
                _ = unsafe place.sequence.pointee.exchange(position &+ 1, ordering: .sequentiallyConsistent)
                if unsafe sleeping.pointee.load(ordering: .sequentiallyConsistent) != 0 { wakeConsumer() }
                return true
            }
            if number < position, !waitForRoom(at: position, mayWait: mayWait()) { return false }
            position = unsafe tail.pointee.load(ordering: .relaxed)
        }
    }

    @inline(never)
    private func wakeConsumer() {
        unsafe wakerCPU.pointee.store(Int(clinux_current_cpu()), ordering: .relaxed)
        // Only the producer that takes the flag down pays for the system call.
        if unsafe sleeping.pointee.exchange(0, ordering: .sequentiallyConsistent) != 0 {
            unsafe sleeping.wake(1)
        }
    }

    @inline(never)
    private func waitForRoom(at position: UInt64, mayWait: Bool) -> Bool {
        guard mayWait else { return false }
        // The slot is free once the command a full round earlier has run. Waiting for half a ring more saves
        // a producer that is faster than the device a sleep per command.
        let needed = position &+ 1 &- CommandRing.capacity
        return wait(until: min(needed &+ CommandRing.capacity / 2, submitted), nanoseconds: -1)
    }

    /// Waits until so many commands have run: for ever (negative), or at most so long; false when time is up.
    func wait(until target: UInt64, nanoseconds: Int64) -> Bool {
        if finished >= target { return true }
        guard nanoseconds != 0 else { return false }
        // On the consumer's own CPU, spinning would only keep it from running.
        let sharesCPU = unsafe consumerCPU.pointee.load(ordering: .relaxed) == Int(clinux_current_cpu())
        var patience = SpinBudget(concurrency: sharesCPU ? 1 : concurrency)
        if patience.spin(until: { finished >= target }) { return true }
        let deadline = nanoseconds < 0 ? Int64.max : TimePoint.monotonicNow().nanoseconds + nanoseconds
        return sleep(until: target, deadline: deadline)
    }

    private func sleep(until target: UInt64, deadline: Int64) -> Bool {
        while true {
            let word = unsafe completionWord.pointee.load(ordering: .acquiring)
            lowerWake(to: target)
            if unsafe completed.pointee.load(ordering: .sequentiallyConsistent) >= target { return true }
            guard deadline < .max else {
                unsafe completionWord.sleep(while: word)
                continue
            }
            let left = deadline - TimePoint.monotonicNow().nanoseconds
            guard left > 0 else { return false }
            unsafe completionWord.sleep(while: word, nanoseconds: left)
        }
    }

    /// Lowers the mark at which sleepers are woken.
    ///
    /// By hand, because `Atomic.min` of unsigned numbers compares them as signed in Swift 6.3.1, and the mark for
    /// "nobody sleeps" is the largest number.
    private func lowerWake(to target: UInt64) {
        var current = unsafe wakeAt.pointee.load(ordering: .relaxed)
        while target < current {
            let step = unsafe wakeAt.pointee.compareExchange(
                expected: current, desired: target, ordering: .sequentiallyConsistent)
            if step.exchanged { return }
            current = step.original
        }
    }
}

// MARK: - The consumer

/// The one consumer's own state: where it is, and how patient it has learned to be.
struct CommandConsumer {
    fileprivate var head: UInt64 = 0
    fileprivate var patience: SpinBudget

    fileprivate var place: CPUChange

    init(of ring: CommandRing, cpus: CPUSet) {
        patience = SpinBudget(concurrency: ring.concurrency)
        place = CPUChange(within: cpus)
    }
}

extension CommandRing {
    /// The next command, after waiting for it; its slot stays the consumer's until `finish`.
    @inline(__always)
    func next(_ consumer: inout CommandConsumer) -> CommandSlot {
        let place = slot(consumer.head)
        let ready = consumer.head &+ 1
        while !consumer.patience.spin(until: {
            unsafe place.sequence.pointee.load(ordering: .acquiring) == ready
        }) {
            consumer.patience.slept(nanoseconds: sleep(for: ready, at: place))
            settle(&consumer)
        }
        return place
    }

    /// Leaves the CPU of the producer that woke us.
    ///
    /// The kernel often starts a woken thread where its waker runs. The two then take turns on one CPU, each
    /// spinning in the other's way, while the next CPU idles: measured at five times the cost per launch.
    private func settle(_ consumer: inout CommandConsumer) {
        let cpu = Int(clinux_current_cpu())
        if concurrency > 1, unsafe wakerCPU.pointee.load(ordering: .relaxed) == cpu {
            consumer.place.leave(cpu)
        }
        unsafe consumerCPU.pointee.store(Int(clinux_current_cpu()), ordering: .relaxed)
    }

    /// Sleeps until a producer wakes us; returns for how long.
    @inline(never)
    private func sleep(for ready: UInt64, at place: CommandSlot) -> Int64 {
        let start = TimePoint.monotonicNow().nanoseconds
        unsafe sleeping.pointee.store(1, ordering: .sequentiallyConsistent)
        while unsafe place.sequence.pointee.load(ordering: .sequentiallyConsistent) != ready,
            unsafe sleeping.pointee.load(ordering: .acquiring) != 0
        {
            unsafe sleeping.sleep(while: 1)
        }
        unsafe sleeping.pointee.store(0, ordering: .relaxed)
        return TimePoint.monotonicNow().nanoseconds - start
    }

    /// Gives the slot of the last `next` back, and wakes those who waited for its command.
    @inline(__always)
    func finish(_ consumer: inout CommandConsumer) {
        let head = consumer.head
        unsafe slot(head).sequence.pointee.store(head &+ CommandRing.capacity, ordering: .releasing)
        consumer.head = head &+ 1
        unsafe completed.pointee.store(head &+ 1, ordering: .sequentiallyConsistent)
        if unsafe wakeAt.pointee.load(ordering: .sequentiallyConsistent) <= head &+ 1 { wakeWaiters() }
    }

    @inline(never)
    private func wakeWaiters() {
        // A waiter that registers between these lines has read the word before it changes, so it will not sleep.
        unsafe wakeAt.pointee.store(.max, ordering: .sequentiallyConsistent)
        unsafe completionWord.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        unsafe completionWord.wake()
    }
}
