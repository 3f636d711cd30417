internal import ArgumentParser
internal import Conformance
internal import DeviceConformance
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import Results
internal import TopologyDiscovery

struct ConformCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conform",
        abstract: "Checks devices against the kit's levels, and against ONNX's public cases.",
        discussion: """
            Examples: heng conform device --device cpu:0
                      heng conform all --plugin ./libvendor.so --device gpu:0 --html report.html
                      heng conform onnx --filter relu --mode all
            """,
        subcommands: [
            OnDevice.self, Operators.self, Models.self, Robustness.self, Determinism.self, Performance.self,
            Everything.self, Clauses.self, ONNX.self,
        ])

    struct ONNX: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "onnx",
            abstract: "Runs the public cases of the ONNX project, and compares every output.",
            discussion: """
                Examples: heng conform onnx
                          heng conform onnx --filter '^test_relu$' --mode all --tolerance standard
                          heng conform onnx --junit onnx.xml --html onnx.html

                `make onnx-cases` fetches the cases into ~/.cache/heng. Every case runs in a process of its own kind, so
                that a crash or an endless loop is one case's failure. The exit code is 0 when all cases pass or are
                excluded with a reason, and 1 when one does not, or none was run.
                """)

        @Option(help: "The folder of the cases, instead of the fetched ones.")
        var cases: String?

        @Option(help: "Only cases whose name matches this regular expression.")
        var filter: String?

        @Option(help: "as-is, constants, symbolic, strided, threads, or all of them.")
        var mode = ModeChoice(modes: [.asIs])

        @Option(help: "How near floats must come: strict, as the ONNX project asks, or standard.")
        var tolerance = ToleranceRule.strict

        @Option(help: "The seconds that one case may take.")
        var timeLimit = 60.0

        @Option(help: "The memory that each process may take, such as 4GiB.")
        var memoryLimit: String?

        @Option(help: ArgumentHelp("Write all results as JSON.", valueName: "file"))
        var json: String?

        @Option(help: ArgumentHelp("Write all results as JUnit's XML.", valueName: "file"))
        var junit: String?

        @Option(help: ArgumentHelp("Write a page that shows all results.", valueName: "file"))
        var html: String?

        func run() throws {
            let folder = try cases ?? PublicCases.folder()
            let found = try CaseDiscovery.cases(in: folder, where: try acceptedNames())
            guard !found.isEmpty else {
                throw Failure(
                    "No case in \(folder) \(filter.map { "has a name that matches \($0)" } ?? "was found").",
                    nextStep: "Zero cases are no success.", exitCode: .negative)
            }
            let result = try result(of: found, in: folder)
            try write(result)
            try writeOut(text(of: result))
            if try Interruption.require().isTriggered {
                throw ArgumentParser.ExitCode(Essentials.ExitCode.interrupted.rawValue)
            }
            guard result.exitCode == .done else { throw ArgumentParser.ExitCode(result.exitCode.rawValue) }
        }

        private func acceptedNames() throws -> (String) -> Bool {
            guard let filter else { return { _ in true } }
            do {
                let pattern = try Regex(filter)
                return { $0.contains(pattern) }
            } catch {
                throw Failure(
                    "--filter \(filter) is no regular expression.",
                    nextStep: "Write it like --filter '^test_relu$'.", exitCode: .wrongUse)
            }
        }
    }
}

// MARK: Running

extension ConformCommand.ONNX {
    private func result(of cases: [ConformanceCase], in folder: String) throws -> ConformanceResult {
        let processors = try Topology.allowedCPUs().count
        let options = ConformanceOptions(
            folder: folder, modes: mode.modes, rule: tolerance, timeLimit: try checkedTimeLimit(),
            memoryLimit: try memory(), workers: min(processors, 16),
            threadCounts: ConformanceOptions.threadCounts(processors: processors))
        let program = try ownProgram()
        let interrupt = try Interruption.require()
        let run = ConformanceRun(
            options, program: { worker(program, $0, options, threads: max(1, processors / options.workers)) },
            isInterrupted: { interrupt.isTriggered })
        let (began, start) = (TimePoint.wallNow(), TimePoint.monotonicNow())
        let results = try run.results(of: cases)
        return ConformanceResult(
            version: hengVersion, cases: folder, tolerance: tolerance, started: began.iso8601,
            seconds: (TimePoint.monotonicNow() - start).inSeconds, results: results)
    }

    /// Workers share the processing units, so each takes its part of them.
    private func worker(
        _ path: String, _ mode: ConformanceMode, _ options: ConformanceOptions, threads: Int
    ) -> WorkerProgram {
        var arguments = ["conform-worker", "--mode", mode.rawValue, "--tolerance", tolerance.rawValue]
        if let limit = options.memoryLimit { arguments += ["--memory-limit", "\(limit.bytes)"] }
        // A backtrace of a crash would take longer than many cases, and says little without symbols.
        return WorkerProgram(
            path: path, arguments: arguments,
            environment: ["HENG_THREADS": "\(threads)", "SWIFT_BACKTRACE": "enable=no"])
    }

    private func checkedTimeLimit() throws -> Duration {
        guard timeLimit > 0, timeLimit <= 1e6 else {
            throw Failure(
                "--time-limit \(timeLimit) is not a time for a case.", nextStep: "Write seconds, such as 60.",
                exitCode: .wrongUse)
        }
        return .milliseconds(Int64((timeLimit * 1000).rounded(.up)))
    }

    private func memory() throws -> ByteCount? {
        try memoryLimit.map { try parsedAmount($0, "--memory-limit", "4GiB") { ByteCount(parsing: $0) } }
    }
}

// MARK: Showing

extension ConformCommand.ONNX {
    private func write(_ result: ConformanceResult) throws {
        if let json { try DurableFile.write(Array((try encodedJSON(result) + "\n").utf8), to: json) }
        if let junit { try DurableFile.write(Array(JUnitReport.xml(result).utf8), to: junit) }
        if let html { try DurableFile.write(Array(ConformancePage.html(result).utf8), to: html) }
    }

    private func text(of result: ConformanceResult) -> String {
        let failures = result.failures.map { failure in
            "\(failure.outcome.word.rawValue)  \(failure.name) (\(failure.mode.rawValue)): "
                + "\(failure.outcome.reason ?? "")\n    \(failure.command)\n"
        }
        let passed = result.results.count { $0.outcome == .pass }
        return failures.joined() + textTable(header: ConformanceResult.countColumns, result.countRows)
            + "\n\(passed) of \(result.results.count) cases pass (\(result.tolerance.rawValue)), in "
            + "\(result.seconds.formatted(digits: 1)) s.\n"
    }
}

/// One mode or all.
struct ModeChoice: ExpressibleByArgument {
    var modes: [ConformanceMode]

    init(modes: [ConformanceMode]) { self.modes = modes }

    init?(argument: String) {
        if argument == "all" {
            modes = ConformanceMode.allCases
        } else {
            guard let mode = ConformanceMode(rawValue: argument) else { return nil }
            modes = [mode]
        }
    }

    var defaultValueDescription: String { modes.map(\.rawValue).joined(separator: ", ") }
}

extension ToleranceRule: ExpressibleByArgument {}

/// The public cases that `make onnx-cases` fetches.
enum PublicCases {
    static let version = "1.22.0"

    static func folder() throws -> String {
        let cache = CacheFolder.path(environment: ProcessInfo.processInfo.environment)
        let folder = cache.map { "\($0)/onnx-\(version)" }
        guard let folder, FileManager.default.fileExists(atPath: "\(folder)/node") else {
            throw Failure(
                "The public cases of ONNX \(version) are not \(folder.map { "in \($0)" } ?? "there").",
                nextStep: "Fetch them with `make onnx-cases`, or name a folder with --cases.",
                exitCode: .setupMissing)
        }
        return folder
    }
}
