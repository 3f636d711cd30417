package import AcceleratorAPI
internal import CPUBackend
internal import Essentials
package import KernelInterface

extension Backends {
    /// The kernels for a device.
    ///
    /// The CPU's serve every device whose memory the host reaches, since such a device runs host functions in the
    /// order of its streams.
    package static func kernels(for device: Device) throws -> any KernelProvider {
        guard device.description.isHostAddressable else {
            throw Failure(
                "No compiled-in backend has kernels for \(device.id).",
                nextStep: "Choose a device of the kind cpu.")
        }
        return CPUKernelProvider()
    }
}
