import ArgumentParser
import ComputeGraph
import Essentials
import Foundation
import ModelMutations
import ModelRunning

/// Tries very many damaged models, each as `heng model` would, and counts how they end.
///
/// A model that runs or is refused with a sentence is well; one that ends the program, takes too long or takes too
/// much memory is a finding. The models are tried in child processes, so that the count goes on after a finding.
@main
struct ModelMutator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model-mutator",
        abstract: "Tries damaged models: none may crash, hang or eat the memory.")

    @Option(help: "The folder with cases: folders with model.onnx and test_data_set_0.")
    var cases = ModelCase.publicCases

    @Option(help: "How many mutants to try.")
    var count = 100_000

    @Option(help: "Another seed gives other mutants.")
    var seed: UInt64 = 1

    @Option(help: "The first mutant.")
    var first = 0

    @Option(help: "Only this mutant, here and not in a child, with what was changed.")
    var only: Int?

    @Option(help: "A folder for the model and inputs of --only.")
    var save: String?

    @Option(help: "What a model may take.")
    var memoryLimit = "512MiB"

    @Option(help: "Seconds for one mutant.")
    var timeLimit = 10.0

    @Flag(help: .hidden)
    var worker = false

    func run() throws {
        guard let limit = ByteCount(parsing: memoryLimit), count > 0, first >= 0, timeLimit > 0 else {
            throw ValidationError("The limits and counts are positive.")
        }
        if let only {
            try tryOne(only, limit)
        } else if worker {
            try Worker(mutants: mutants(), setup: setup(limit), limit: limit).run(first..<first + count)
        } else {
            let findings = try Supervisor(
                arguments: [
                    "--worker", "--cases", cases, "--seed", "\(seed)", "--memory-limit", memoryLimit,
                ], timeLimit: timeLimit
            ).run(first..<first + count)
            if findings > 0 { throw ExitCode(1) }
        }
    }

    private func mutants() throws -> MutantList {
        let cases = try ModelCase.all(under: cases)
        guard !cases.isEmpty else {
            throw Failure("No cases lie in \(self.cases).", exitCode: .setupMissing)
        }
        return MutantList(of: cases, seed: seed)
    }

    private func setup(_ limit: ByteCount) throws -> ModelSetup {
        var setup = try ModelSetup(memoryLimit: limit)
        // Small enough for the time limit, also on a busy machine: a kernel computes some 2^32 operations in a second.
        setup.limits.operations = 1 << 34
        setup.limits.calls = 1 << 18
        return setup
    }

    private func tryOne(_ index: Int, _ limit: ByteCount) throws {
        let mutant = try mutants()[index]
        print("mutant \(index) of \(mutant.changed.name): \(mutant.changes.joined(separator: ", "))")
        if let save { try mutant.changed.write(to: save) }
        let start = TimePoint.monotonicNow()
        let outcome = MutantTrial(try setup(limit)).run(mutant.changed)
        print("\(outcome) after \(TimePoint.monotonicNow() - start)")
    }
}
