// A virtual device: a share of a device, with its own limits, usable wherever a device is.
//
// It is a table of its own over the base device's. What has to be limited (descriptions, contexts, allocation,
// streams' CPUs) goes through functions here; everything on the hot path is the base's own function and its own
// handle, so a launch costs the same as on the base.

internal import CHengAccelerator
package import Essentials
internal import Synchronization

/// Makes shares of devices.
package enum VirtualDevice {
    /// A share of `base`: at most `memory` in use over all contexts, and only these CPUs, or that part of them.
    ///
    /// `computeShare` (above 0, at most 1) is rounded up to whole CPUs; finer shares of time are a cgroup's
    /// matter. Throws `invalidArgument` for limits that the base cannot give.
    package static func make(
        of base: Device, memory: ByteCount? = nil, cpus: CPUSet? = nil, computeShare: Double? = nil
    ) throws(DeviceError) -> Device {
        try check(memory, against: base)
        let cpus = try chosenCPUs(cpus, computeShare, of: base)
        // Errors of passed-through functions are the base's objects and those made here are ours; so the base's
        // must be of the same make, which the checking layer sees to.
        let base = base.table.hasOurErrors ? base : try CheckingLayer.wrap(base)
        let share = VirtualShare(base: base, memory: memory, cpus: cpus)
        let table = unsafe DeviceTable(
            owning: makeTable(over: base.table),
            layerGroups: VirtualGroups.all(over: base.table, hasQuota: memory != nil))
        return try unsafe Device(
            table: table, handle: OpaquePointer(Unmanaged.passUnretained(share).toOpaque()),
            index: base.id.index,
            wrapping: base, owner: share)
    }

    private static func check(_ memory: ByteCount?, against base: Device) throws(DeviceError) {
        guard let memory else { return }
        guard memory > .zero else { throw refusal("A virtual device needs more than \(memory) of memory.") }
        if let whole = base.description.memory, memory > whole {
            throw refusal("A share of \(memory) is more than the \(whole) of \(base.id).")
        }
    }

    private static func chosenCPUs(
        _ cpus: CPUSet?, _ share: Double?, of base: Device
    ) throws(DeviceError) -> CPUSet? {
        if let share, !(share > 0 && share <= 1) {
            throw refusal("A compute share lies above 0 and is at most 1, not \(share).")
        }
        guard let whole = base.description.cpus else {
            guard cpus == nil, (share ?? 1) == 1 else {
                throw refusal("\(base.id) does not say which CPUs it runs on, so they cannot be shared out.")
            }
            return nil
        }
        let from = cpus ?? whole
        guard !from.isEmpty, from.isSubset(of: whole) else {
            throw refusal("The CPUs \(from) are not among those of \(base.id), \(whole).")
        }
        let count = Int((Double(from.count) * (share ?? 1)).rounded(.up))
        return CPUSet(from.units.prefix(max(1, count)))
    }

    private static func refusal(_ text: String) -> DeviceError { invalid("virtual_device", text) }
}

/// The state of one virtual device.
@safe final class VirtualShare: @unchecked Sendable {
    // Unchecked: the C string is written once; everything that changes is in the mutex.
    let base: Device
    let quota: Int?
    let cpus: CPUSet?
    let cpuText: UnsafePointer<CChar>?
    private let state: Mutex<State>

    private struct State {
        var account: MemoryAccount
        var streams: Set<UInt> = []
    }

    init(base: Device, memory: ByteCount?, cpus: CPUSet?) {
        self.base = base
        quota = memory?.bytes
        state = Mutex(State(account: MemoryAccount(limit: memory)))
        self.cpus = cpus
        unsafe cpuText = cpus.map { cpus in unsafe cString(cpus.description) }
    }

    func reserve(_ bytes: Int) throws(DeviceError) {
        let left = state.withLock { state -> ByteCount? in
            if let left = state.account.shortage(for: bytes) { return left }
            state.account.use(bytes)
            return nil
        }
        guard let left else { return }
        throw DeviceError(
            .outOfDeviceMemory, operation: "buffer_allocate",
            text:
                "A buffer of \(ByteCount(bytes: bytes)) does not fit: the virtual device on \(base.id) may use "
                + "\(ByteCount(bytes: quota ?? 0)) and has \(left) left.",
            requested: ByteCount(bytes: bytes), available: left, isRetriable: true)
    }

    func unreserve(_ bytes: Int) { state.withLock { $0.account.giveBack(bytes) } }

    func add(stream: UInt) { state.withLock { _ = $0.streams.insert(stream) } }
    func remove(stream: UInt) { state.withLock { _ = $0.streams.remove(stream) } }
    var streams: Set<UInt> { state.withLock { $0.streams } }
}

/// Which share the base's handles belong to: contexts, streams and buffers keep the base's own handles.
private let owners = Mutex<[UInt: VirtualOwner]>([:])

struct VirtualOwner {
    var share: VirtualShare
    var bytes = 0
}

private func number(_ handle: OpaquePointer?) -> UInt { UInt(bitPattern: handle) }

func virtualOwner(_ handle: OpaquePointer?, _ operation: StaticString) throws(DeviceError) -> VirtualOwner {
    let key = unsafe number(handle)
    guard let owner = owners.withLock({ $0[key] }) else {
        throw DeviceError(
            .invalidHandle, operation: "\(operation)",
            text: "A handle given to \(operation) is not of this device.")
    }
    return owner
}

func rememberVirtual(_ handle: OpaquePointer?, _ owner: VirtualOwner) {
    let key = unsafe number(handle)
    owners.withLock { $0[key] = owner }
}

func forgetVirtual(_ handle: OpaquePointer?) {
    let key = unsafe number(handle)
    owners.withLock { _ = $0.removeValue(forKey: key) }
}

extension VirtualDevice {
    private static func makeTable(over base: DeviceTable) -> heng_accelerator_table {
        var table = unsafe base.functions.pointee
        unsafe addDeviceFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addBufferFunctions(&table)
        unsafe addOptionalFunctions(&table, over: base.functions.pointee)
        return unsafe table
    }

    private static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { _, error in unsafe refuseProcessCall("initialize", error) }
        unsafe table.finalize = { error in unsafe refuseProcessCall("finalize", error) }
        unsafe table.device_count = { _, error in unsafe refuseProcessCall("device_count", error) }
        unsafe table.device_get = { _, _, error in unsafe refuseProcessCall("device_get", error) }
        unsafe table.device_describe = { device, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe object(device, VirtualShare.self, "device_describe")
                try unsafe describe(share, place(description, "device_describe"))
            }
        }
        unsafe table.device_synchronize = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe object(device, VirtualShare.self, "device_synchronize")
                try synchronize(share)
            }
        }
    }

    private static func addContextFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_create = { device, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe object(device, VirtualShare.self, "context_create")
                let target = try unsafe place(result, "context_create")
                let base = share.base
                try unsafe base.table.call(base.table.functions.pointee.context_create, "context_create") {
                    unsafe $0(base.handle, target, $1)
                }
                unsafe rememberVirtual(target.pointee, VirtualOwner(share: share))
            }
        }
        unsafe table.context_destroy = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let table = try unsafe virtualOwner(context, "context_destroy").share.base.table
                try unsafe table.call(table.functions.pointee.context_destroy, "context_destroy") {
                    unsafe $0(context, $1)
                }
                unsafe forgetVirtual(context)
            }
        }
        unsafe table.context_memory_info = { context, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe virtualOwner(context, "context_memory_info").share
                try unsafe memoryInfo(context, share, place(info, "context_memory_info"))
            }
        }
    }

    private static func addStreamFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_create = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe virtualOwner(context, "stream_create").share
                let target = try unsafe place(result, "stream_create")
                try unsafe createStream(context, share, arguments, target)
                unsafe share.add(stream: number(unsafe target.pointee))
                unsafe rememberVirtual(target.pointee, VirtualOwner(share: share))
            }
        }
        unsafe table.stream_destroy = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe virtualOwner(stream, "stream_destroy").share
                let table = share.base.table
                // Out of the books first: once destroyed, the handle may be another stream's.
                unsafe share.remove(stream: number(stream))
                unsafe forgetVirtual(stream)
                try unsafe table.call(table.functions.pointee.stream_destroy, "stream_destroy") {
                    unsafe $0(stream, $1)
                }
            }
        }
    }

    private static func addBufferFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.buffer_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe VirtualDevice.allocate(from: context, arguments, result, "buffer_allocate") {
                    table, target, place in
                    unsafe table.buffer_allocate?(context, arguments, target, place)
                        ?? DeviceError.Code.unsupported.rawValue
                }
            }
        }
        unsafe table.buffer_free = { buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let owner = try unsafe virtualOwner(buffer, "buffer_free")
                let table = owner.share.base.table
                unsafe forgetVirtual(buffer)
                owner.share.unreserve(owner.bytes)
                try unsafe table.call(table.functions.pointee.buffer_free, "buffer_free") {
                    unsafe $0(buffer, $1)
                }
            }
        }
    }
}

extension VirtualDevice {
    /// Counts a buffer that a context or stream makes against the quota, and lets the base make it.
    static func allocate(
        from maker: OpaquePointer?, _ arguments: UnsafePointer<heng_buffer_arguments>?,
        _ result: UnsafeMutablePointer<OpaquePointer?>?, _ operation: StaticString,
        _ make: (heng_accelerator_table, UnsafeMutablePointer<OpaquePointer?>, ErrorPlace) -> Int32
    ) throws(DeviceError) {
        let share = try unsafe virtualOwner(maker, operation).share
        let target = try unsafe place(result, operation)
        let size = unsafe StructCrossing.read(arguments, zero: heng_buffer_arguments())?.size ?? 0
        // A size beyond every quota is refused as it is; below, 64 bytes is what buffers are rounded to.
        let bytes = size > 1 << 62 ? 1 << 62 : ByteCount(bytes: Int(size)).roundedUp(to: 64).bytes
        try share.reserve(bytes)
        let table = share.base.table
        do throws(DeviceError) {
            var error: OpaquePointer?
            let status = unsafe make(table.functions.pointee, target, &error)
            try unsafe table.check(status, error, operation)
        } catch {
            share.unreserve(bytes)
            throw error
        }
        unsafe rememberVirtual(target.pointee, VirtualOwner(share: share, bytes: bytes))
    }
}

private func refuseProcessCall(_ operation: String, _ error: ErrorPlace?) -> Int32 {
    let refusal = DeviceError(
        .unsupported, operation: operation,
        text: "A virtual device is made over a device that exists; \(operation) is for its backend.")
    return unsafe ErrorCrossing.store(refusal, at: error)
}

private func describe(
    _ share: VirtualShare, _ target: UnsafeMutablePointer<heng_device_description>
) throws(DeviceError) {
    let base = share.base
    var full = unsafe heng_device_description()
    unsafe full.header = unsafe StructCrossing.header(
        HENG_KIND_DEVICE_DESCRIPTION, of: heng_device_description.self)
    try unsafe base.table.call(base.table.functions.pointee.device_describe, "device_describe") {
        unsafe $0(base.handle, &full, $1)
    }
    // See addOptionalFunctions.
    let withheld: DeviceCapabilities = [.reset, .partition]
    unsafe full.capabilities &= ~withheld.rawValue
    if let quota = share.quota { unsafe full.memory_bytes = UInt64(quota) }
    if let cpus = share.cpus {
        unsafe full.cpus = unsafe share.cpuText
        unsafe full.compute_units = UInt32(cpus.count)
    }
    try unsafe deliver(full, to: target, "device_describe")
}

private func synchronize(_ share: VirtualShare) throws(DeviceError) {
    let table = share.base.table
    for stream in share.streams {
        try unsafe table.call(table.functions.pointee.stream_synchronize, "device_synchronize") {
            unsafe $0(OpaquePointer(bitPattern: stream), -1, $1)
        }
    }
}

private func memoryInfo(
    _ context: OpaquePointer?, _ share: VirtualShare, _ target: UnsafeMutablePointer<heng_memory_info>
) throws(DeviceError) {
    let table = share.base.table
    var full = unsafe heng_memory_info()
    unsafe full.header = unsafe StructCrossing.header(HENG_KIND_MEMORY_INFO, of: heng_memory_info.self)
    try unsafe table.call(table.functions.pointee.context_memory_info, "context_memory_info") {
        unsafe $0(context, &full, $1)
    }
    if let quota = share.quota {
        let own = unsafe full.limit == 0 ? UInt64.max : full.limit
        unsafe full.limit = min(own, UInt64(quota))
    }
    try unsafe deliver(full, to: target, "context_memory_info")
}

/// Makes a stream on the share's CPUs, or on those asked for among them.
private func createStream(
    _ context: OpaquePointer?, _ share: VirtualShare, _ arguments: UnsafePointer<heng_stream_arguments>?,
    _ target: UnsafeMutablePointer<OpaquePointer?>
) throws(DeviceError) {
    let table = share.base.table
    var full = unsafe StructCrossing.read(arguments, zero: heng_stream_arguments()) ?? heng_stream_arguments()
    let asked = unsafe UnsafeBufferPointer(start: full.cpus, count: Int(clamping: full.cpu_count)).map {
        Int($0)
    }
    if let cpus = share.cpus, !CPUSet(asked).isSubset(of: cpus) {
        throw invalid(
            "stream_create", "The CPUs \(CPUSet(asked)) are not among the virtual device's \(cpus).")
    }
    let numbers = (asked.isEmpty ? share.cpus?.units ?? [] : asked).map { UInt32($0) }
    unsafe full.header = unsafe StructCrossing.header(
        HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
    try unsafe table.call(table.functions.pointee.stream_create, "stream_create") { function, error in
        unsafe numbers.withUnsafeBufferPointer { numbers in
            unsafe full.cpus = numbers.baseAddress
            unsafe full.cpu_count = UInt64(numbers.count)
            return unsafe function(context, &full, target, error)
        }
    }
}
