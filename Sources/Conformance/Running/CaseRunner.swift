package import ComputeGraph
internal import DeviceConformance
internal import Essentials
internal import Execution
internal import FoundationEssentials
internal import ONNXImport

/// Runs single cases in this process.
package struct CaseRunner: Sendable {
    private let mode: ConformanceMode
    private let rule: ToleranceRule
    private let registry: ModelOperatorRegistry
    private let evaluator: any GraphEvaluator
    private let limits: ModelLimits

    package init(
        mode: ConformanceMode, rule: ToleranceRule, registry: ModelOperatorRegistry,
        evaluator: any GraphEvaluator, limits: ModelLimits
    ) {
        self.mode = mode
        self.rule = rule
        self.registry = registry
        self.evaluator = evaluator
        self.limits = limits
    }

    /// Runs a case with all its data, and judges it.
    package func run(_ given: ConformanceCase) -> CaseReport {
        let start = TimePoint.monotonicNow()
        var agreement = Agreement(for: given)
        var digest = OutputDigest()
        var report = CaseReport(outcome: .pass)
        do {
            let runs = try runAll(given, &agreement, &digest)
            if runs == 0 { agreement.note("The case has no data") }
            report = CaseReport(agreement, by: rule)
        } catch {
            report.outcome = Self.outcome(of: error)
        }
        if mode == .threads { report.digest = digest.value }
        report.seconds = (TimePoint.monotonicNow() - start).inSeconds
        return report
    }

    /// How many sets of data were run.
    private func runAll(
        _ given: ConformanceCase, _ agreement: inout Agreement, _ digest: inout OutputDigest
    ) throws -> Int {
        let file = try ONNXModel(contentsOf: given.model, registry: registry, limits: limits)
        let model = mode == .symbolic ? file.withOpenExtents : file
        let sets: [CaseValues]
        switch given.data {
        case .folders(let folders): sets = try folders.map { try CaseValues(of: file, in: $0) }
        case .ruledInputs(let outputs): sets = [try CaseValues(of: file, outputs: outputs)]
        }
        for values in sets {
            let outputs = try model.run(
                values.inputs, asConstants: mode == .constants, evaluator: evaluator)
            for output in outputs { digest.add(output) }
            judge(outputs, values, model, &agreement)
        }
        return sets.count
    }

    private func judge(
        _ outputs: [HostValue], _ values: CaseValues, _ model: ONNXModel, _ agreement: inout Agreement
    ) {
        guard outputs.count >= values.outputs.count else {
            return agreement.note("There are \(outputs.count) outputs, and not \(values.outputs.count)")
        }
        for (index, expected) in values.outputs.enumerated() {
            agreement.compare(outputs[index], with: expected, name: model.outputs[index].name)
        }
    }

    private static func outcome(of error: any Error) -> CaseOutcome {
        if case ONNXError.unsupported = error { return .unsupported(sentence(error)) }
        if case ExecutionError.noKernel = error { return .unsupported(sentence(error)) }
        return .fail(sentence(error))
    }

    private static func sentence(_ error: any Error) -> String {
        (error as? any ReportableError)?.summary ?? "\(error)"
    }
}

/// The inputs of one run and the outputs it must give.
private struct CaseValues {
    var inputs: [HostValue?]
    var outputs: [HostValue]

    init(of model: ONNXModel, in folder: String) throws {
        inputs = try Self.values("input", model.inputs, folder)
        let found = try Self.values("output", model.outputs, folder)
        outputs = found.prefix { $0 != nil }.compactMap(\.self)
        guard !outputs.isEmpty else { throw Failure("\(folder) has no expected output.") }
    }

    init(of model: ONNXModel, outputs files: [String]) throws {
        inputs = try RuledInputs.values(for: model)
        outputs = try zip(model.outputs, files).map { output, file in try Self.value(file, output) }
        guard !outputs.isEmpty else { throw Failure("The case has no expected output.") }
    }

    /// One for each name of the model; nil where there is no file.
    private static func values(
        _ kind: String, _ declared: [ModelValue], _ folder: String
    ) throws -> [HostValue?] {
        try declared.enumerated().map { index, value in
            let path = "\(folder)/\(kind)_\(index).pb"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return try Self.value(path, value)
        }
    }

    private static func value(_ path: String, _ declared: ModelValue) throws -> HostValue {
        try ONNXValueFile.read(path, as: declared.type ?? .tensor(.float32, shape: nil))
    }
}
