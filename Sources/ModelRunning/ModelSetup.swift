package import AcceleratorAPI
internal import Backends
package import ComputeGraph
package import Essentials
internal import Execution
internal import ImageDecoding
package import KernelInterface
package import ONNXImport

#if canImport(Glibc)
internal import Glibc
#endif

/// How models are opened and run by the command line: the operators there are, devices and limits.
package struct ModelSetup: Sendable {
    package var registry: ModelOperatorRegistry
    /// Where nodes run: each on the first that takes it.
    package var devices: [Device]
    package var limits: ModelLimits
    /// What all results must meet beyond the operators' meaning.
    package var demand: Arithmetic

    /// On named devices or the first of their kinds, in order of preference, with all operators.
    ///
    /// Names are separated by commas: `opencl,cpu`. Without a limit, models take most of the memory.
    package init(
        device names: String = "cpu", memoryLimit: ByteCount? = nil, demand: Arithmetic = Arithmetic()
    ) throws {
        self.demand = demand
        registry = Self.allOperators
        devices = try names.split(separator: ",", omittingEmptySubsequences: false).map { name in
            var inventory = Backends.Inventory()
            let found = try Backends.firstDevice(noting: &inventory) {
                $0.id.description == name || $0.id.kind == name
            }
            guard let device = found else {
                let text = (["There is no device \(name)."] + inventory.warnings.map(\.description)).joined(
                    separator: " ")
                throw Failure(text, nextStep: "`heng devices` lists them.", exitCode: .setupMissing)
            }
            return device
        }
        limits = ModelLimits(memory: (memoryLimit ?? Self.mostOfMemory).bytes)
    }

    /// The devices with what they offer.
    func deviceKernels() throws -> [DeviceKernels] {
        try devices.map { DeviceKernels(device: $0, kernels: try Backends.kernels(for: $0)) }
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
