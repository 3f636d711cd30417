internal import Backends
internal import Essentials
internal import Foundation

/// Asks a plugin for its devices in a process of its own, so that whatever it does is not done to us.
enum PluginQuestion {
    /// The plugin's devices; a plugin that fails, crashes or hangs is a `DeviceWarning` thrown.
    static func devices(of path: String, seconds: Double) throws -> [ListedDevice] {
        let deadline = TimePoint.monotonicNow() + .milliseconds(Int(max(0, min(seconds, 1e6)) * 1000))
        let worker = try PluginWorkerProcess(plugin: path)
        defer { worker.end() }
        let bytes = worker.read(until: deadline)
        guard let bytes else {
            throw DeviceWarning(plugin: path, error: PluginDeath.silent(seconds: seconds))
        }
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let line = lines.last,
            let answer = try? JSONDecoder().decode(PluginAnswer.self, from: Data(line))
        else {
            let death = worker.death(until: deadline) ?? .silent(seconds: seconds)
            throw DeviceWarning(plugin: path, error: death)
        }
        if let warning = answer.warning { throw warning }
        return answer.devices
    }
}

/// One `heng plugin-worker`, whose standard output we read.
private final class PluginWorkerProcess {
    private let process: pid_t
    private let output: Int32
    private var hasEnded = false

    init(plugin path: String) throws {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw Failure("No socket could be made for a plugin (errno \(errno)).")
        }
        defer { close(ends[1]) }
        output = ends[0]
        do {
            process = try Self.spawn(["heng", "plugin-worker", path], output: ends[1])
        } catch {
            close(output)
            throw error
        }
    }

    deinit { close(output) }

    private static func spawn(_ arguments: [String], output: Int32) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // A plugin's own messages are for those who ask for them.
        if unsafe getenv("HENG_LOG") == nil {
            unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
        // Whatever the calling thread blocks, a worker that crashes must end.
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        let failure = unsafe posix_spawn(&process, "/proc/self/exe", &actions, &attributes, &words, environ)
        guard failure == 0 else {
            throw Failure("No process could be started for a plugin (errno \(failure)).")
        }
        return process
    }

    /// The answer's line and what came before it, or all up to the end; nil when time is up before.
    func read(until deadline: TimePoint) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = (deadline - TimePoint.monotonicNow()).nanoseconds / 1_000_000
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&waiting, 1, Int32(clamping: max(0, left)))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Foundation.read(output, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            // The first line is empty; the second is the answer.
            if bytes.count > 1, bytes.last == UInt8(ascii: "\n") { return bytes }
        }
    }

    /// How the process ended; nil when it has not by then.
    func death(until deadline: TimePoint) -> PluginDeath? {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, WNOHANG) == 0 {
            guard TimePoint.monotonicNow() < deadline else { return nil }
            usleep(1000)
        }
        hasEnded = true
        let signal = status & 0x7f
        return signal == 0 ? .exit(status >> 8 & 0xff) : .signal(signal)
    }

    /// Ends it, wherever it is.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }
}
