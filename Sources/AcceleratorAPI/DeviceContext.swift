internal import CHengAccelerator
package import Essentials

/// The context's handle, shared by the context and all that was made in it.
///
/// Streams, events and buffers hold it, so the handle is destroyed after the last of them, in the order the
/// table asks for, whatever order their owners go in.
@safe final class ContextCore: @unchecked Sendable {
    // Unchecked: the handle never changes, and the table's functions on contexts allow any thread.
    let device: Device
    let handle: OpaquePointer
    var table: DeviceTable { device.table }
    /// Whether somebody else destroys the handle.
    private let isLent: Bool

    init(device: Device) throws(DeviceError) {
        let table = device.table
        if let lent = unsafe device.lentContext {
            self.device = device
            unsafe self.handle = unsafe lent
            isLent = true
            return
        }
        isLent = false
        var handle: OpaquePointer?
        try unsafe table.call(table.functions.pointee.context_create, "context_create") {
            unsafe $0(device.handle, &handle, $1)
        }
        self.device = device
        unsafe self.handle = try unsafe made(handle, "context_create", table)
    }

    deinit {
        if isLent { return }
        // All children hold this object, so none is left, and there is nobody to tell about a failure.
        _ = unsafe table.functions.pointee.context_destroy?(handle, nil)
    }
}

/// The handle a create call stored, or the error that the backend broke its promise.
func made(_ handle: OpaquePointer?, _ operation: StaticString, _ table: DeviceTable) throws(DeviceError)
    -> OpaquePointer
{
    guard let handle = unsafe handle else {
        throw DeviceError(
            .general, operation: "\(operation)",
            text: "The backend \(table.name) reported success in \(operation) but made nothing.")
    }
    return unsafe handle
}

/// A place of work on a device: it makes streams, events and buffers, and keeps the account of their memory.
///
/// Calls may come from any thread. What was made in it may outlive it.
package struct DeviceContext: ~Copyable, Sendable {
    let core: ContextCore

    init(on device: Device) throws(DeviceError) { core = try ContextCore(device: device) }

    package var device: Device { core.device }

    /// The table's handle, which lives as long as this context and all that was made in it.
    package var handle: OpaquePointer { unsafe core.handle }

    /// Makes an ordered lane of work; `cpus` confines it, on devices that run on CPUs.
    package borrowing func makeStream(cpus: CPUSet? = nil) throws(DeviceError) -> DeviceStream {
        try DeviceStream(in: core, options: StreamOptions(cpus: cpus))
    }

    /// Makes an ordered lane of work with choices about where it runs and what happens when work fails.
    package borrowing func makeStream(options: StreamOptions) throws(DeviceError) -> DeviceStream {
        try DeviceStream(in: core, options: options)
    }

    /// A stream of the same device that somebody else made and destroys.
    package borrowing func lending(stream handle: OpaquePointer) -> DeviceStream {
        unsafe DeviceStream(lending: handle, in: core)
    }

    /// Makes an event that no stream has recorded yet.
    package borrowing func makeEvent() throws(DeviceError) -> DeviceEvent { try DeviceEvent(in: core) }

    /// Makes a buffer of undefined bytes on the device's own NUMA node, or on the given one.
    package borrowing func makeBuffer(
        of size: ByteCount, numaNode: Int? = nil, pages: PagePolicy = .backendChooses
    ) throws(DeviceError) -> DeviceBuffer {
        try DeviceBuffer(in: core, size: size, numaNode: numaNode, pages: pages)
    }

    /// The account of the context's memory.
    package borrowing func memory() throws(DeviceError) -> MemoryAccount {
        let table = core.table
        var raw = unsafe heng_memory_info()
        unsafe raw.header = StructCrossing.header(HENG_KIND_MEMORY_INFO, of: heng_memory_info.self)
        try unsafe table.call(table.functions.pointee.context_memory_info, "context_memory_info") {
            unsafe $0(core.handle, &raw, $1)
        }
        return unsafe MemoryAccount(raw)
    }

    /// Sets how much memory may be in use at once; nil leaves only the device's own limit.
    package borrowing func limitMemory(to limit: ByteCount?) throws(DeviceError) {
        let table = core.table
        let bytes = UInt64(limit?.bytes ?? 0)
        try unsafe table.call(table.functions.pointee.context_limit_memory, "context_limit_memory") {
            unsafe $0(core.handle, bytes, $1)
        }
    }

    /// Gives memory that is kept for reuse back to the system, and says how much that was.
    @discardableResult package borrowing func trimMemory() throws(DeviceError) -> ByteCount {
        let table = core.table
        var released: UInt64 = 0
        try unsafe table.call(table.functions.pointee.context_trim_memory, "context_trim_memory") {
            unsafe $0(core.handle, &released, $1)
        }
        return ByteCount(bytes: Int(clamping: released))
    }
}

/// What pages a buffer is made of.
package enum PagePolicy: Int32, Sendable {
    case backendChooses = 0
    case normal = 1
    case hugeFirst = 2
    case hugeOnly = 3
}
