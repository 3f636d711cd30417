package import DeviceConformance
package import Essentials

/// What a run of the public cases is asked to do.
package struct ConformanceOptions: Sendable {
    /// The folder of the cases, as repeated commands name it.
    package var folder: String
    package var modes: [ConformanceMode]
    package var rule: ToleranceRule
    package var timeLimit: Duration
    package var memoryLimit: ByteCount?
    /// How many processes work at once.
    package var workers: Int
    /// The thread counts that the mode `threads` compares, the first with all others.
    package var threadCounts: [Int]

    package init(
        folder: String, modes: [ConformanceMode], rule: ToleranceRule, timeLimit: Duration,
        memoryLimit: ByteCount?, workers: Int, threadCounts: [Int]
    ) {
        self.folder = folder
        self.modes = modes
        self.rule = rule
        self.timeLimit = timeLimit
        self.memoryLimit = memoryLimit
        self.workers = workers
        self.threadCounts = threadCounts
    }

    /// 1, 2 and all, as far as there are so many.
    package static func threadCounts(processors: Int) -> [Int] {
        Set([1, 2, processors]).filter { $0 <= max(1, processors) }.sorted()
    }
}

/// Runs cases in all modes asked for, and makes of the reports results.
package struct ConformanceRun {
    private let options: ConformanceOptions
    /// The program that works on cases in a mode.
    private let program: (ConformanceMode) -> WorkerProgram
    private let isInterrupted: () -> Bool

    package init(
        _ options: ConformanceOptions, program: @escaping (ConformanceMode) -> WorkerProgram,
        isInterrupted: @escaping () -> Bool = { false }
    ) {
        self.options = options
        self.program = program
        self.isInterrupted = isInterrupted
    }

    /// The results by mode and case; `tell` hears of each report when it is there.
    package func results(
        of cases: [ConformanceCase], tell: (ConformanceMode, CaseReport) -> Void = { _, _ in }
    ) throws -> [CaseResult] {
        try options.modes.flatMap { mode in
            let reports = try reports(of: cases, in: mode) { tell(mode, $0) }
            return zip(cases, reports).map { given, report in
                CaseResult(
                    name: given.name, group: given.group, mode: mode, report: report,
                    command: command(given, mode))
            }
        }
    }

    private func reports(
        of cases: [ConformanceCase], in mode: ConformanceMode, _ tell: (CaseReport) -> Void
    ) throws -> [CaseReport] {
        let program = program(mode)
        guard mode == .threads else { return try pool(program).run(cases) { tell($1) } }
        let passes = try options.threadCounts.map { threads in
            var program = program
            program.environment["HENG_THREADS"] = "\(threads)"
            return try pool(program).run(cases) { tell($1) }
        }
        return cases.indices.map { index in
            ThreadAgreement.report(of: zip(options.threadCounts, passes.map { $0[index] }).map { ($0, $1) })
        }
    }

    private func pool(_ program: WorkerProgram) -> WorkerPool<ConformanceCase, CaseReport> {
        WorkerPool(
            program, count: options.workers, timeLimit: options.timeLimit,
            exclusion: { Exclusion.reason(for: $0, under: options.rule) }, isInterrupted: isInterrupted)
    }

    /// The line that runs one case again.
    private func command(_ given: ConformanceCase, _ mode: ConformanceMode) -> String {
        var words = ["heng", "conform", "onnx", "--cases", options.folder, "--filter", "^\(given.name)$"]
        words += ["--mode", mode.rawValue]
        if options.rule != .strict { words += ["--tolerance", options.rule.rawValue] }
        return words.map(shellWord).joined(separator: " ")
    }
}

/// What one case gives on several numbers of threads.
enum ThreadAgreement {
    /// The worst report of all; reports that are all fine but differ in their bits are a failure.
    static func report(of passes: [(threads: Int, report: CaseReport)]) -> CaseReport {
        guard let first = passes.first else {
            return CaseReport(outcome: .notRun("No threads were asked for."))
        }
        let seconds = passes.reduce(0) { $0 + $1.report.seconds }
        var report = passes.first { !$0.report.outcome.isFine }?.report ?? first.report
        if report.outcome.isFine, let other = passes.first(where: { $0.report.digest != first.report.digest })
        {
            report.outcome = .fail(
                "The outputs on \(other.threads) threads have not the same bits as those on \(first.threads)."
            )
        }
        report.seconds = seconds
        return report
    }
}
