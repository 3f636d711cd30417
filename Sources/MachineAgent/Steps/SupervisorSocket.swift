internal import CLinux
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The agent's end of the connection to one heng-step.
///
/// It stays open as long as the step runs: its end is how a supervisor learns that the agent has died.
final class SupervisorSocket: Sendable {
    let descriptor: Int32
    let supervisor: pid_t
    private let isOpen = Mutex(true)

    /// Starts a supervisor.
    init(starting program: SupervisorProgram) throws(StepError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
            throw .supervisorFailed(call: "socketpair", code: errno)
        }
        var pid: pid_t = 0
        let failure = unsafe process_spawn_supervisor(program.path, ends[1], &pid)
        Glibc.close(ends[1])
        guard failure == 0 else {
            Glibc.close(ends[0])
            throw .supervisorFailed(call: "starting \(program.path)", code: failure)
        }
        descriptor = ends[0]
        supervisor = pid
    }

    /// Sends everything, and returns whether the supervisor was there to take it.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        isOpen.withLock { isOpen in
            var rest = bytes[...]
            while isOpen, !rest.isEmpty {
                let sent = unsafe rest.withUnsafeBytes {
                    unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if sent < 0, errno == EINTR { continue }
                guard sent > 0 else { return false }
                rest = rest.dropFirst(sent)
            }
            return isOpen
        }
    }

    /// Waits for bytes; none means that the supervisor has closed its end.
    func receive() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            var got: Int
            repeat {
                got = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            } while got < 0 && errno == EINTR
            count = max(0, got)
        }
    }

    /// Closes, and waits for the supervisor's end, which follows at once.
    func finish() {
        isOpen.withLock { isOpen in
            guard isOpen else { return }
            isOpen = false
            Glibc.close(descriptor)
        }
        var status: Int32 = 0
        while unsafe waitpid(supervisor, &status, 0) < 0, errno == EINTR {}
    }
}
