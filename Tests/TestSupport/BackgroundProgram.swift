internal import Essentials
internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// A program that a test has started and ends itself.
package final class BackgroundProgram {
    package let process: Int32
    private var status: Int32?

    /// Output and errors go to the file.
    package init(
        _ program: String, _ arguments: [String], environment: [String: String], output: String
    ) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        let failure = unsafe posix_spawn(&process, program, &actions, &attributes, &words, &variables)
        guard failure == 0 else { throw Failure("\(program) cannot be started (errno \(failure)).") }
        self.process = process
    }

    deinit { end(SIGKILL) }

    /// Whether it has not ended by itself.
    package var isRunning: Bool { reap(WNOHANG) == nil }

    /// Sends the signal, and waits for the end; returns the status that `waitpid` gives.
    @discardableResult package func end(_ signal: Int32 = SIGTERM) -> Int32 {
        if status == nil { kill(process, signal) }
        return reap(0) ?? 0
    }

    private func reap(_ options: Int32) -> Int32? {
        if let status { return status }
        var found: Int32 = 0
        while true {
            let answer = unsafe waitpid(process, &found, options)
            if answer == -1, errno == EINTR { continue }
            guard answer == process else { return nil }
            status = found
            return found
        }
    }
}
