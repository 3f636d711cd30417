internal import CHengAccelerator
package import Essentials

/// What a device is: facts that do not change while the process runs.
package struct DeviceDescription: Hashable, Sendable, Codable {
    /// The first half of the device's id: `cpu`, `gpu`.
    package var kind: String
    package var name: String
    package var vendor: String
    /// What buffers can be made of; nil when the backend does not say.
    package var memory: ByteCount?
    /// The operating system's number of the closest NUMA node.
    package var numaNode: Int?
    /// The CPUs that run the device, or are closest to it.
    package var cpus: CPUSet?
    package var computeUnits: Int
    package var bufferAlignment: Int
    package var copyAlignment: Int
    /// Whether host code may read and write the device's buffers in place.
    package var isHostAddressable: Bool
    /// Whether the device is not a real one: its times and sizes are made up.
    package var isSimulated: Bool
    /// What it can do beyond the required functions.
    package var capabilities: DeviceCapabilities
    /// The same for the same device in every process; nil when the backend gives none.
    package var uuid: [UInt8]?
    package var pciAddress: String?
    /// Further facts by name, for tables and reports.
    package var attributes: [String: String]

    package init(
        kind: String, name: String, vendor: String, memory: ByteCount?, numaNode: Int?, cpus: CPUSet?,
        computeUnits: Int, bufferAlignment: Int, copyAlignment: Int, isHostAddressable: Bool,
        isSimulated: Bool = false, capabilities: DeviceCapabilities = [], uuid: [UInt8]? = nil,
        pciAddress: String? = nil, attributes: [String: String] = [:]
    ) {
        self.kind = kind
        self.name = name
        self.vendor = vendor
        self.memory = memory
        self.numaNode = numaNode
        self.cpus = cpus
        self.computeUnits = computeUnits
        self.bufferAlignment = bufferAlignment
        self.copyAlignment = copyAlignment
        self.isHostAddressable = isHostAddressable
        self.isSimulated = isSimulated
        self.capabilities = capabilities
        self.uuid = uuid
        self.pciAddress = pciAddress
        self.attributes = attributes
    }
}

/// One accelerator that can allocate and run: a shared identity over a backend's table and handle.
///
/// Devices come from the registry (`Backends.devices()`), or wrap another one (`checked()`, `VirtualDevice`).
@safe package final class Device: @unchecked Sendable {
    // Unchecked: the handle is only passed back to the table, whose functions on devices allow any thread.
    package let id: DeviceID
    package let description: DeviceDescription
    package let table: DeviceTable
    package let handle: OpaquePointer
    /// What the device wraps, kept alive as long as it.
    private let base: Device?
    /// What the handle points to, where that is ours to keep alive.
    private let owner: AnyObject?
    /// A context of somebody else's that serves instead of new ones; nil for most devices.
    let lentContext: OpaquePointer?

    /// Asks the backend to describe the device behind the handle.
    package init(
        table: DeviceTable, handle: OpaquePointer, index: Int, wrapping base: Device? = nil,
        owner: AnyObject? = nil
    ) throws(DeviceError) {
        self.table = table
        unsafe self.handle = handle
        self.base = base
        self.owner = owner
        unsafe lentContext = nil
        description = try unsafe Device.describe(handle, table)
        id = base?.id ?? DeviceID(kind: description.kind, index: index)
    }

    private init(_ device: Device, id: DeviceID) {
        table = device.table
        unsafe handle = unsafe device.handle
        base = device
        owner = nil
        unsafe lentContext = unsafe device.lentContext
        description = device.description
        self.id = id
    }

    /// The same device under another number, for lists in which two backends have devices of one kind.
    package func numbered(_ index: Int) -> Device {
        index == id.index ? self : Device(self, id: DeviceID(kind: id.kind, index: index))
    }

    /// The same device, where everything is made in a context that somebody else keeps alive.
    package init(_ base: Device, lending context: OpaquePointer) {
        table = base.table
        unsafe handle = unsafe base.handle
        self.base = base
        owner = nil
        unsafe lentContext = unsafe context
        description = base.description
        id = base.id
    }

    /// Makes a context: the owner of streams, events and buffers.
    package func makeContext() throws(DeviceError) -> DeviceContext { try DeviceContext(on: self) }

    /// Waits until all work submitted so far to the device, in all its streams, is done.
    package func synchronize() throws(DeviceError) {
        try unsafe table.call(table.functions.pointee.device_synchronize, "device_synchronize") {
            unsafe $0(handle, $1)
        }
    }

    private static func describe(
        _ handle: OpaquePointer, _ table: DeviceTable
    ) throws(DeviceError) -> DeviceDescription {
        var raw = unsafe heng_device_description()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_DEVICE_DESCRIPTION, of: heng_device_description.self)
        unsafe raw.numa_node = -1
        try unsafe table.call(table.functions.pointee.device_describe, "device_describe") {
            unsafe $0(handle, &raw, $1)
        }
        func text(_ pointer: UnsafePointer<CChar>?) -> String? {
            unsafe pointer.map { unsafe String(cString: $0) }
        }
        let kind = unsafe text(raw.kind) ?? table.name
        guard !kind.isEmpty, kind.utf8.allSatisfy(isPartOfKind) else {
            throw DeviceError(
                .general, operation: "device_describe",
                text:
                    "The backend \(table.name) has a device of the kind '\(kind)'; kinds are lower-case words."
            )
        }
        return unsafe DeviceDescription(
            kind: kind, name: text(raw.name) ?? "unnamed",
            vendor: text(raw.vendor) ?? "unknown",
            memory: raw.memory_bytes == 0 ? nil : ByteCount(bytes: Int(clamping: raw.memory_bytes)),
            numaNode: raw.numa_node < 0 ? nil : Int(raw.numa_node),
            cpus: text(raw.cpus).flatMap { CPUSet(parsing: $0) }, computeUnits: Int(raw.compute_units),
            bufferAlignment: max(1, Int(raw.buffer_alignment)),
            copyAlignment: max(1, Int(raw.copy_alignment)),
            isHostAddressable: raw.host_addressable != 0, isSimulated: raw.simulated != 0,
            capabilities: DeviceCapabilities(rawValue: raw.capabilities), uuid: uuid(raw.uuid),
            pciAddress: text(raw.pci_address), attributes: attributes(of: handle, table))
    }

    private static func isPartOfKind(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func uuid(_ raw: heng_uuid) -> [UInt8]? {
        let bytes = unsafe withUnsafeBytes(of: raw) { unsafe Array($0) }
        return bytes.allSatisfy { $0 == 0 } ? nil : bytes
    }

    /// What the backend tells beyond the description; nothing where it does not offer that.
    private static func attributes(of handle: OpaquePointer, _ table: DeviceTable) -> [String: String] {
        guard let function = unsafe table.functions.pointee.device_attribute else { return [:] }
        var attributes: [String: String] = [:]
        // A backend that never says "out of range" must not keep us here.
        for index in 0..<UInt32(1000) {
            var (key, value): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (nil, nil)
            guard unsafe function(handle, index, &key, &value, nil) == 0, let key = unsafe key,
                let value = unsafe value
            else { break }
            unsafe attributes[String(cString: key)] = unsafe String(cString: value)
        }
        return attributes
    }
}
