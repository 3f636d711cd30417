internal import ArgumentParser
internal import Backends
internal import ComputeGraph
internal import Conformance
internal import DeviceConformance
internal import Essentials
internal import Execution
internal import ModelRunning
internal import ONNXImport

/// What `heng conform` starts to run cases; not for people.
struct ConformWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conform-worker", abstract: "Runs cases that it reads from standard input.",
        shouldDisplay: false)

    @Option var mode: ConformanceMode
    @Option var tolerance: ToleranceRule
    /// In bytes.
    @Option var memoryLimit: Int?

    func run() throws {
        let limit = memoryLimit.map { ByteCount(bytes: $0) }
        try WorkerLoop.confine(memory: limit)
        guard let device = try Backends.firstDevice() else {
            throw Failure("This process may use no device.", exitCode: .setupMissing)
        }
        let kernels = try Backends.kernels(for: device)
        let evaluator: any GraphEvaluator =
            mode == .strided
            ? try GuardedEvaluator(device: device, kernels: kernels)
            : DeviceEvaluator(device: device, kernels: kernels)
        let runner = CaseRunner(
            mode: mode, rule: tolerance, registry: ModelSetup.allOperators, evaluator: evaluator,
            limits: limit.map { ModelLimits(memory: $0.bytes) } ?? ModelLimits())
        try WorkerLoop.serve(runner.run)
    }
}

extension ConformanceMode: ExpressibleByArgument {}
