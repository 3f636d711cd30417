internal import ArgumentParser
internal import ComputeGraph
internal import Essentials
internal import Foundation
internal import ModelRunning
internal import ONNXImport

extension ModelCommand {
    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Runs a model on tensors from files.",
            discussion: """
                Inputs and outputs are .npy, .npz (several by name) or ONNX .pb files.

                Examples: heng model run resnet50.onnx --random 1
                          heng model run m.onnx --input x=x.npy --output y=y.npy
                          heng model run m.onnx --input all.npz --output results.npz
                """)

        @OptionGroup var options: ModelOptions
        @Option(
            name: [.short, .customLong("input")],
            help: ArgumentHelp("A file with an input, or .npz with several.", valueName: "[name=]file"))
        var inputs: [String] = []
        @Option(
            name: [.short, .customLong("output")],
            help: ArgumentHelp("Where an output goes, or .npz for all.", valueName: "[name=]file"))
        var outputs: [String] = []
        @Option(
            help: ArgumentHelp(
                "Random values, from this seed, for inputs that are not given.", valueName: "seed"))
        var random: UInt64?
        @OptionGroup var place: RunOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let setup = try options.setup(place)
            let model = try setup.open(options.model)
            let values = try inputValues(of: model, setup)
            let targets = try outputTargets(of: model)
            let run = try ModelRun(of: model, inputs: values, setup: setup)
            for (path, name) in targets {
                guard let name else {
                    try ValueFiles.writeArchive(run.outputs, to: path)
                    continue
                }
                for (known, value) in run.outputs where known == name {
                    try ValueFiles.write(value, to: path, named: name)
                }
            }
            let rows = run.outputs.map { OutputSummary(name: $0.name, value: $0.value) }
            try output.show(rows) {
                textTable(
                    header: ["OUTPUT", "TYPE", "MINIMUM", "MEAN", "MAXIMUM", "FIRST"],
                    rows.map {
                        [$0.name, $0.type, text($0.minimum), text($0.mean), text($0.maximum), $0.first]
                    })
            }
        }

        private func inputValues(of model: ONNXModel, _ setup: ModelSetup) throws -> [HostValue?] {
            var given: [String: HostValue] = [:]
            let limit = ByteCount.bytes(setup.limits.memory)
            for input in inputs {
                let (name, path) = split(input)
                if ValueFiles.isArchive(path) {
                    given.merge(try ValueFiles.readArchive(path, limit: limit)) { $1 }
                    continue
                }
                guard
                    let known = name.map({ name in model.inputs.first { $0.name == name } })
                        ?? onlyInput(of: model)
                else {
                    throw Failure(
                        "The model has no input \(name ?? "that \(path) could only be").",
                        nextStep: "Write --input name=file; `heng model inspect` shows the names.",
                        exitCode: .wrongUse)
                }
                given[known.name] = try ValueFiles.read(
                    path, as: known.type ?? .tensor(.float32, shape: nil), limit: limit)
            }
            if let unknown = given.keys.sorted().first(where: { name in
                !model.inputs.contains { $0.name == name }
            }) {
                throw Failure(
                    "The model has no input \(unknown).", nextStep: "`heng model inspect` shows the names.",
                    exitCode: .wrongUse)
            }
            let made = try random.map {
                try RandomInputs.values(
                    for: model, extents: options.extents(), seed: $0, limits: setup.limits)
            }
            return model.inputs.enumerated().map { given[$1.name] ?? made?[$0] }
        }

        private func onlyInput(of model: ONNXModel) -> ModelValue? {
            let needed = model.inputs.filter { !model.optionalInputs.contains($0.name) }
            return needed.count == 1 ? needed[0] : nil
        }

        /// Paths with the output that each takes, nil for all.
        private func outputTargets(of model: ONNXModel) throws -> [(path: String, name: String?)] {
            try outputs.map { output in
                let (name, path) = split(output)
                if ValueFiles.isArchive(path) { return (path, nil) }
                guard let known = name ?? (model.outputs.count == 1 ? model.outputs[0].name : nil),
                    model.outputs.contains(where: { $0.name == known })
                else {
                    throw Failure(
                        "The model has no output \(name ?? "that \(path) could only be").",
                        nextStep: "Write --output name=file; `heng model inspect` shows the names.",
                        exitCode: .wrongUse)
                }
                return (path, known)
            }
        }

        private func split(_ argument: String) -> (name: String?, path: String) {
            guard let equals = argument.firstIndex(of: "=") else { return (nil, argument) }
            return (String(argument[..<equals]), String(argument[argument.index(after: equals)...]))
        }

        private func text(_ number: Double?) -> String { number.map { String(format: "%.6g", $0) } ?? "-" }
    }

    struct Convert: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "convert", abstract: "Writes a model again as ONNX: shapes fixed, constants folded.",
            discussion: """
                The source is an ONNX file, or a folder with config.json and model.safetensors of a BERT.

                Example: heng model convert minilm --dimension batch=1 --dimension length=128 -o minilm.onnx
                """)

        @OptionGroup var options: ModelOptions
        @Option(name: [.customShort("o"), .customLong("output")], help: "The ONNX file to write.") var target:
            String

        func run() throws {
            try ModelConversion(options.model, extents: options.extents(), setup: options.setup()).write(
                to: target)
        }
    }
}

/// An output in a line: numbers that tell whether it is sound.
private struct OutputSummary: Encodable {
    var name: String
    var type: String
    var minimum: Double?
    var mean: Double?
    var maximum: Double?
    var first: String

    init(name: String, value: HostValue) {
        self.name = name
        type = value.type.description
        first = "-"
        guard case .tensor(let tensor) = value else { return }
        if tensor.type.element == .string {
            first = tensor.strings.prefix(3).joined(separator: " ")
            return
        }
        guard tensor.type.element.kind != .complex else { return }
        let numbers = tensor.doubles
        let finite = numbers.filter(\.isFinite)
        minimum = finite.min()
        maximum = finite.max()
        mean = finite.isEmpty ? nil : finite.reduce(0, +) / Double(finite.count)
        first = numbers.prefix(4).map { String(format: "%.6g", $0) }.joined(separator: " ")
    }
}
