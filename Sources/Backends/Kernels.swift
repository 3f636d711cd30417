package import AcceleratorAPI
internal import CPUBackend
internal import Essentials
package import KernelInterface

extension Backends {
    /// The kernels for a device: its backend's operators, or ours for the CPU.
    ///
    /// The CPU's serve every other device whose memory the host reaches, since such a device runs host functions in
    /// the order of its streams.
    package static func kernels(for device: Device) throws -> any KernelProvider {
        if let group = try OperatorGroup(of: device) { return TableKernels(group) }
        guard device.description.isHostAddressable else {
            throw Failure(
                "\(device.id) offers no operators.",
                nextStep: "Choose another device, or a version of its backend that has operators.")
        }
        return CPUKernelProvider()
    }
}
