package import AcceleratorAPI
package import ComputeGraph
package import Essentials

/// What one simulated device is like.
package struct SimulatedSettings: Hashable, Sendable {
    package var name = "Simulated accelerator"
    package var memory = ByteCount.gibibytes(1)
    /// How fast work moves bytes.
    package var bytesPerSecond = 100_000_000_000
    /// How fast operators compute, in floating-point operations.
    package var operationsPerSecond = 1_000_000_000_000
    /// What every piece of work takes at least.
    package var launchNanoseconds = 5_000
    package var time = Time.virtual
    package var computeUnits = 8
    /// How many pieces of work run at once; 0: any number.
    ///
    /// Above 0, priorities decide who is next.
    package var lanes = 0
    /// The most objects at once; 0: any number.
    package var streamLimit = 0
    package var eventLimit = 0
    package var contextLimit = 0
    package var bufferLimit = 0
    package var isHostAddressable = false
    /// Every buffer starts at, and takes, a multiple of this.
    package var alignment = 256
    package var copyAlignment = 1
    package var operators = OperatorSelection.all
    /// The element types of operators; nil: all.
    package var types: Set<ElementType>?
    /// What the device lacks of all that it could do.
    package var without: DeviceCapabilities = []
    package var temperature: Double?
    /// What it draws while work runs.
    package var watts: Double?
    package var faults: [Fault] = []

    package init() {}

    /// Whose clock the device follows.
    package enum Time: String, Hashable, Sendable, CaseIterable {
        /// One that only work and waiting turn, so that times are exact and nothing sleeps.
        case virtual
        /// The machine's: work takes the time that it says.
        case real
    }

    /// Which operators the device has.
    package enum OperatorSelection: Hashable, Sendable {
        case all
        case only(Set<String>)
        case except(Set<String>)

        func contains(_ name: String) -> Bool {
            switch self {
            case .all: true
            case .only(let names): names.contains(name)
            case .except(let names): !names.contains(name)
            }
        }
    }
}

extension SimulatedSettings {
    /// All bits of the header that apply with these settings.
    package var capabilities: DeviceCapabilities {
        var all = DeviceCapabilities.names.reduce(into: DeviceCapabilities()) { $0.insert($1.capability) }
        if !isHostAddressable { all.remove(.addressBuffers) }
        return all.subtracting(without)
    }

    /// How long work takes that moves bytes and computes, in nanoseconds; each part is rounded up.
    package func nanoseconds(bytes: Int, operations: Int = 0) -> Int64 {
        let moving = SimulatedSettings.nanoseconds(bytes, per: bytesPerSecond)
        let computing = SimulatedSettings.nanoseconds(operations, per: operationsPerSecond)
        let sum = Int64(launchNanoseconds).addingReportingOverflow(moving)
        return min(
            SimulatedSettings.longest, sum.partialValue.addingReportingOverflow(computing).partialValue)
    }

    /// About a year: nothing takes longer, so that sums of times never overflow.
    static let longest: Int64 = 1 << 55

    private static func nanoseconds(_ count: Int, per second: Int) -> Int64 {
        let (high, low) = UInt64(max(0, count)).multipliedFullWidth(by: 1_000_000_000)
        let rate = UInt64(max(1, second))
        guard high < rate else { return longest }
        let (quotient, remainder) = rate.dividingFullWidth((high, low))
        return Int64(min(quotient, UInt64(longest) - 1)) + (remainder > 0 ? 1 : 0)
    }
}
