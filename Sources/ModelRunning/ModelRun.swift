internal import ComputeGraph
internal import Essentials
internal import Execution
package import ONNXImport

/// One run of a model.
package struct ModelRun: Sendable {
    package var outputs: [(name: String, value: HostValue)]
    package var duration: Duration

    package init(of model: ONNXModel, inputs: [HostValue?], setup: ModelSetup) throws {
        let evaluator = DeviceEvaluator(
            devices: try setup.deviceKernels(), options: Executable.Options(demand: setup.demand),
            limits: setup.limits)
        let start = TimePoint.monotonicNow()
        let values = try model.run(inputs, evaluator: evaluator)
        duration = TimePoint.monotonicNow() - start
        outputs = zip(model.outputs, values).map { ($0.name, $1) }
    }
}
