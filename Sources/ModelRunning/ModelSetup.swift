package import AcceleratorAPI
internal import Backends
package import ComputeGraph
package import Essentials
internal import Execution
internal import ImageDecoding
internal import KernelInterface
package import ONNXImport

#if canImport(Glibc)
internal import Glibc
#endif

/// How models are opened and run by the command line: the operators there are, a device and limits.
package struct ModelSetup: Sendable {
    package var registry: ModelOperatorRegistry
    package var device: Device
    package var limits: ModelLimits

    /// On the first device of a kind, with all operators; without a limit, models take most of the memory.
    package init(device kind: String = "cpu", memoryLimit: ByteCount? = nil) throws {
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
        limits = ModelLimits(memory: (memoryLimit ?? Self.mostOfMemory).bytes)
    }

    /// Three quarters of the machine's memory: a model's values, and room for the program itself.
    private static let mostOfMemory = ByteCount(
        bytes: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 4 * 3)

    /// Every operator that models may call.
    package static let allOperators = ModelOperatorRegistry(adding: imageOperators)

    package func open(_ path: String) throws -> ONNXModel {
        try ONNXModel(contentsOf: path, registry: registry, limits: limits)
    }
}
