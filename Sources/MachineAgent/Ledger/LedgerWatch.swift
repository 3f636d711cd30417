package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Ends waits on a ledger from another thread or from a signal handler; once triggered it stays so.
package final class LedgerInterrupt: Sendable {
    fileprivate let readEnd: Int32
    private let writeEnd: Int32

    package init() throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw Failure("The system gave no pipe to interrupt waits with: \(sentence(errno)).")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Only writes one byte, which signal handlers may do.
    package func trigger() {
        var byte: UInt8 = 1
        // A pipe that is full was triggered long ago.
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// What to poll among other descriptors: it can be read from the trigger on.
    var look: pollfd { pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0) }

    package var isTriggered: Bool {
        var look = look
        return unsafe poll(&look, 1, 0) > 0
    }
}

extension LedgerInterrupt {
    /// What ended a wait.
    package enum Wake: Sendable { case this, other, deadline }

    /// Blocks until this one or the other is triggered, or the deadline is over.
    package func wait(or other: LedgerInterrupt, until deadline: TimePoint? = nil) -> Wake {
        var looks = [look, other.look]
        while true {
            let left = deadline.map { max(0, ($0 - .monotonicNow()).nanoseconds / 1_000_000 + 1) } ?? -1
            // A signal ends the wait early with no answer; then it starts over.
            if unsafe poll(&looks, 2, Int32(clamping: left)) > 0 {
                return looks[0].revents != 0 ? .this : .other
            }
            if let deadline, TimePoint.monotonicNow() >= deadline { return .deadline }
        }
    }
}

/// Waits for the next change of a ledger.
///
/// The kernel says when a new state file takes the place of the old one. Where it cannot watch, as on some network
/// disks or when its watches are used up, the wait just ends more often.
struct LedgerWatch: ~Copyable {
    private let descriptor: Int32
    private let isWatching: Bool

    /// Changes from this moment on are seen, so watch first and look then.
    init(_ folder: String) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        isWatching =
            unsafe descriptor >= 0
            && inotify_add_watch(descriptor, folder, UInt32(IN_MOVED_TO | IN_DELETE_SELF)) >= 0
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    enum Event { case changed, timedOut, interrupted }

    borrowing func wait(atMost limit: Duration, or interrupt: LedgerInterrupt) -> Event {
        let limit = isWatching ? limit : min(limit, .milliseconds(200))
        let milliseconds = Int32(clamping: max(0, limit.nanoseconds / 1_000_000 + 1))
        var looks = [
            pollfd(fd: interrupt.readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isWatching ? descriptor : -1, events: Int16(POLLIN), revents: 0),
        ]
        let count = unsafe poll(&looks, 2, milliseconds)
        if looks[0].revents != 0 { return .interrupted }
        guard count > 0 else { return .timedOut }
        drain()
        return .changed
    }

    private borrowing func drain() {
        var events = [UInt8](repeating: 0, count: 4096)
        while unsafe read(descriptor, &events, events.count) > 0 {}
    }
}
