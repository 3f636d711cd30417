internal import ControlAPI
internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Results

/// Starts `hengd` as a program of its own that outlives this command and its terminal.
struct DaemonStart {
    let paths: StatePaths

    /// Beside this program, where `make install` puts it, or where `HENG_DAEMON` says.
    static func program() throws -> String {
        var places: [String] = []
        if let folder = SupervisorProgram.runningProgramFolder() {
            places = ["\(folder)/hengd", "\(folder)/../libexec/heng/hengd"]
        }
        if let named = environmentValue("HENG_DAEMON") { places.insert(named, at: 0) }
        guard let found = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            throw Failure(
                "The program hengd was not found; looked for \(places.joined(separator: ", ")).",
                nextStep: "Build it with `make build`, or name it with HENG_DAEMON.", exitCode: .setupMissing)
        }
        return found
    }

    /// Starts it with these arguments and returns its process; its words go to the log.
    func start(_ arguments: [String]) throws -> pid_t {
        let program = try DaemonStart.program()
        try makeFolder()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, paths.log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        keepFilesFromChildren()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        let newSession: Int16 = 0x80
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, newSession | Int16(POSIX_SPAWN_SETSIGMASK))
        var environment = ProcessInfo.processInfo.environment
        environment["HENG_STATE_DIR"] = paths.folder
        return unsafe try spawn(program, [program] + arguments, environment, &actions, &attributes)
    }

    private func spawn(
        _ program: String, _ arguments: [String], _ environment: [String: String],
        _ actions: inout posix_spawn_file_actions_t, _ attributes: inout posix_spawnattr_t
    ) throws -> pid_t {
        let words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        let failure = unsafe posix_spawn(&process, program, &actions, &attributes, words, variables)
        guard failure == 0 else { throw FileFailure(.reading, program, failure) }
        return process
    }

    /// Whoever reads this command's output must not wait for the daemon's end.
    private func keepFilesFromChildren() {
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in open.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    private func makeFolder() throws {
        do {
            try FileManager.default.createDirectory(atPath: paths.folder, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                "The state folder \(paths.folder) cannot be made.",
                nextStep: "Choose another with HENG_STATE_DIR.", exitCode: .setupMissing)
        }
    }

    /// Waits until the daemon answers; says what its log says when it ends instead.
    func waitUntilReady(_ process: pid_t, atMost limit: Duration = .seconds(60)) throws -> DaemonStatus {
        let end = TimePoint.monotonicNow() + limit
        while TimePoint.monotonicNow() < end {
            if let status = try? DaemonClient(paths).status(), status.isReady { return status }
            var code: Int32 = 0
            guard unsafe waitpid(process, &code, WNOHANG) == 0 else {
                throw Failure(
                    "hengd ended before it answered: \(lastWords)", nextStep: "Its log is \(paths.log).",
                    exitCode: .setupMissing)
            }
            usleep(5_000)
        }
        throw Failure(
            "hengd (process \(process)) did not answer within \(limit.inSeconds.formatted(digits: 0)) s.",
            nextStep: "Its log is \(paths.log).", exitCode: .setupMissing)
    }

    /// The last line of the log.
    var lastWords: String {
        guard let bytes = FileManager.default.contents(atPath: paths.log) else { return "it wrote no log." }
        let line = String(decoding: bytes.suffix(4000), as: UTF8.self).split(separator: "\n").last
        return line.map(String.init) ?? "its log is empty."
    }
}
