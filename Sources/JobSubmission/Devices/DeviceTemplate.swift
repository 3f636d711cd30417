package import Essentials
internal import FoundationEssentials
package import Scheduling

/// A size of virtual device under a name (R4011-05).
package struct DeviceTemplate: Hashable, Sendable {
    package var name: String
    package var kind: String
    package var share: DeviceShare?
    package var cores: CoreAmount?
    package var memory: ByteCount?
    /// Of the memory of one NUMA node, where `memory` does not say.
    package var memoryShare: Double?
    /// Bytes of the device's own memory; nil is the same part of it as `share`.
    package var deviceMemory: ByteCount?
    package var note: String

    /// The same with bytes for `memoryShare`, in whole MiB.
    package func sized(forNodeWith memory: ByteCount) -> DeviceTemplate {
        var sized = self
        if self.memory == nil, let memoryShare {
            sized.memory = .mebibytes(Int(Double(memory.bytes) * memoryShare) >> 20)
        }
        sized.memoryShare = nil
        return sized
    }

    package var amounts: NamedDeviceRequest.Amounts {
        NamedDeviceRequest.Amounts(
            share: share, cores: cores, memory: memory ?? .zero, deviceMemory: deviceMemory)
    }
}

/// All templates of a machine.
package struct DeviceTemplates: Hashable, Sendable {
    package var all: [DeviceTemplate]

    /// Those that come with Heng.
    package static func standard() throws(Failure) -> DeviceTemplates {
        try DeviceTemplates(json: PackageResources.virtual_devices_json, from: "the built-in list")
    }

    /// Reads the form of `Config/virtual-devices.json`.
    package init(json: [UInt8], from place: String) throws(Failure) {
        let entries: [Entry]
        do {
            entries = try JSONDecoder().decode([Entry].self, from: Data(json))
        } catch {
            throw mistake(
                "\(place) is not a list of templates for virtual devices.",
                "Write it like Config/virtual-devices.json.")
        }
        all = []
        for entry in entries {
            let template = try entry.template(in: place)
            guard !all.contains(where: { $0.name == template.name }) else {
                throw mistake(
                    "\(place) has two templates '\(template.name)'.", "Give each a name of its own.")
            }
            all.append(template)
        }
    }

    package func named(_ name: String) throws(Failure) -> DeviceTemplate {
        if let found = all.first(where: { $0.name == name }) { return found }
        throw mistake(
            "There is no template '\(shown(name))' for virtual devices.",
            "There are: \(all.map(\.name).joined(separator: ", ")).")
    }

    /// Others come on top, and replace those of the same name.
    package func adding(_ others: DeviceTemplates) -> DeviceTemplates {
        var sum = self
        sum.all.removeAll { template in others.all.contains { $0.name == template.name } }
        sum.all += others.all
        return sum
    }

    /// One template as the file has it.
    private struct Entry: Decodable {
        var name: String
        var kind: String
        var share: Double?
        var cores: Double?
        var memory: String?
        var memoryShare: Double?
        var deviceMemory: String?
        var deviceMemoryShare: Double?
        var note: String?

        func template(in place: String) throws(Failure) -> DeviceTemplate {
            let name = try NameCheck.name(name, option: "\(place): a template")
            for part in [share, memoryShare, deviceMemoryShare] {
                guard let part, part <= 0 || part > 1 else { continue }
                throw mistake(
                    "\(place): template '\(name)' has the part \(part).", "Parts are over 0 and at most 1.")
            }
            if let cores, !(cores > 0 && cores < 100_000) {
                throw mistake("\(place): template '\(name)' has \(cores) cores.", "Give it more than 0.")
            }
            // The device's memory goes with its compute: anything else is said in bytes.
            if let deviceMemoryShare, deviceMemoryShare != share {
                throw mistake(
                    "\(place): template '\(name)' has a deviceMemoryShare other than its share.",
                    "Give deviceMemory in bytes, such as \"8GiB\".")
            }
            return DeviceTemplate(
                name: name, kind: kind,
                share: share.map {
                    DeviceShare(units: Int(($0 * Double(DeviceShare.unitsPerDevice)).rounded()))
                },
                cores: cores.map { CoreAmount(units: Int(($0 * Double(CoreAmount.unitsPerCore)).rounded())) },
                memory: try memory.map { (text) throws(Failure) in
                    try Amounts.memory(text, option: "\(place): memory of '\(name)':")
                },
                memoryShare: memoryShare,
                deviceMemory: try deviceMemory.map { (text) throws(Failure) in
                    try Amounts.memory(text, option: "\(place): deviceMemory of '\(name)':")
                },
                note: note ?? "")
        }
    }
}

extension DeviceTemplate: Encodable {
    private enum Key: String, CodingKey {
        case name, kind, share, cores, memory, memoryShare, deviceMemory, note
    }

    /// Shares and cores as plain numbers, as the file has them; memory in bytes.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
        try container.encodeIfPresent(share?.fraction, forKey: .share)
        try container.encodeIfPresent(cores?.inCores, forKey: .cores)
        try container.encodeIfPresent(memory, forKey: .memory)
        try container.encodeIfPresent(memoryShare, forKey: .memoryShare)
        try container.encodeIfPresent(deviceMemory, forKey: .deviceMemory)
        try container.encode(note, forKey: .note)
    }
}
