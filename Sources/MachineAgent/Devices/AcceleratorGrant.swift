internal import Essentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// How strongly a part of an accelerator is held to its limits, from the strongest on (see `heng vdev list`).
///
/// Only the last three are ever found here: Heng neither partitions cards (MIG) nor has a library of its own between
/// programs and drivers, and the kernel's limit on device memory needs drivers that are not out yet.
enum AcceleratorLevel: String {
    /// A hardware partition.
    case hardware = "hw"
    /// The driver and the kernel.
    case driver
    /// NVIDIA's MPS server, where somebody has started one.
    case mps
    /// Variables that say what the job may use; programs may heed them.
    case framework
    /// Nothing but that no other accelerator is to be seen.
    case none
}

/// The accelerator that a rank was given, and what makes it visible and holds it.
struct AcceleratorGrant {
    private let device: VirtualDevice
    let level: AcceleratorLevel

    /// Nil for a rank that has none.
    init?(_ device: VirtualDevice, mpsControl: String = mpsControlPath) {
        guard device.device.kind != ResourceRequest.cpu else { return nil }
        self.device = device
        if device.device.kind == "gpu", SmallFile.exists(mpsControl) {
            level = .mps
        } else {
            level = device.deviceMemory > .zero ? .framework : .none
        }
    }

    /// Where the MPS server listens, if there is one.
    private static let mpsControlPath: String = {
        let folder = unsafe getenv("CUDA_MPS_PIPE_DIRECTORY").map { unsafe String(cString: $0) }
        return "\(folder ?? "/tmp/nvidia-mps")/control"
    }()

    /// The variables by which drivers choose what a program sees, in the order of the PCI bus.
    static let visibility = ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"]

    /// No accelerator at all, for ranks that were given none: a number that no device has.
    static let nothing: [String: String] = {
        var variables = Dictionary(uniqueKeysWithValues: visibility.map { ($0, "-1") })
        variables["HENG_ACCELERATORS"] = ""
        return variables
    }()

    var variables: [String: String] {
        var variables = Self.nothing
        variables["HENG_ACCELERATORS"] = "\(device.device)"
        variables["HENG_DEVICE"] = "\(device.device)"
        variables["HENG_DEVICE_SHARE"] = "\(device.share)"
        if device.deviceMemory > .zero { variables["HENG_DEVICE_MEMORY"] = "\(device.deviceMemory.bytes)" }
        guard device.device.kind == "gpu" else { return variables }
        // Both at once would be counted one inside the other.
        variables["ROCR_VISIBLE_DEVICES"] = nil
        variables["CUDA_VISIBLE_DEVICES"] = "\(device.device.index)"
        variables["HIP_VISIBLE_DEVICES"] = "\(device.device.index)"
        variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        return level == .mps ? variables.merging(mps) { $1 } : variables
    }

    /// See https://docs.nvidia.com/deploy/mps/: the limits are per client, and the device is its first visible one.
    private var mps: [String: String] {
        var variables = [
            "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE":
                "\(max(1, device.share.units * 100 / DeviceShare.unitsPerDevice))"
        ]
        if device.deviceMemory > .zero {
            variables["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = "0=\(device.deviceMemory.bytes >> 20)M"
        }
        return variables
    }

    /// What is declared of it; nothing of this is measured by the agent, which has no driver.
    var limits: [DeviceTest.Limit] {
        let compute = limit(
            "accelerator compute", asked: device.share.fraction, unit: "of \(device.device)",
            level == .mps ? .soft : .none,
            level == .mps ? "a cap by MPS" : "jobs on the same accelerator take turns as its driver lets them"
        )
        guard device.deviceMemory > .zero else { return [compute] }
        let memory = limit(
            "accelerator memory", asked: Double(device.deviceMemory.bytes), unit: "bytes",
            level == .mps ? .soft : .none,
            level == .mps
                ? "a cap on what MPS counts" : "HENG_DEVICE_MEMORY tells programs, which may heed it")
        return [compute, memory]
    }

    private func limit(
        _ name: String, asked: Double, unit: String, _ strength: EnforcementStrength, _ means: String
    ) -> DeviceTest.Limit {
        DeviceTest.Limit(
            name: name, strength: strength, asked: asked, measured: nil, unit: unit, isHeld: true,
            means: "level \(level.rawValue), not measured: \(means)")
    }
}
