package import Essentials

/// A virtual device that someone asks to be made, to be used by name.
package struct NamedDeviceRequest: Hashable, Codable, Sendable {
    package struct Amounts: Hashable, Codable, Sendable {
        package var share: DeviceShare?
        package var cores: CoreAmount?
        package var memory: ByteCount
        package var deviceMemory: ByteCount?

        package init(
            share: DeviceShare? = nil, cores: CoreAmount? = nil, memory: ByteCount = .zero,
            deviceMemory: ByteCount? = nil
        ) {
            self.share = share
            self.cores = cores
            self.memory = memory
            self.deviceMemory = deviceMemory
        }
    }

    package var name: String
    package var machine: String?
    package var deviceKind: String
    package var amounts: Amounts
    package var numa: NodePreference
    package var memoryMode: MemoryMode
    package var maySpan: Bool
    package var quality: QualityOfService
    package var isolation: IsolationDemand
    /// The template that the amounts come from, for tables.
    package var template: String?

    package init(
        name: String, machine: String? = nil, deviceKind: String = ResourceRequest.cpu, amounts: Amounts,
        numa: NodePreference = .any, memoryMode: MemoryMode = .preferred, maySpan: Bool = false,
        quality: QualityOfService = .guaranteed, isolation: IsolationDemand = .any, template: String? = nil
    ) {
        self.name = name
        self.machine = machine
        self.deviceKind = deviceKind
        self.amounts = amounts
        self.numa = numa
        self.memoryMode = memoryMode
        self.maySpan = maySpan
        self.quality = quality
        self.isolation = isolation
        self.template = template
    }
}

/// A virtual device with a name: made beforehand, used by one job at a time, deleted on request.
package struct NamedDevice: Hashable, Codable, Sendable {
    package var request: NamedDeviceRequest
    package var machine: String
    package var device: VirtualDevice
    package var holder: JobID?
    package var madeAt: TimePoint
    /// Counts from 1 and grows with each size; a test of an older size counts for nothing.
    package var revision: Int
    /// What its limits did when they were tried out; nil until then.
    package var test: DeviceTest?

    package init(
        request: NamedDeviceRequest, machine: String, device: VirtualDevice, holder: JobID? = nil,
        madeAt: TimePoint, revision: Int = 1, test: DeviceTest? = nil
    ) {
        self.request = request
        self.machine = machine
        self.device = device
        self.holder = holder
        self.madeAt = madeAt
        self.revision = revision
        self.test = test
    }

    package var name: String { request.name }
}

/// How strongly something holds a virtual device to a limit.
package enum EnforcementStrength: String, Hashable, Codable, Sendable, CaseIterable {
    /// The kernel or the device enforces it, and the job cannot lift it.
    case hard
    /// It holds for programs that do not work against it.
    case soft
    case none = "not enforced"
}

/// What came of trying out the limits of a virtual device.
package struct DeviceTest: Hashable, Codable, Sendable {
    package struct Limit: Hashable, Codable, Sendable {
        /// `compute`, `memory`, `locality`, `scrub`.
        package var name: String
        package var strength: EnforcementStrength
        package var asked: Double
        /// What was measured; nil when it could not be.
        package var measured: Double?
        package var unit: String
        package var isHeld: Bool
        /// The mechanism, or why there is none.
        package var means: String

        package init(
            name: String, strength: EnforcementStrength, asked: Double, measured: Double?, unit: String,
            isHeld: Bool, means: String
        ) {
            self.name = name
            self.strength = strength
            self.asked = asked
            self.measured = measured
            self.unit = unit
            self.isHeld = isHeld
            self.means = means
        }
    }

    package var revision: Int
    package var limits: [Limit]
    /// Of an accelerator: `hw`, `driver`, `mps`, `interposer`, `framework` or `none`; nil of processing units alone.
    package var acceleratorLevel: String?

    package init(revision: Int, limits: [Limit], acceleratorLevel: String? = nil) {
        self.revision = revision
        self.limits = limits
        self.acceleratorLevel = acceleratorLevel
    }

    /// The weakest of what holds the limits on compute and memory; nil when neither was tried.
    package var strength: EnforcementStrength? {
        let strengths = limits.filter { $0.name == "compute" || $0.name == "memory" }.map(\.strength)
        return EnforcementStrength.allCases.last { strengths.contains($0) }
    }

    package var isPassed: Bool { limits.allSatisfy { $0.isHeld || $0.strength == .none } }
}
