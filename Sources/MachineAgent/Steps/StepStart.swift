internal import Essentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

// What goes into a start and what comes back from it: checking, encoding, and the supervisor's answer.

extension StepSpecification {
    /// Refuses what could not be meant, before anything is started.
    func validate() throws(StepError) {
        guard let program = command.first, !program.isEmpty else { throw .emptyCommand }
        if let share = cpuShare, !(share > 0 && share <= 1) { throw .badShare(share) }
        if let cpus, cpus.isEmpty { throw .noCPUs }
        for text in command where text.utf8.contains(0) { throw .unusableText(what: "An argument") }
        for (name, value) in environment {
            if name.isEmpty || name.contains("=") || (name + value).utf8.contains(0) {
                throw .unusableText(what: "The variable \(name)")
            }
        }
        for path in files + orphanFiles + [workingDirectory].compactMap(\.self) where path.utf8.contains(0) {
            throw .unusableText(what: "The path \(path)")
        }
    }

    private var files: [String] {
        var files: [String] = []
        if case .file(let path) = input { files.append(path) }
        if case .file(let path) = output { files.append(path) }
        if case .file(let path) = errorOutput { files.append(path) }
        return files
    }

    /// The file behind one of the supervisor's calls.
    fileprivate func file(for call: String) -> String {
        switch (call, input, output, errorOutput) {
        case ("input", .file(let path), _, _), ("output", _, .file(let path), _),
            ("error", _, _, .file(let path)):
            path
        default: "/dev/null"
        }
    }
}

extension SupervisorBlock {
    /// `place` is where a detached step leaves its files; nil is a step that ends with us.
    init(_ specification: StepSpecification, limits: StepLimits, place: StepPlace? = nil) {
        for argument in specification.command { add("argument", argument) }
        for (name, value) in specification.environment.sorted(by: { $0.key < $1.key }) {
            add("environment", "\(name)=\(value)")
        }
        if let folder = specification.workingDirectory { add("directory", folder) }
        if let cpus = specification.cpus { add("cpus", cpus) }
        if let numa = specification.numa {
            add("memory_policy", numa.mode == .strict ? "bind" : numa.mode.rawValue)
            add("nodes", numa.nodes)
        }
        if let limit = limits.watchedMemoryLimit {
            add("data_limit", limit.bytes)
            add("resident_limit", limit.bytes)
        }
        if let limit = specification.processLimit, !limits.hasProcessGroup { add("process_limit", limit) }
        if let parent = limits.parent { add("parent", "\(parent.kind):\(parent.path)") }
        if let folder = limits.freezer { add("freezer", folder) }
        if specification.appendsOutput { add("append", 1) }
        addTimes(specification)
        if let place {
            add("folder", place.folder)
            add("name", place.name)
            add("attempt", place.marker)
            add("boot", place.boot)
        }
        for group in limits.groups { add("group", "\(group.kind):\(group.path)") }
        if case .file(let path) = specification.input { add("input", path) }
        if let path = specification.output.path { add("output", path) }
        if let path = specification.errorOutput.path { add("error", path) }
        for path in specification.orphanFiles { add("orphan", path) }
    }

    private mutating func addTimes(_ specification: StepSpecification) {
        add("grace", milliseconds(specification.grace, atMost: .seconds(86400)))
        if let limit = specification.timeLimit { add("time_limit", max(1, milliseconds(limit))) }
        if let warning = specification.warning {
            add(
                "warning",
                "\(warning.number):\(milliseconds(warning.before)):\(warning.isBatchOnly ? "first" : "all")")
        }
    }
}

/// Where the files of a detached step lie, and how its processes are known.
struct StepPlace: Hashable, Sendable {
    var folder: String
    /// What the names of its files begin with.
    var name: String
    /// The variable `HENG_ATTEMPT` of its processes, which no other step has.
    var marker: String
    /// The run of the machine's kernel.
    var boot: String
}

/// Whole milliseconds, at least none.
func milliseconds(_ duration: Duration, atMost limit: Duration = .seconds(1_000_000_000)) -> Int64 {
    max(.zero, min(duration, limit)).nanoseconds / 1_000_000
}

extension StepOutput {
    fileprivate var path: String? {
        switch self {
        case .inherited: nil
        case .discarded: "/dev/null"
        case .file(let path): path
        }
    }
}

extension EnforcementReport {
    /// The report with what only the started step could find out.
    func afterStart(_ answer: SupervisorLine, _ specification: StepSpecification) -> EnforcementReport {
        guard let code = answer.code("policy_errno"), code != 0 else { return self }
        var report = self
        for index in entries.indices where entries[index].limit == .numa {
            report.entries[index].strength = .none
            report.entries[index].means = "the kernel refuses the memory policy (\(describe(code)))"
        }
        return report
    }
}

extension StepError {
    /// Turns the supervisor's answer into an error; nil is a supervisor that ended without one.
    init(_ answer: SupervisorLine?, specification: StepSpecification) {
        guard let answer, answer.word == "failed", let call = answer.text("call"),
            let code = answer.code("errno")
        else {
            self = .supervisorFailed(call: "no answer", code: ECHILD)
            return
        }
        switch call {
        case "execute": self = .execution(specification, code: code)
        case "directory": self = .workingDirectory(specification.workingDirectory ?? ".", code: code)
        case "input", "output", "error": self = .file(specification.file(for: call), code: code)
        case "affinity":
            self = .cpusNotUsable(
                requested: specification.cpus ?? CPUSet(),
                usable: answer.text("affinity").flatMap { CPUSet(parsing: $0) })
        case "policy":
            self = .memoryPolicy(specification.numa ?? NUMAPreference(.strict, nodes: CPUSet()), code: code)
        case "limit": self = .limit(what: "RLIMIT_DATA or RLIMIT_NPROC", code: code)
        default: self = .supervisorFailed(call: call, code: code)
        }
    }

    private static func execution(_ specification: StepSpecification, code: Int32) -> StepError {
        let command = specification.command[0]
        guard code == ENOENT || code == ENOTDIR else { return .notExecutable(command: command, code: code) }
        let exists: Bool
        if command.hasPrefix("/") {
            exists = unsafe access(command, F_OK) == 0
        } else if command.contains("/") {
            exists = unsafe access("\(specification.workingDirectory ?? ".")/\(command)", F_OK) == 0
        } else {
            return .commandNotFound(
                command, path: specification.environment["PATH"] ?? ProgramLookup.usualPath)
        }
        return exists ? .interpreterMissing(command: command) : .commandNotFound(command, path: nil)
    }
}
