internal import ArgumentParser
internal import ComputeGraph
internal import Essentials
internal import Foundation
internal import KernelInterface
internal import ModelRunning
internal import ONNXImport

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Looks at ONNX models, checks them, and runs them.",
        discussion: """
            Examples: heng model check resnet50.onnx
                      heng model run resnet50.onnx --random 1
            """,
        subcommands: [
            Inspect.self, Check.self, Run.self, Explain.self, Convert.self,
            Operators.self,
        ])
}

/// What `--device` takes where a model runs.
let deviceHelp = ArgumentHelp(
    "The device, as `heng devices` names it; of several, separated by commas, each node takes the first that can."
)

/// Where a model runs, and what its results must meet.
struct RunOptions: ParsableArguments {
    @Option(help: deviceHelp) var device = "cpu"

    @Option(
        help: ArgumentHelp(
            "How far the same bits must come again: in each run on the same device, on any number of threads, in any "
                + "batch, or on every device that promises it.",
            valueName: "level"))
    var determinism = Determinism.none

    @Option(
        help: ArgumentHelp(
            "What sums are added up in, at least; standard is the output's type, and fast welcomes less.",
            valueName: "type"))
    var accumulation = Accumulation.standard

    enum Determinism: String, ExpressibleByArgument, CaseIterable { case none, run, threads, batch, devices }
    enum Accumulation: String, ExpressibleByArgument, CaseIterable { case standard, float32, float64, fast }

    var demand: Arithmetic {
        let level: Arithmetic.Determinism =
            switch determinism {
            case .none: .none
            case .run: .run
            case .threads: .threads
            case .batch: .batch
            case .devices: .devices
            }
        let sums: Arithmetic.Accumulation =
            switch accumulation {
            case .standard: .standard
            case .float32: .float32
            case .float64: .float64
            case .fast: .fast
            }
        return Arithmetic(determinism: level, accumulation: sums)
    }
}

/// The model file and what it may take.
struct ModelOptions: ParsableArguments {
    @Argument(help: "The ONNX file.")
    var model: String

    @Option(
        help: ArgumentHelp(
            "What the values of the model may take; three quarters of the machine's memory if not given.",
            valueName: "size"))
    var memoryLimit: String?

    @Option(
        name: .customLong("dimension"),
        help: ArgumentHelp("An open extent of the inputs, as name=N; can be repeated.", valueName: "name=N"))
    var dimensions: [String] = []

    func setup(_ run: RunOptions) throws -> ModelSetup { try setup(device: run.device, demand: run.demand) }

    func setup(device: String = "cpu", demand: Arithmetic = Arithmetic()) throws -> ModelSetup {
        let limit = try memoryLimit.map {
            try parsedAmount($0, "--memory-limit", "4GiB") { ByteCount(parsing: $0) }
        }
        return try ModelSetup(device: device, memoryLimit: limit, demand: demand)
    }

    func extents() throws -> [String: Int] {
        var extents: [String: Int] = [:]
        for dimension in dimensions {
            guard let split = dimension.lastIndex(of: "="),
                let extent = Int(dimension[dimension.index(after: split)...]), extent >= 0
            else {
                throw Failure(
                    "\(dimension) is no open extent.", nextStep: "Write it like --dimension batch=4.",
                    exitCode: .wrongUse)
            }
            extents[String(dimension[..<split])] = extent
        }
        return extents
    }
}

extension ModelCommand {
    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "inspect", abstract: "Shows a model's inputs, outputs, operators and weights.",
            discussion: "Example: heng model inspect resnet50.onnx")

        @OptionGroup var options: ModelOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let summary = try options.setup().open(options.model).summary
            try output.show(summary) { text(summary) }
        }

        private func text(_ summary: ModelSummary) -> String {
            let sets = summary.operatorSets.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            let parameters =
                summary.inputs.map { ["input", $0.name, $0.type] }
                + summary.outputs.map { ["output", $0.name, $0.type] }
            let operators = summary.operatorCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .map { "\($0.key) \($0.value)" }
            return """
                format    IR \(summary.formatVersion), \(sets.joined(separator: ", "))
                producer  \(summary.producer.isEmpty ? "-" : summary.producer)
                weights   \(summary.initializerCount) tensors, \(ByteCount.bytes(summary.initializerBytes))
                nodes     \(operators.joined(separator: ", "))

                \(textTable(header: ["KIND", "NAME", "TYPE"], parameters))
                """
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Says whether a model can run, and what shapes its outputs have.",
            discussion: """
                Exit code 0 where it can, 1 where not. Output shapes are formulas in the open extents of the inputs.

                Example: heng model check resnet50.onnx
                """)

        @OptionGroup var options: ModelOptions
        @OptionGroup var output: OutputOptions

        struct Findings: Encodable {
            var runs: Bool
            var problems: [String]
            var outputs: [String: String]
        }

        func run() throws {
            let findings = try self.findings()
            try output.show(findings) {
                let outputs = findings.outputs.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
                return
                    (findings.problems + outputs + [
                        findings.runs ? "The model can run." : "The model cannot run."
                    ])
                    .joined(separator: "\n")
            }
            if !findings.runs { throw ArgumentParser.ExitCode(Essentials.ExitCode.negative.rawValue) }
        }

        private func findings() throws -> Findings {
            let model: ONNXModel
            do {
                model = try options.setup().open(options.model)
            } catch let error as ONNXError {
                return Findings(runs: false, problems: [error.summary], outputs: [:])
            }
            let problems = model.unservedNodes.map {
                ONNXError.unsupported(node: $0.node, operatorName: $0.operatorName, domain: $0.domain).summary
            }
            guard problems.isEmpty else { return Findings(runs: false, problems: problems, outputs: [:]) }
            do {
                let shapes = try InferredShapes(of: model).outputs.map {
                    ($0.name, "\($0.element)[\($0.extents.joined(separator: "x"))]")
                }
                return Findings(
                    runs: true, problems: [],
                    outputs: Dictionary(shapes, uniquingKeysWith: { first, _ in first }))
            } catch let error as ONNXError where error.needsValue {
                return Findings(runs: true, problems: [error.summary], outputs: [:])
            } catch let error as ONNXError {
                if case .wrongInput = error {
                    return Findings(runs: true, problems: [error.summary], outputs: [:])
                }
                return Findings(runs: false, problems: [error.summary], outputs: [:])
            }
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Shows the kernel that each node takes, and why those before it refused.",
            discussion: "Example: heng model explain resnet50.onnx --dimension batch=1")

        @OptionGroup var options: ModelOptions
        @OptionGroup var place: RunOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let setup = try options.setup(place)
            let model = try setup.open(options.model)
            let explanation = try ModelExplanation(of: model, extents: options.extents(), setup: setup)
            try output.show(explanation) { text(explanation) }
        }

        private func text(_ explanation: ModelExplanation) -> String {
            let hasDevices = explanation.nodes.contains { $0.device != nil }
            let rows = explanation.nodes.map { node in
                let refusals = node.refusals.map { refused in
                    "\(refused.device.map { "\($0), " } ?? "")\(refused.kernel): \(refused.reason)"
                }
                let place = hasDevices ? [node.device ?? ""] : []
                return [node.node, node.operatorName] + place
                    + [node.kernel, refusals.joined(separator: " ")]
            }
            let header =
                ["NODE", "OPERATOR"] + (hasDevices ? ["DEVICE"] : []) + ["KERNEL", "REFUSED BEFORE"]
            let memory = explanation.arenaBytes.map { "\nA session takes \(ByteCount.bytes($0))." }
            return textTable(header: header, rows) + (memory ?? "")
        }
    }
}
