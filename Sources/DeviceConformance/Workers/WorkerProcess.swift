internal import CLinux
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// How worker processes are started: a program, its arguments, and what is added to our environment.
package struct WorkerProgram: Hashable, Sendable {
    package var path: String
    package var arguments: [String]
    package var environment: [String: String]

    package init(path: String, arguments: [String], environment: [String: String] = [:]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }
}

/// A process that answers one line with one line over a socket, which is its standard input and output.
///
/// It is killed when its owner lets go of it.
final class WorkerProcess {
    /// What to poll: it can be read when there is an answer, or when the process has ended.
    let socket: Int32
    private let process: pid_t
    /// Takes what the process writes to standard error, and has no name.
    private let errors: Int32
    private var reader = LineReader()
    private var hasEnded = false

    init(_ program: WorkerProgram) throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Self.failure("a socket", errno) }
        defer { close(ends[1]) }
        errors = unsafe clinux_memory_file("heng-worker-errors", UInt32(CLINUX_MEMORY_FILE_CLOSE_ON_EXEC))
        socket = ends[0]
        guard errors >= 0 else {
            close(socket)
            throw Self.failure("a file in memory", -errors)
        }
        do {
            process = try Self.spawn(program, socket: ends[1], errors: errors)
        } catch {
            close(socket)
            close(errors)
            throw error
        }
    }

    deinit {
        _ = end()
        close(socket)
        close(errors)
    }

    private static func failure(_ what: String, _ number: Int32) -> Failure {
        Failure("A worker process could not be given \(what): \(unsafe String(cString: strerror(number))).")
    }

    private static func spawn(_ program: WorkerProgram, socket: Int32, errors: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        // Whatever the calling thread blocks, a worker that crashes must end.
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        let variables = environment(with: program.environment)
        let number = unsafe withCStrings([program.path] + program.arguments) { arguments in
            unsafe withCStrings(variables) { variables in
                unsafe posix_spawn(&process, program.path, &actions, &attributes, arguments, variables)
            }
        }
        guard number == 0 else {
            throw Failure(
                "\(program.path) cannot be started: \(unsafe String(cString: strerror(number))).",
                exitCode: .setupMissing)
        }
        return process
    }

    /// Our own environment with the given variables in it.
    private static func environment(with added: [String: String]) -> [String] {
        var variables: [String] = []
        var place = unsafe environ
        while let text = unsafe place.pointee {
            variables.append(unsafe String(cString: text))
            unsafe place += 1
        }
        let own = variables.filter { variable in !added.keys.contains { variable.hasPrefix($0 + "=") } }
        return own + added.map { "\($0.key)=\($0.value)" }
    }
}

extension WorkerProcess {
    /// Sends one line; a process that is gone shows when it is read from.
    func send(_ line: [UInt8]) {
        var rest = (line + [UInt8(ascii: "\n")])[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    enum Answer {
        case line([UInt8])
        /// There is more to come.
        case nothing
        /// The process has ended, in these words.
        case ended(String)
    }

    /// Reads what is there; call it when the socket can be read.
    func receive() -> Answer {
        let status = reader.fill(from: socket)
        if let line = reader.next() { return .line(line) }
        return status == .open ? .nothing : .ended(end())
    }

    /// Kills the process if it still lives, and says how it ended and what it last wrote to standard error.
    func end() -> String {
        guard !hasEnded else { return "It has ended." }
        hasEnded = true
        // One that ends by itself may need a moment more for it, or never get there.
        var status: Int32 = 0
        var patience = 200
        while unsafe waitpid(process, &status, WNOHANG) == 0 {
            patience -= 1
            if patience == 0 { _ = Glibc.kill(process, SIGKILL) }
            usleep(patience > 0 ? 1000 : 100)
        }
        let signal = status & 0x7F
        let words =
            signal == 0
            ? "The process ended with the exit code \(status >> 8 & 0xFF)"
            : "The process was ended by signal \(signal) (\(unsafe String(cString: strsignal(signal))))"
        let said = lastErrors()
        return said.isEmpty ? words + "." : "\(words): \(said)"
    }

    /// Kills the process at once.
    func kill() {
        guard !hasEnded else { return }
        hasEnded = true
        _ = Glibc.kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0 && errno == EINTR {}
    }

    /// The end of what the process has written to standard error, on one line.
    private func lastErrors() -> String {
        var facts = stat()
        guard unsafe fstat(errors, &facts) == 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: min(Int(facts.st_size), 600))
        let start = facts.st_size - bytes.count
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe pread(errors, $0.baseAddress, $0.count, start)
        }
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}

/// Lends the texts as C wants lists of them.
private func withCStrings<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for (index, text) in texts.enumerated() { unsafe pointers[index] = strdup(text) }
    unsafe pointers[texts.count] = nil
    defer {
        for index in texts.indices { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
    return unsafe body(pointers)
}
