internal import ArgumentParser
internal import Essentials
internal import Foundation

/// The version of the command and of the runs it records.
let hengVersion = "0.1.0"

@main
struct Heng: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heng",
        abstract: "Weighs accelerators: finds them, places jobs on them, and measures what they do.",
        discussion: """
            Try: heng topology
                 heng devices
                 heng submit --cores 1 --mem 256MiB -- uname -a
                 heng up
                 heng submit --array 0-9 --time 10m job.sh

            Exit codes: 0 done, 1 the answer is no, 2 wrong use, 3 set-up missing, 4 execution failed,
            5 inconclusive, 130 interrupted.
            """,
        version: hengVersion,
        subcommands: [
            UpCommand.self, DownCommand.self, StatusCommand.self, DoctorCommand.self, TopologyCommand.self,
            DevicesCommand.self, DescribeCommand.self, SubmitCommand.self, RunCommand.self, JobsCommand.self,
            ShowCommand.self, ExplainCommand.self, LogsCommand.self, WaitCommand.self, CancelCommand.self,
            HoldCommand.self, ReleaseCommand.self, SuspendCommand.self, ResumeCommand.self,
            RequeueCommand.self, SignalCommand.self, CheckpointCommand.self, ChangeCommand.self,
            VirtualDeviceCommand.self, QueueCommand.self, AccountCommand.self, DrainCommand.self,
            UndrainCommand.self, HealthCommand.self, BackupCommand.self, AgentCommand.self, BenchCommand.self,
            ModelCommand.self,
            ConformCommand.self, BenchWorkerCommand.self,
            ConformWorkerCommand.self, ConformDeviceWorkerCommand.self, PluginWorkerCommand.self,
        ])

    /// Runs the command, and turns every error into one sentence and the right exit code.
    static func main() {
        Interruption.watch()
        do {
            var command = try parse(Array(CommandLine.arguments.dropFirst()))
            try command.run()
        } catch let exit as ArgumentParser.ExitCode {
            Foundation.exit(exit.rawValue)
        } catch {
            leave(after: error)
        }
    }

    /// Parses, and turns a wrong use into one sentence with a next step.
    private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        // The names of all commands cost a while to look at, which only what is wrong should pay.
        if arguments.first == "help", let error = UsageError(unknownCommandIn: arguments) { throw error }
        do {
            return try parseAsRoot(arguments)
        } catch  where exitCode(for: error) == .validationFailure {
            throw UsageError(unknownCommandIn: arguments) ?? UsageError(error, arguments: arguments)
        }
    }

    private static func leave(after error: any Error) -> Never {
        if let reportable = error as? any ReportableError {
            report("heng: \(reportable.description)")
            Foundation.exit(reportable.exitCode.rawValue)
        }
        // Help and version arrive as errors too: ArgumentParser knows which are clean exits.
        if Heng.exitCode(for: error).isSuccess {
            Heng.exit(withError: error)
        }
        report("heng: \(Heng.message(for: error))")
        Foundation.exit(Essentials.ExitCode.executionFailed.rawValue)
    }
}
