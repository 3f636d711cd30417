internal import ArgumentParser
internal import BenchmarkSuite
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import Results
internal import TopologyDiscovery

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Runs suites of benchmarks whose figures can be checked, and reports them.",
        discussion: """
            Examples: heng bench list
                      heng bench run server --tier quick --budget 3m
                      heng bench report results/RUN
            """,
        subcommands: [List.self, Run.self, Report.self])

    // MARK: List

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the suites, their workloads and tiers.",
            discussion: "Example: heng bench list")

        @OptionGroup var output: OutputOptions

        func run() throws {
            let suites = try SuiteRules.names.map { try SuiteRules.load($0) }
            try output.show(suites) { suites.map(\.description).joined(separator: "\n\n") }
        }
    }

    // MARK: Run

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Measures this machine with a suite, through jobs that the scheduler places.",
            discussion: """
                Examples: heng bench run server --tier quick --budget 3m
                          heng bench run server --tier smoke --filter digits --output results/mine

                Writes result.json, raw samples, logs and report.html into a new folder under results. The exit code is
                0 when every workload is valid, 1 when one is not, 5 when the run decides nothing, 130 after Ctrl-C.
                """)

        @Argument(help: "The suite; see heng bench list.")
        var suite: String

        @Option(help: "How much time to spend: smoke, quick, full or conformance.")
        var tier = Tier.quick

        @Option(help: "The time that the run may take, such as 90s, 3m or 1h.")
        var budget: String?

        @Option(help: "The seed of data, order, arrivals and audits.")
        var seed: UInt64 = 1

        @Option(name: .shortAndLong, help: "A new folder for everything the run writes.")
        var output: String?

        @Option(help: "Only workloads whose name contains this.")
        var filter: String?

        @Flag(name: .shortAndLong, help: "No progress on standard error.")
        var quiet = false

        @Flag(name: .long, help: "Print the whole record as JSON instead of the tables.")
        var json = false

        func run() throws {
            let interrupt = try Interruption.require()
            let environment = ProcessInfo.processInfo.environment
            _ = try MeasuredDevices.all()
            let options = BenchmarkOptions(
                suite: suite, tier: tier, seed: seed, budget: try budget.map(duration(of:)),
                folder: output,
                filter: filter, program: try ownProgram(), version: hengVersion, user: NSUserName(),
                cache: CacheFolder.path(environment: environment).map { $0 + "/models" },
                environment: environment)
            let topology = try Topology.discover()
            let allowed = try Topology.allowedCPUs()
            let client = try DaemonAccess.find()
            try client.map(BenchNeighbour.warn)
            let scheduler = try JobSchedulers.scheduler(of: client, topology, allowed: allowed)
            let isQuiet = quiet
            let bench = try BenchmarkRun(
                options, topology: topology, allowed: allowed, scheduler: scheduler, interrupt: interrupt,
                say: { if !isQuiet { report($0) } })
            if !json { try writeOut(TopologyText(topology).description + "\n") }
            let result = try waitFor { [box = Handover(bench)] in try await box.value.run() }
            try writeOut((json ? try encodedJSON(result) : table(of: result, in: bench.folder)) + "\n")
            guard result.exitCode == .done else { throw ArgumentParser.ExitCode(result.exitCode.rawValue) }
        }

        private func table(of result: RunResult, in folder: RunFolder) -> String {
            ResultTable.text(result, width: terminalWidth()) + "\nThe report is \(folder.file("report.html"))"
        }
    }

    // MARK: Report

    struct Report: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "report", abstract: "Shows a run again from its record, and writes its page anew.",
            discussion: "Example: heng bench report results/RUN --format markdown")

        @Argument(help: ArgumentHelp("The folder of a run, or its result.json.", valueName: "run"))
        var place: String

        @Option(help: "table, markdown, csv or json on standard output, or html to write report.html anew.")
        var format: Format = .table

        enum Format: String, ExpressibleByArgument, CaseIterable { case table, markdown, csv, json, html }

        func run() throws {
            let folder =
                place.hasSuffix("/result.json") ? String(place.dropLast("/result.json".count)) : place
            let result = try ResultFile.read(folder + "/result.json")
            switch format {
            case .table: try writeOut(ResultTable.text(result, width: terminalWidth()))
            case .markdown: try writeOut(ResultTable.markdown(result))
            case .csv: try writeOut(ResultTable.csv(result))
            case .json: try writeOut(try encodedJSON(result) + "\n")
            case .html:
                try ReportFiles.write(result, in: folder, topology: nil)
                try writeOut(folder + "/report.html\n")
            }
        }
    }
}

extension Tier: ExpressibleByArgument {}

/// The path of this very program, which jobs run again.
func ownProgram() throws -> String {
    do {
        return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    } catch {
        throw Failure(
            "The path of this program cannot be read from /proc/self/exe.", nextStep: "Mount /proc.",
            exitCode: .setupMissing, cause: error)
    }
}

/// A time such as `90s`, `3m` or `1h`.
private func duration(of text: String) throws -> Duration {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600]
    guard let unit = text.last.flatMap({ units[$0] }), let amount = Double(text.dropLast()), amount > 0,
        amount * Double(unit) <= 1e7
    else {
        throw Failure(
            "--budget \(text) is not a time.", nextStep: "Write it like --budget 90s, 3m or 1h.",
            exitCode: .wrongUse)
    }
    return .milliseconds(Int64(amount * 1000) * unit)
}

/// The columns of the terminal, or of a page where there is none.
private func terminalWidth() -> Int {
    var size = winsize()
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 60 else { return 120 }
    return Int(size.ws_col)
}

/// Hands a value over to the task that uses it from then on, while its maker only waits.
private final class Handover<Value>: @unchecked Sendable {
    // Unchecked: the maker waits for the task's end before it looks again.
    let value: Value
    init(_ value: Value) { self.value = value }
}
