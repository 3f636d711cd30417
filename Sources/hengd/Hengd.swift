internal import ArgumentParser
internal import ControlAPI
internal import ControlPlane
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import Scheduling
internal import Synchronization
internal import TopologyDiscovery

@main
struct Hengd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hengd",
        abstract: "Keeps the queue of jobs, places them, and watches over them.",
        discussion: """
            It works in the foreground; `heng up` starts it in the background. SIGTERM ends it after a checkpoint,
            and jobs that run go on.

            Try: hengd --state /tmp/heng-try
            """,
        version: DaemonVersion.text)

    @Option(name: .customLong("state"), help: "The folder of its state; else HENG_STATE_DIR, else yours.")
    var stateFolder: String?

    @Flag(help: "Log to standard error instead of hengd.log.")
    var foreground = false

    @Option(help: "What runs the jobs: agent, or null, which starts nothing and ends each job at once.")
    var executor = Executor.agent

    @Option(help: "With the executor null, how long jobs take, in milliseconds.")
    var nullDuration = 0

    @Option(name: .customLong("class"), help: "What kind of machine this is: cloud, edge or terminal.")
    var machineClass = "cloud"

    @Option(help: "Where agents of other machines reach this one: HOST:PORT.")
    var listen: String?

    @Option(help: "The name of this machine; else its host name.")
    var name: String?

    @Flag(help: "Only lend this machine to the daemon that --server names.")
    var agentOnly = false

    @Option(help: "With --agent-only, the daemon: HOST:PORT as its --listen says, or the path of its socket.")
    var server: String?

    @Option(help: "With --agent-only, a file with the text of join-token in the daemon's state folder.")
    var tokenFile: String?

    @Option(help: "With --agent-only, seconds between two signs of life.")
    var heartbeat = 4.0

    @Option(help: "Seconds after which a machine that says nothing gets no new work.")
    var silentAfter = 15.0

    @Option(help: "Seconds after which the jobs of a machine that says nothing are given up.")
    var lostAfter = 300.0

    @Option(help: "Hours between two copies of the database that it makes by itself; 0 makes none.")
    var backupEvery = 24.0

    @Option(help: "Put this backup in the place of the database, which is kept under another name, and end.")
    var restore: String?

    enum Executor: String, ExpressibleByArgument, CaseIterable { case agent, null }

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let exit as ArgumentParser.ExitCode {
            Foundation.exit(exit.rawValue)
        } catch let error as any ReportableError {
            FileHandle.standardError.write(Data("hengd: \(error.description)\n".utf8))
            Foundation.exit(error.exitCode.rawValue)
        } catch {
            Hengd.exit(withError: error)
        }
    }

    func run() throws {
        var paths =
            try stateFolder.map { StatePaths(folder: $0) }
            ?? StatePaths(environment: ProcessInfo.processInfo.environment)
        // Supervisors stand in another folder.
        paths.folder = URL(fileURLWithPath: paths.folder).path
        try makeFolder(paths.folder)
        if let restore { return try self.restore(restore, paths) }
        let log = try DaemonLog(path: foreground ? nil : paths.log)
        if agentOnly { return try runAgent(paths, log) }
        let address = try listen.map { try parsedAddress($0, "--listen") }
        let patience = AgentPatience(
            silence: try duration(silentAfter, "--silent-after"),
            loss: try duration(lostAfter, "--lost-after"))
        let daemon = try ClusterDaemon(
            folder: paths.folder, runtime: runtime(paths), patience: patience,
            backupInterval: try backupInterval(), log: log)
        try checkLedger(paths)
        try DaemonRun(daemon, paths: paths, listening: address, log: log).untilStopped()
    }

    private func runAgent(_ paths: StatePaths, _ log: DaemonLog) throws {
        guard let server else { throw ValidationError("--agent-only needs --server.") }
        let lock = try ClusterDaemon.lock(paths.folder)
        try checkLedger(paths)
        let address = server.hasPrefix("/") ? .socket(server) : try parsedAddress(server, "--server")
        let end = DispatchSemaphore(value: 0)
        let refusal = Refusal()
        let agent = RemoteAgent(
            try runtime(paths), of: try parsedClass(), server: address,
            token: try tokenFile.map(JoinToken.read(file:)) ?? "",
            heartbeat: try duration(heartbeat, "--heartbeat"), log: log
        ) { error in
            refusal.error.withLock { $0 = error }
            end.signal()
        }
        StopSignals.call { end.signal() }
        try agent.start()
        end.wait()
        agent.stop()
        withExtendedLifetime(lock) {}
        if let error = refusal.error.withLock({ $0 }) { throw error }
    }

    /// Commands that place jobs by themselves would be lent the same cores.
    private func checkLedger(_ paths: StatePaths) throws {
        guard executor == .agent else { return }
        let ledger = Ledger(in: paths.folder, machine: try Topology.discover().machineName)
        let commands = try ledger.livingCommands()
        guard commands == 0 else {
            let (who, verb) = commands == 1 ? ("1 command", "runs") : ("\(commands) commands", "run")
            throw Failure(
                "\(who) still \(verb) jobs on this machine without hengd, by the ledger in \(paths.folder).",
                nextStep: "Wait for the end of `heng run`, `heng submit` or `heng bench`, then start hengd.",
                exitCode: .setupMissing)
        }
    }

    private func parsedClass() throws -> MachineClass {
        guard let found = MachineClass(rawValue: machineClass) else {
            throw ValidationError("--class is one of cloud, edge and terminal.")
        }
        return found
    }

    private func runtime(_ paths: StatePaths) throws -> any AgentRuntime {
        var topology = try Topology.discover()
        if let name { topology.machineName = name }
        var machine = Machine(topology: topology, lendable: try Topology.allowedCPUs())
        let environment = ProcessInfo.processInfo.environment
        if let allocation = SlurmAllocation(environment: environment, affinity: machine.lendable) {
            machine = allocation.restrict(machine)
        }
        switch executor {
        case .null: return NullAgent(machine: machine, duration: .milliseconds(nullDuration))
        case .agent:
            return MachineRuntime(
                stateFolder: paths.folder, machine: machine, machineClass: try parsedClass(),
                resets: try .read(paths.folder + "/health.json"))
        }
    }

    private func backupInterval() throws -> Duration? {
        guard backupEvery >= 0, backupEvery <= 100_000 else {
            throw ValidationError("--backup-every wants hours, or 0 for none.")
        }
        return backupEvery == 0 ? nil : .milliseconds(max(100, Int(backupEvery * 3_600_000)))
    }

    private func duration(_ seconds: Double, _ option: String) throws -> Duration {
        guard seconds >= 0.01, seconds <= 1_000_000 else {
            throw ValidationError("\(option) wants seconds, 0.01 or more.")
        }
        return .milliseconds(Int(seconds * 1000))
    }

    private func parsedAddress(_ text: String, _ option: String) throws -> DaemonAddress {
        guard let address = DaemonAddress(parsing: text) else {
            throw ValidationError("\(option) wants HOST:PORT, such as 192.0.2.1:7878.")
        }
        return address
    }

    private func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(
                "The state folder \(path) cannot be made.", nextStep: "Choose another with --state.",
                exitCode: .setupMissing, cause: error)
        }
    }

    private func restore(_ backup: String, _ paths: StatePaths) throws {
        let old = try ClusterDaemon.restore(backup, in: paths.folder)
        print("Restored \(backup).\(old.map { " What was there before is kept as \($0)." } ?? "")")
    }
}

/// Why a daemon does not let an agent in.
private final class Refusal: Sendable {
    let error = Mutex<(any Error)?>(nil)
}
