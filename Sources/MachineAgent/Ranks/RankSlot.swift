package import Essentials
package import Scheduling

/// The place of one rank: processing units, the node its memory comes from, and how much of it.
package struct RankSlot: Codable, Hashable, Sendable {
    package var cpus: CPUSet
    package var numa: NUMAPreference?
    package var memory: ByteCount?
    package var cpuShare: Double?
    /// Its weight against others on the same units; nil is the usual one.
    package var cpuWeight: Int?

    package init(
        cpus: CPUSet, numa: NUMAPreference? = nil, memory: ByteCount? = nil, cpuShare: Double? = nil,
        cpuWeight: Int? = nil
    ) {
        self.cpus = cpus
        self.numa = numa
        self.memory = memory
        self.cpuShare = cpuShare
        self.cpuWeight = cpuWeight
    }
}

extension RankSlot {
    /// The binding that a placement promised to one rank.
    ///
    /// A guaranteed rank has a quota where it shares a core. The others may use what lies idle beside them. Each has the
    /// weight of its time, so that they are in proportion also where somebody else leaves them less; best effort has the
    /// least there is.
    package init(
        _ device: VirtualDevice, memoryMode: MemoryMode = .preferred, quality: QualityOfService = .guaranteed
    ) {
        let whole = Double(device.cpus.count)
        let hasQuota = quality == .guaranteed && device.cpuTime < whole
        self.init(
            cpus: device.cpus, numa: NUMAPreference(device, mode: memoryMode),
            memory: device.memory == .zero ? nil : device.memory,
            cpuShare: hasQuota ? device.cpuTime / whole : nil,
            cpuWeight: quality == .guaranteed && !hasQuota ? nil : quality.weight(ofUnits: device.cpuTime))
    }
}

extension NUMAPreference {
    /// A device over several nodes is used page by page in turn, unless memory from elsewhere is forbidden.
    fileprivate init(_ device: VirtualDevice, mode: MemoryMode) {
        let nodes = CPUSet(device.osNodes)
        switch mode {
        case .strict: self.init(.strict, nodes: nodes)
        case .interleave: self.init(.interleave, nodes: nodes)
        case .preferred: self.init(device.pieces.count > 1 ? .interleave : .preferred, nodes: nodes)
        }
    }
}

extension QualityOfService {
    /// The kernel's usual weight is 100.
    fileprivate func weight(ofUnits units: Double) -> Int {
        switch self {
        case .guaranteed, .burstable: max(2, min(10_000, Int((units * 100).rounded())))
        case .bestEffort: 1
        }
    }
}
