internal import ArgumentParser
internal import ControlAPI
internal import ControlPlane
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import Scheduling
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
        let paths =
            try stateFolder.map { StatePaths(folder: $0) }
            ?? StatePaths(environment: ProcessInfo.processInfo.environment)
        try makeFolder(paths.folder)
        if let restore { return try self.restore(restore, paths) }
        let log = try DaemonLog(path: foreground ? nil : paths.log)
        let address = try listen.map(parsedAddress)
        let daemon = try ClusterDaemon(folder: paths.folder, runtime: runtime(), log: log)
        try DaemonRun(daemon, paths: paths, listening: address, log: log).untilStopped()
    }

    private func runtime() throws -> (any AgentRuntime)? {
        guard MachineClass(rawValue: machineClass) != nil else {
            throw ValidationError("--class is one of cloud, edge and terminal.")
        }
        let topology = try Topology.discover()
        let machine = Machine(topology: topology, lendable: try Topology.allowedCPUs())
        switch executor {
        case .null: return NullAgent(machine: machine, duration: .milliseconds(nullDuration))
        case .agent:
            throw Failure(
                "This hengd has no agent of its own yet.", nextStep: "Use --executor null.",
                exitCode: .setupMissing)
        }
    }

    private func parsedAddress(_ text: String) throws -> DaemonAddress {
        guard let address = DaemonAddress(parsing: text) else {
            throw ValidationError("--listen wants HOST:PORT, such as 0.0.0.0:7878.")
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
