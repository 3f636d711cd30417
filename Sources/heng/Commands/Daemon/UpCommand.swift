internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import Scheduling

struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Starts hengd for the state folder, and waits until it answers.",
        discussion: """
            Example: heng up

            hengd keeps jobs, queues and virtual devices in HENG_STATE_DIR, else in /var/lib/heng for root
            and in ~/.local/state/heng for others, and runs until heng down. Inside a Slurm allocation it lends what the allocation has.
            """)

    @Option(help: "Where agents of other machines reach this one: host:port.")
    var listen: String?

    @Option(name: .customLong("class"), help: "The class of this machine: cloud, edge or terminal.")
    var machineClass: String?

    @Option(help: .hidden)
    var executor: String?

    @OptionGroup var display: ListingOptions

    func run() throws {
        let paths = try DaemonAccess.paths()
        let arguments = try self.arguments()
        if let client = try DaemonAccess.find() {
            let status = try client.status()
            return try display.show(status, names: ["\(status.pid)"]) {
                "hengd runs already: process \(status.pid), socket \(paths.socket)"
            }
        }
        let start = DaemonStart(paths: paths)
        let status = try start.waitUntilReady(start.start(arguments))
        try display.show(status, names: ["\(status.pid)"]) {
            "hengd runs: process \(status.pid), socket \(paths.socket)"
        }
    }

    /// What hengd is told beside its folder.
    private func arguments() throws -> [String] {
        var arguments: [String] = []
        if let listen {
            guard DaemonAddress(parsing: listen) != nil else {
                throw Failure(
                    "--listen \(listen) is no address.", nextStep: "Write it like --listen 0.0.0.0:7465.",
                    exitCode: .wrongUse)
            }
            arguments += ["--listen", listen]
        }
        if let machineClass {
            let known: MachineClass = try Amounts.choice(machineClass, option: "--class")
            arguments += ["--class", known.rawValue]
        }
        return arguments + (executor.map { ["--executor", $0] } ?? [])
    }
}

struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Ends hengd; running jobs go on, and the next hengd takes them over.",
        discussion: "Example: heng down")

    @OptionGroup var display: ListingOptions

    func run() throws {
        guard let status = try requestEnd() else {
            let folder = try DaemonAccess.paths().folder
            return try display.show([String: String](), names: []) { "hengd does not run for \(folder)." }
        }
        let end = TimePoint.monotonicNow() + .seconds(30)
        while isAlive(status.pid) {
            guard TimePoint.monotonicNow() < end else {
                throw Failure(
                    "hengd (process \(status.pid)) was told to end and is still there after 30 s.",
                    nextStep: "Its log is \(try DaemonAccess.paths().log).")
            }
            usleep(5_000)
        }
        try display.show(["pid": status.pid], names: ["\(status.pid)"]) {
            let rest = status.jobsRunning == 0 ? "" : "; \(status.jobsRunning) running jobs go on"
            return "hengd (process \(status.pid)) has ended\(rest)"
        }
    }

    /// A process that has ended and that nobody has collected yet has no words any more.
    private func isAlive(_ process: Int32) -> Bool {
        FileManager.default.contents(atPath: "/proc/\(process)/cmdline")?.isEmpty == false
    }

    /// How things were before; nil when no daemon runs.
    ///
    /// The connection is closed on return, because the daemon waits for those that are open.
    private func requestEnd() throws -> DaemonStatus? {
        guard let client = try DaemonAccess.find() else { return nil }
        let status = try client.status()
        try client.shutDown()
        return status
    }
}

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows hengd, its machines, and how much of them is free.",
        discussion: "Example: heng status --json")

    @OptionGroup var display: ListingOptions

    func run() throws {
        let status = try DaemonAccess.require(for: "heng status").status()
        try display.show(status, names: status.machines.map(\.name)) { status.text }
    }
}

extension DaemonStatus {
    fileprivate var text: String {
        var lines = [
            "hengd \(version), process \(pid), since \(startedAt.iso8601)",
            "State folder: \(stateFolder) (\(durability))",
            "Jobs: \(jobsWaiting) wait, \(jobsRunning) run",
            "Queues: \(queues.joined(separator: ", "))",
        ]
        if !isReady { lines.append("It reads its log still.") }
        if let trouble { lines.append("New jobs are refused: \(trouble)") }
        let rows = machines.map { machine in
            [
                machine.name, machine.machineClass.rawValue, machine.state,
                "\(machine.coresFree.formatted(significant: 4)) of \(machine.cores)",
                "\(machine.memoryFree) of \(machine.memory)",
                machine.devices.map(\.description).joined(separator: " "),
                "\(machine.jobs)", machine.why ?? faults(machine.faults) ?? limits(machine.enforcement),
            ]
        }
        let table = textTable(
            header: ["MACHINE", "CLASS", "STATE", "CORES FREE", "MEMORY FREE", "DEVICES", "JOBS", "REMARK"],
            rows)
        return (lines + [table]).joined(separator: "\n")
    }

    private func faults(_ faults: [MachineStatus.Fault]) -> String? {
        faults.isEmpty ? nil : faults.map(\.phrase).joined(separator: "; ")
    }

    private func limits(_ enforcement: [String: EnforcementStrength]) -> String {
        enforcement.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.rawValue)" }.joined(
            separator: ", ")
    }
}

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies hengd's database while it works, and prints where the copy is.",
        discussion: "Example: heng backup")

    @OptionGroup var display: ListingOptions

    func run() throws {
        let reply = try DaemonAccess.require(for: "heng backup").backup()
        try display.show(reply, names: [reply.path]) { "The copy is \(reply.path)" }
    }
}
