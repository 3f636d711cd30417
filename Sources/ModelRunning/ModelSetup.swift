package import AcceleratorAPI
internal import Backends
package import ComputeGraph
package import Essentials
internal import Execution
internal import ImageDecoding
internal import KernelInterface
package import ONNXImport

/// How models are opened and run by the command line: the operators there are, a device and limits.
package struct ModelSetup: Sendable {
    package var registry: ModelOperatorRegistry
    package var device: Device
    package var limits: ModelLimits

    /// On the first device of a kind, with all operators.
    package init(device kind: String = "cpu", memoryLimit: ByteCount = .gibibytes(64)) throws {
        registry = Self.allOperators
        let devices = try Backends.devices()
        guard
            let device = devices.first(where: {
                $0.id.description == kind || $0.id.description.hasPrefix("\(kind):")
            })
        else {
            throw Failure(
                "There is no device \(kind).", nextStep: "`heng devices` lists them.", exitCode: .setupMissing
            )
        }
        self.device = device
        limits = ModelLimits(memory: memoryLimit.bytes)
    }

    /// Every operator that models may call.
    package static let allOperators = ModelOperatorRegistry(adding: imageOperators)

    package func open(_ path: String) throws -> ONNXModel {
        try ONNXModel(contentsOf: path, registry: registry, limits: limits)
    }
}
