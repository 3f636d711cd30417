internal import CLinux
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Threads of our own that stay on given CPUs and leave signals to the program's other threads.
enum PinnedThread {
    /// Starts a joinable thread; returns 0, or the system's error number and then the body never runs.
    ///
    /// Confinement to `cpus` is best effort here: the kernel refuses only sets it would not schedule on at all,
    /// which is what the set was made from.
    static func start(
        name: String, cpus: CPUSet, handle: inout pthread_t, _ body: @escaping @Sendable () -> Void
    ) -> Int32 {
        let start = unsafe Unmanaged.passRetained(ThreadStart(name: name, cpus: cpus, body: body))
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        let status = unsafe pthread_create(&handle, nil, { unsafe threadMain($0) }, start.toOpaque())
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        if status != 0 { unsafe start.release() }
        return status
    }

    /// Names the calling thread, for debuggers and profilers; at most 15 bytes count.
    fileprivate static func name(_ name: String) {
        let file = unsafe open("/proc/self/task/\(clinux_thread_id())/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        // A thread without its name works as well.
        _ = unsafe write(file, name, name.utf8.count)
    }

    /// Confines the calling thread.
    static func confine(to cpus: CPUSet) {
        let numbers = cpus.units.map { Int32($0) }
        // A CPU taken offline since discovery is the only way this fails; running elsewhere is then right.
        _ = unsafe numbers.withUnsafeBufferPointer { unsafe clinux_set_affinity(0, $0.baseAddress, $0.count) }
    }
}

/// How a thread leaves a CPU for another one of its set; kept by the thread, so that moving allocates nothing.
struct CPUChange {
    private let all: [Int32]
    private var others: [Int32]

    init(within cpus: CPUSet) {
        all = cpus.units.map { Int32($0) }
        // Made apart, not copied: a copy would share its memory until the first change, and allocate there.
        others = cpus.units.map { Int32($0) }
    }

    /// Moves the calling thread off the CPU, if there is another one; it may come back later.
    mutating func leave(_ cpu: Int) {
        guard all.count > 1, let index = all.firstIndex(of: Int32(cpu)) else { return }
        // The left one takes the last one's place, and the list is read without its last place.
        others[index] = all[all.count - 1]
        // As in `confine`, a refusal means that staying is right.
        _ = unsafe others.withUnsafeBufferPointer {
            unsafe clinux_set_affinity(0, $0.baseAddress, $0.count - 1)
        }
        others[index] = all[index]
        _ = unsafe all.withUnsafeBufferPointer { unsafe clinux_set_affinity(0, $0.baseAddress, $0.count) }
    }
}

private final class ThreadStart: Sendable {
    let name: String
    let cpus: CPUSet
    let body: @Sendable () -> Void

    init(name: String, cpus: CPUSet, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.cpus = cpus
        self.body = body
    }
}

private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { preconditionFailure("a thread without a start") }
    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    PinnedThread.name(start.name)
    PinnedThread.confine(to: start.cpus)
    start.body()
    return nil
}
