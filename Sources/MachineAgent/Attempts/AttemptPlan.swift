internal import CLinux
internal import ControlAPI
internal import Essentials
internal import Scheduling

/// What the ranks of an attempt on this machine are to be: made from the start alone, before anything is started.
struct AttemptPlan: Sendable {
    var steps: [StepSpecification] = []
    var slots: [RankSlot] = []
    /// Output and errors of each rank, each file once.
    var files: [String] = []
    /// Files that several ranks write to: emptied once beforehand, and then only appended to.
    var sharedFiles: [String] = []

    init(
        _ start: AttemptStart, folder: AttemptFolder, markers: [String], machine: String, tablePath: String?,
        processLimit: Int?
    ) throws {
        slots = start.ranks.indices.map { start.slot(ofRank: $0) }
        let meeting = start.worldSize > 1 ? Self.meetingPoint(of: start) : nil
        let command = Self.command(start, folder: folder)
        for (rank, slot) in slots.enumerated() {
            let environment = AttemptEnvironment(
                start: start, marker: markers[rank], tablePath: tablePath, meetingPoint: meeting)
            let variables = environment.variables(localRank: rank, slot: slot)
            let output = Self.file(start.launch.output, start, rank, machine)
            let error = start.launch.errorOutput.map { Self.file($0, start, rank, machine) } ?? output
            steps.append(
                StepSpecification(
                    name: "\(start.attempt).\(rank)",
                    command: try Self.contained(command, start, folder, rank, variables),
                    environment: variables, workingDirectory: start.launch.workingDirectory, cpus: slot.cpus,
                    numa: slot.numa, memory: slot.memory, cpuShare: slot.cpuShare,
                    input: start.launch.input.map { .file(Self.absolute($0, start)) } ?? .nothing,
                    output: .file(output), errorOutput: .file(error), cpuWeight: slot.cpuWeight,
                    processLimit: processLimit, appendsOutput: start.launch.appendsOutput,
                    timeLimit: start.timeLimit, warning: start.warning, grace: start.launch.grace))
            noteFiles([output, error])
        }
        for index in steps.indices where !sharedFiles.isEmpty { steps[index].appendsOutput = true }
        if start.launch.appendsOutput { sharedFiles = [] }
    }

    /// Two ranks with one file must not empty it for each other.
    private mutating func noteFiles(_ paths: [String]) {
        for path in Set(paths) {
            if files.contains(path), !sharedFiles.contains(path) { sharedFiles.append(path) }
        }
        // Each rank has two places in the list, so that whoever reads one knows where it is.
        files += paths
    }

    // MARK: Files

    private static func file(
        _ pattern: String?, _ start: AttemptStart, _ rank: Int, _ machine: String
    ) -> String {
        let pattern = pattern.map { OutputPattern($0) } ?? .usual(isArray: start.arrayJob != nil)
        let path = pattern.path(
            OutputPattern.Values(
                job: start.attempt.job.number, arrayJob: start.arrayJob?.number, arrayIndex: start.arrayIndex,
                name: start.label.name, user: start.label.user, machine: machine, rank: start.firstRank + rank
            ))
        return absolute(path, start)
    }

    private static func absolute(_ path: String, _ start: AttemptStart) -> String {
        path.hasPrefix("/") ? path : "\(start.launch.workingDirectory)/\(path)"
    }

    // MARK: Command

    /// A script is run by the interpreter that its first line names, as the kernel would, or by the shell.
    ///
    /// Not by executing the file: that fails on file systems without programs, and for a moment after the file was
    /// written.
    private static func command(_ start: AttemptStart, folder: AttemptFolder) -> [String] {
        guard let script = start.launch.script else { return start.launch.command }
        return interpreter(of: script) + [folder.scriptPath] + start.launch.command.dropFirst()
    }

    static func interpreter(of script: String) -> [String] {
        let first = script.prefix { $0 != "\n" && $0 != "\r\n" }
        guard first.hasPrefix("#!") else { return ["/bin/sh"] }
        let words = first.dropFirst(2).split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        let trimmed = words.map { String($0.drop { $0 == " " || $0 == "\t" }) }.filter { !$0.isEmpty }
        return trimmed.isEmpty ? ["/bin/sh"] : trimmed
    }

    private static func contained(
        _ command: [String], _ start: AttemptStart, _ folder: AttemptFolder, _ rank: Int,
        _ variables: [String: String]
    ) throws -> [String] {
        guard let image = start.launch.image else { return command }
        do {
            try ProgramLookup.require(
                ["podman"], environment: variables, workingDirectory: start.launch.workingDirectory)
        } catch {
            throw Failure(
                "The image \(image) cannot be run, because podman is not installed on this machine.",
                nextStep: "Install podman there, or submit without --image.")
        }
        return ContainerCommand(
            image: image, name: "heng-\(start.attempt)-\(start.firstRank + rank)", command: command,
            workingDirectory: start.launch.workingDirectory, variables: Array(variables.keys),
            folders: start.launch.script == nil ? [] : [folder.path]
        ).arguments
    }

    // MARK: Meeting

    /// Where the first rank listens, for programs that ask torchrun's variables.
    ///
    /// On one machine the port is free now; over several, all derive the same one from the job.
    private static func meetingPoint(of start: AttemptStart) -> (address: String, port: Int) {
        let first = 20_000 + (start.attempt.job.number * 7 + start.attempt.attempt) % 10_000
        guard start.ranks.count == start.worldSize else {
            return (start.machinesOfRanks.first ?? "127.0.0.1", first)
        }
        let port = (first..<first + 100).first { process_port_is_free(Int32($0)) != 0 }
        return ("127.0.0.1", port ?? first)
    }
}
