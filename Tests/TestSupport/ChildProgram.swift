internal import Essentials
internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// How a program that a test started has ended.
package struct ChildEnd: Sendable {
    /// Whether it was killed because its time was up.
    package var isTimeUp = false
    /// The signal that ended it; nil when it ended by itself.
    package var signal: Int32?
    package var status: Int32 = 0
    package var output = ""
    package var errors = ""
}

/// Runs programs to their end, whatever they do: with a limit of time, and no signal blocked.
///
/// With `stopAfter`, a program that goes on behind that line of its output is given half a second more, and killed.
///
/// Not Foundation's `Process`, whose waiting loses the end of a child when several threads wait for theirs.
package enum ChildProgram {
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String]? = nil, seconds: Double = 120,
        stopAfter line: String? = nil
    ) throws -> ChildEnd {
        let place = "/tmp/heng-child-\(UUID().uuidString)"
        let (output, errors) = (place + ".out", place + ".err")
        defer { for path in [output, errors] { try? FileManager.default.removeItem(atPath: path) } }
        let variables = environment ?? ProcessInfo.processInfo.environment
        let process = try spawn(
            [program] + arguments, variables.map { "\($0.key)=\($0.value)" }, output, errors)
        var end = wait(for: process, seconds: seconds) {
            line.map { text(output).hasSuffix($0 + "\n") } ?? false
        }
        end.output = text(output)
        end.errors = text(errors)
        return end
    }

    private static func spawn(
        _ words: [String], _ variables: [String], _ output: String, _ errors: String
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let write = O_WRONLY | O_CREAT | O_TRUNC
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, write, 0o644)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, write, 0o644)
        // Threads of the test runner may block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
        var environment = unsafe variables.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe environment.indices { unsafe free(environment[index]) } }
        var process: pid_t = 0
        let failure = unsafe posix_spawn(&process, words[0], &actions, &attributes, &arguments, &environment)
        guard failure == 0 else { throw Failure("\(words[0]) cannot be started (errno \(failure)).") }
        return process
    }

    private static func wait(for process: pid_t, seconds: Double, isStuck: () -> Bool) -> ChildEnd {
        var deadline = TimePoint.monotonicNow() + .milliseconds(Int(seconds * 1000))
        var end = ChildEnd()
        var status: Int32 = 0
        var wasStuck = false
        while unsafe waitpid(process, &status, WNOHANG) != process {
            if !wasStuck, isStuck() {
                wasStuck = true
                deadline = TimePoint.monotonicNow() + .milliseconds(500)
            }
            if !end.isTimeUp, TimePoint.monotonicNow() > deadline {
                end.isTimeUp = true
                kill(process, SIGKILL)
            }
            usleep(2000)
        }
        let signal = status & 0x7f
        if signal == 0 { end.status = status >> 8 & 0xff } else { end.signal = signal }
        return end
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
