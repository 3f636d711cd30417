internal import Essentials
internal import FoundationEssentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// A virtual device with a name, as its machine keeps it.
struct KeptDevice: Hashable, Codable, Sendable {
    var device: NamedDevice
    var groups: DeviceGroups
    /// The run of the machine's kernel that the groups belong to.
    var boot: String

    var name: String { device.name }
}

/// The virtual devices of a machine, one file for each, so that an agent that comes later finds their groups again.
///
/// Only the host's thread uses it.
final class DeviceShelf {
    private let folder: String
    private let isolation: Isolation
    private let boot: String
    /// Tells the groups of different state folders apart.
    private let prefix: String
    private var kept: [String: KeptDevice] = [:]
    /// Devices that are no more, and whose groups still have something in them.
    private var leaving: [KeptDevice] = []

    init(folder: String, isolation: Isolation, boot: String, prefix: String) throws(Failure) {
        self.folder = folder
        self.isolation = isolation
        self.boot = boot
        self.prefix = prefix
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw Failure("The folder \(folder) for virtual devices cannot be made: \(sentence(errno)).")
        }
        for file in SmallFile.names(in: folder) where file.hasSuffix(".json") && !file.hasPrefix(".") {
            guard let text = SmallFile.read("\(folder)/\(file)"),
                let found = try? JSONDecoder().decode(KeptDevice.self, from: Data(text.utf8)),
                found.boot == boot
            else {
                // Of an earlier run of the kernel, or torn: the daemon tells what there should be.
                unsafe unlink("\(folder)/\(file)")
                continue
            }
            kept[found.name] = found
        }
    }

    subscript(name: String) -> KeptDevice? { kept[name] }

    func groupName(of device: String) -> String { "heng-device-\(prefix)-\(device)" }

    /// Makes the groups of a device, or gives those that are there its size.
    func keep(_ device: NamedDevice) throws(Failure) -> KeptDevice {
        guard device.name.isName else {
            throw Failure("\(device.name.debugDescription) cannot be the name of a virtual device.")
        }
        leaving.removeAll { $0.name == device.name }
        if var found = kept[device.name], found.groups.areThere {
            guard found.device.device != device.device || found.device.request != device.request else {
                return found
            }
            found.device = device
            _ = found.groups.resize(
                to: RankSlot(named: device), named: groupName(of: device.name), isolation: isolation
            ) {}
            return put(found)
        }
        let groups = DeviceGroups(
            named: groupName(of: device.name), holding: RankSlot(named: device), isolation: isolation)
        return put(KeptDevice(device: device, groups: groups, boot: boot))
    }

    /// Gives a device another size while something runs in it, whose own limits `between` changes.
    func resize(_ name: String, to device: VirtualDevice, between body: () -> Void) -> [String] {
        guard var found = kept[name] else {
            body()
            return []
        }
        found.device.device = device
        let remarks = found.groups.resize(
            to: RankSlot(named: found.device), named: groupName(of: name), isolation: isolation, between: body
        )
        _ = put(found)
        return remarks
    }

    private func put(_ device: KeptDevice) -> KeptDevice {
        kept[device.name] = device
        if let bytes = try? JSONEncoder().encode(device) {
            // One that cannot be written now is made anew by its name, which finds the same groups.
            _ = SmallFile.replace("\(folder)/\(device.name).json", with: Array(bytes))
        }
        return device
    }

    // MARK: Removing

    /// Removes what is not in the list.
    func keepOnly(_ names: [String]) {
        let wanted = Set(names)
        for name in kept.keys where !wanted.contains(name) { remove(name) }
    }

    func remove(_ name: String) {
        guard let gone = kept.removeValue(forKey: name) else { return }
        unsafe unlink("\(folder)/\(name).json")
        leaving.append(gone)
        removeLeaving()
    }

    /// Whether groups wait for the last processes in them to end.
    var hasLeaving: Bool { !leaving.isEmpty }

    func removeLeaving() {
        leaving.removeAll { $0.groups.remove() }
    }
}

extension RankSlot {
    /// What the groups of a device hold.
    init(named device: NamedDevice) {
        self.init(device.device, memoryMode: device.request.memoryMode, quality: device.request.quality)
    }
}
