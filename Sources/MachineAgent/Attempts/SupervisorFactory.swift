internal import CLinux
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Makes detached supervisors: one heng-step, started at the first use, forks the others.
///
/// It ends with us, its supervisors do not. One thread uses it.
final class SupervisorFactory {
    private let program: SupervisorProgram
    private var socket: Int32 = -1
    private var process: pid_t = 0

    init(_ program: SupervisorProgram) { self.program = program }

    deinit { close() }

    /// A fresh supervisor's end of the connection.
    func make() throws(StepError) -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
            throw .supervisorFailed(call: "socketpair", code: errno)
        }
        defer { Glibc.close(ends[1]) }
        do {
            try hand(ends[1])
            return ends[0]
        } catch {
            Glibc.close(ends[0])
            throw error
        }
    }

    /// A factory that was killed is replaced.
    private func hand(_ descriptor: Int32) throws(StepError) {
        if socket >= 0, process_send_descriptor(socket, descriptor) == 0 { return }
        close()
        try start()
        let failure = process_send_descriptor(socket, descriptor)
        guard failure == 0 else { throw .supervisorFailed(call: "sendmsg", code: failure) }
    }

    private func start() throws(StepError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
            throw .supervisorFailed(call: "socketpair", code: errno)
        }
        let failure = unsafe process_spawn_supervisor(program.path, ends[1], &process)
        Glibc.close(ends[1])
        guard failure == 0 else {
            Glibc.close(ends[0])
            throw .supervisorFailed(call: "starting \(program.path)", code: failure)
        }
        socket = ends[0]
    }

    func close() {
        guard socket >= 0 else { return }
        Glibc.close(socket)
        socket = -1
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
}

/// Our end of a connection to a supervisor; closed by its owner.
struct SupervisorLink {
    let descriptor: Int32
    private var lines = LineBuffer()

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Sends everything, and returns whether the supervisor was there to take it.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// The lines that have come, without waiting for more, and whether the supervisor has closed its end.
    mutating func receive() -> (lines: [SupervisorLine], isOver: Bool) {
        var isOver = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            let got = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            isOver = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)
            count = max(0, got)
        }
        lines.append(bytes)
        var found: [SupervisorLine] = []
        while let text = lines.next() {
            if let line = SupervisorLine(parsing: text) { found.append(line) }
        }
        return (found, isOver)
    }
}
