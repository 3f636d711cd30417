internal import Crypto
internal import Essentials
internal import FoundationEssentials
internal import Results

/// What a run of the kit is asked to do.
package struct KitOptions: Sendable {
    package var timeLimit: Duration
    /// How many processes work at once.
    package var workers: Int

    package init(timeLimit: Duration, workers: Int) {
        self.timeLimit = timeLimit
        self.workers = workers
    }
}

/// Runs cases in child processes, and judges what they answered.
package struct KitRun {
    private let options: KitOptions
    private let judge: Judge
    private let program: WorkerProgram
    /// The programs that run cases on other devices, by the names that cases have for these.
    private let others: [String: WorkerProgram]
    private let command: (KitCase) -> String
    private let isInterrupted: () -> Bool

    /// `command` gives the line that runs a case again.
    package init(
        _ options: KitOptions, judge: Judge, program: WorkerProgram,
        others: [String: WorkerProgram] = [:], command: @escaping (KitCase) -> String,
        isInterrupted: @escaping () -> Bool = { false }
    ) {
        self.options = options
        self.judge = judge
        self.program = program
        self.others = others
        self.command = command
        self.isInterrupted = isInterrupted
    }

    /// The results in the order of the cases.
    package func results(of cases: [KitCase]) throws -> [KitCaseResult] {
        var reports: [String: KitReport] = [:]
        let selected = cases.filter { judge.runs($0) }
        // What is measured runs alone, so that other cases do not disturb it.
        let measured = selected.filter { $0.level == .performance }
        let plain = selected.filter {
            $0.threads.isEmpty && $0.devices.isEmpty && $0.level != .performance
        }
        try run(plain, program, workers: options.workers, into: &reports)
        try runOnThreads(selected.filter { !$0.threads.isEmpty }, into: &reports)
        try runOnDevices(selected.filter { !$0.devices.isEmpty }, into: &reports)
        try run(measured, program, workers: 1, into: &reports)
        return cases.map { judge.judge($0, reports[$0.name], command: command($0)) }
    }

    private func run(
        _ cases: [KitCase], _ program: WorkerProgram, workers: Int, into reports: inout [String: KitReport]
    ) throws {
        guard !cases.isEmpty else { return }
        let answers = try pool(program, workers).run(cases)
        for (given, report) in zip(cases, answers) { reports[given.name] = report }
    }

    private func pool(_ program: WorkerProgram, _ workers: Int) -> WorkerPool<KitCase, KitReport> {
        WorkerPool(
            program, count: workers, timeLimit: options.timeLimit, isInterrupted: isInterrupted)
    }

    /// Runs each case on all its numbers of threads; what differs in its bits fails.
    private func runOnThreads(_ cases: [KitCase], into reports: inout [String: KitReport]) throws {
        var passes: [String: [(place: String, report: KitReport)]] = [:]
        for threads in Set(cases.flatMap(\.threads)).sorted() {
            var program = program
            program.environment["HENG_THREADS"] = "\(threads)"
            let own = cases.filter { $0.threads.contains(threads) }
            for (given, report) in zip(own, try pool(program, options.workers).run(own)) {
                passes[given.name, default: []].append(("\(threads) threads", report))
            }
        }
        for (name, passes) in passes { reports[name] = Self.merged(passes) }
    }

    /// Runs each case on the device and on others; what differs in its bits fails.
    private func runOnDevices(_ cases: [KitCase], into reports: inout [String: KitReport]) throws {
        guard !cases.isEmpty else { return }
        var passes: [String: [(place: String, report: KitReport)]] = [:]
        for (given, report) in zip(cases, try pool(program, options.workers).run(cases)) {
            passes[given.name] = [("this device", report)]
        }
        for name in Set(cases.flatMap(\.devices)).sorted() {
            guard let program = others[name] else { continue }
            let own = cases.filter { $0.devices.contains(name) }
            for (given, report) in zip(own, try pool(program, options.workers).run(own)) {
                passes[given.name, default: []].append((name, report))
            }
        }
        for (name, passes) in passes { reports[name] = Self.compared(passes) }
    }

    /// The first report with those of other devices; what another device cannot do by itself is not laid on the first.
    package static func compared(_ passes: [(place: String, report: KitReport)]) -> KitReport {
        guard let first = passes.first, passes.count > 1 else {
            return KitReport(outcome: .notRun("There is no other device to compare it with."))
        }
        let able = passes.dropFirst().filter { $0.report.outcome == .pass }
        guard first.report.outcome == .pass, able.isEmpty else { return merged([first] + able) }
        let reasons = passes.dropFirst().map { "\($0.place): \($0.report.outcome.reason ?? "")" }
        var report = first.report
        report.outcome = .unsupported("No other device could be compared. \(reasons.joined(separator: " "))")
        return report
    }

    /// The first report that is not a pass, or a failure where two passes differ in their bits.
    package static func merged(_ passes: [(place: String, report: KitReport)]) -> KitReport {
        guard let first = passes.first else {
            return KitReport(outcome: .notRun("No threads were asked for."))
        }
        var report = passes.first { $0.report.outcome != .pass }?.report ?? first.report
        report.seconds = passes.reduce(0) { $0 + $1.report.seconds }
        guard report.outcome == .pass else { return report }
        if first.report.digest == nil {
            report.outcome = .fail("The case gives nothing whose bits could be compared.")
        } else if let other = passes.first(where: { $0.report.digest != first.report.digest }) {
            report.outcome = .fail(
                "The outputs on \(other.place) have not the same bits as those on \(first.place)."
            )
        }
        return report
    }
}

/// The hashes of reports.
package enum KitHashing {
    package static func hash(_ bytes: [UInt8]) -> String {
        "sha256:"
            + SHA256.hash(data: bytes).map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
    }

    /// Of all that makes the selected cases what they are.
    package static func hash(_ cases: [KitCase]) -> String {
        let lines = cases.map { given in
            "\(given.level.rawValue) \(given.name) \(given.title) \(given.threads)"
                + (given.devices.isEmpty ? "" : " \(given.devices.count) devices")
        }
        return hash(Array(lines.sorted().joined(separator: "\n").utf8))
    }

    package static func hash(file: String) throws -> String {
        hash(try DurableFile.read(file, limit: .gibibytes(4)))
    }
}

extension KitResult {
    /// The report as bytes that two runs with the same outcome differ in only where they must: keys are in order.
    package func canonicalJSON() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    /// Reads an earlier report.
    package static func read(_ path: String) throws -> KitResult {
        let bytes = try DurableFile.read(path)
        guard let result = try? JSONDecoder().decode(KitResult.self, from: Data(bytes)),
            result.schema == schema
        else {
            throw Failure(
                "\(path) is not a report of `heng conform` of the schema \(schema).",
                nextStep: "Write one with --json.", exitCode: .setupMissing)
        }
        return result
    }
}

extension Profile {
    /// The hash of the profile as it was applied.
    package func hash() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return KitHashing.hash(Array(try encoder.encode(self)))
    }
}
