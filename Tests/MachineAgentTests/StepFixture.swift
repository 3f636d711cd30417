import Essentials
import MachineAgent

#if canImport(Glibc)
import Glibc
#endif

/// A folder of its own for one test, removed with everything in it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/heng-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure("No temporary folder can be made.") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names(in: path) { unsafe unlink(file(name)) }
        unsafe rmdir(path)
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func text(of name: String) throws -> String { try readText(file(name)) }
}

/// The names in a folder.
func names(in folder: String) -> [String] {
    guard let directory = unsafe opendir(folder) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

func readText(_ path: String) throws -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("\(path) cannot be read (errno \(errno)).") }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = unsafe read(descriptor, &chunk, chunk.count)
        guard count > 0 else { return String(decoding: content, as: UTF8.self) }
        content += chunk[..<count]
    }
}

func writeText(_ text: String, to path: String) throws {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Failure("\(path) cannot be written (errno \(errno)).") }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else {
        throw Failure("\(path) cannot be written (errno \(errno)).")
    }
}

/// The value of a line `Name:\tvalue` of a file such as /proc/self/status.
func field(_ name: String, of text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        .map { String($0.dropFirst(name.count + 1).drop(while: \.isWhitespace)) }
}

/// The processing units this test may use.
func usableCPUs() throws -> CPUSet {
    let text = field("Cpus_allowed_list", of: try readText("/proc/self/status"))
    return text.flatMap { CPUSet(parsing: $0) } ?? CPUSet()
}

/// A step that runs a shell script with its output in a folder.
func shell(
    _ script: String, in folder: TemporaryFolder, cpus: CPUSet? = nil, numa: NUMAPreference? = nil,
    memory: ByteCount? = nil, cpuShare: Double? = nil, grace: Duration = .seconds(5)
) -> StepSpecification {
    StepSpecification(
        name: "test", command: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"],
        workingDirectory: folder.path, cpus: cpus, numa: numa, memory: memory, cpuShare: cpuShare,
        output: .file(folder.file("out")), errorOutput: .file(folder.file("err")), grace: grace)
}

let noGroups = Isolation.soft(because: "this test asks for none")

/// Starts a step with the supervisor of this build.
func start(_ specification: StepSpecification, isolation: Isolation = noGroups) throws -> RunningStep {
    try RunningStep.start(specification, isolation: isolation, supervisor: SupervisorProgram.locate())
}

/// Whether a process lives: it exists and does not only wait to be reaped.
func isAlive(_ pid: Int32) -> Bool {
    guard let text = try? readText("/proc/\(pid)/stat") else { return false }  // gone
    let state = text.split(separator: ")").last?.split(separator: " ").first
    return state != "Z" && state != "X"
}

/// Yields until something holds that other processes bring about.
///
/// The suites' time limit ends a wait in vain.
func until(_ condition: () throws -> Bool) async throws {
    while try !condition() {
        try Task.checkCancellation()
        sched_yield()
        await Task.yield()
    }
}

/// Starts a plain child process with its output in a file; the caller waits for it.
func spawn(_ arguments: [String], output: String) throws -> pid_t {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in arguments.indices { unsafe free(pointers[index]) } }
    var pid: pid_t = 0
    let failure = unsafe posix_spawn(&pid, arguments[0], &actions, nil, &pointers, environ)
    guard failure == 0 else { throw Failure("\(arguments[0]) cannot be started (errno \(failure)).") }
    return pid
}
