import Essentials
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A program that runs, with its outputs in files; it is killed when a test leaves it behind.
final class Child: Sendable {
    let process: Int32
    private let hasEnded = Mutex(false)
    private let output: String
    private let errors: String

    init(
        _ command: [String], environment: [String: String], folder: String, output: String, errors: String
    ) throws {
        self.output = output
        self.errors = errors
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

        // Goes to the folder, looks the program up, and becomes it.
        let program = "/usr/bin/env"
        let arguments = CStrings([program, "-C", folder] + command)
        let variables = CStrings(environment.map { "\($0.key)=\($0.value)" })
        var process: pid_t = 0
        let failure = unsafe posix_spawn(
            &process, program, &actions, &attributes, arguments.pointers, variables.pointers)
        guard failure == 0 else { throw Failure("\(program) cannot be started (errno \(failure)).") }
        self.process = process
    }

    deinit {
        guard !hasEnded.withLock({ $0 }) else { return }
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    func signal(_ number: Int32) { kill(process, number) }

    /// What it has written to standard output so far.
    var outputSoFar: String { text(output) }
    var errorsSoFar: String { text(errors) }

    /// Waits for its end, once; taking far longer than it ever should is an error.
    func wait() throws -> Finished {
        var status: Int32 = 0
        try until("process \(process) has ended") { unsafe waitpid(process, &status, WNOHANG) == process }
        hasEnded.withLock { $0 = true }
        let signal = status & 0x7f
        return Finished(
            status: signal == 0 ? status >> 8 & 0xff : 128 + signal, output: text(output),
            errors: text(errors))
    }

    /// Empty for a device.
    private func text(_ path: String) -> String {
        guard !path.hasPrefix("/dev/"), let bytes = FileManager.default.contents(atPath: path) else {
            return ""
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Texts as C wants them, freed at the end.
@safe private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        unsafe pointers = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { unsafe pointers[index] = strdup(text) }
        unsafe pointers[count] = nil
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
