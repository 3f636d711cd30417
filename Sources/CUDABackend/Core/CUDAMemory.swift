internal import AcceleratorAPI
internal import CCUDA
internal import Essentials
internal import Synchronization

/// The memory of a context in one epoch: a pool of the driver's, and a lane for what is not in a stream of the caller's.
@safe final class CUDAMemory: @unchecked Sendable {
    // Unchecked: the driver's handles never change; the account is locked.
    private let device: CUDADevice
    private let pool: OpaquePointer?
    private let lane: OpaquePointer
    private let state: Mutex<State>

    /// What the caller has set, which outlives an epoch.
    struct Settings {
        var limit: ByteCount?
        /// How much freed memory is kept; the largest number keeps all.
        var keep = UInt64.max
    }

    private struct State {
        var account: MemoryAccount
        var keep: UInt64
    }

    /// The primary context must be the thread's.
    init(_ device: CUDADevice, like old: Settings?) throws(DeviceError) {
        let driver = unsafe device.libraries.driver
        self.device = device
        var lane: OpaquePointer?
        try device.check(
            unsafe driver.pointee.cuStreamCreateWithPriority(&lane, UInt32(HCU_STREAM_NON_BLOCKING), 0),
            "context_create")
        guard let lane = unsafe lane else {
            throw DeviceError(.general, operation: "context_create", text: "The driver made no stream.")
        }
        unsafe self.lane = unsafe lane
        var pool: OpaquePointer?
        if device.facts.hasPools, let create = unsafe driver.pointee.cuMemPoolCreate {
            var properties = unsafe hcu_pool_properties()
            unsafe properties.allocation_type = 1
            unsafe properties.location = hcu_location(type: 1, id: device.ordinal)
            let result = unsafe create(&pool, &properties)
            if result != 0 {
                _ = unsafe driver.pointee.cuStreamDestroy(lane)
                throw device.failure(result, "context_create")
            }
        }
        unsafe self.pool = unsafe pool
        let settings = old ?? Settings()
        state = Mutex(State(account: MemoryAccount(limit: settings.limit), keep: settings.keep))
        try keep(settings.keep, "context_create")
    }

    /// Ends it; only the account stays.
    func close() {
        let driver = unsafe device.libraries.driver
        _ = unsafe driver.pointee.cuStreamSynchronize(lane)
        if let pool = unsafe pool, let destroy = unsafe driver.pointee.cuMemPoolDestroy {
            _ = unsafe destroy(pool)
        }
        _ = unsafe driver.pointee.cuStreamDestroy(lane)
    }

    /// What was set, without a question to the driver.
    var settings: Settings { state.withLock { Settings(limit: $0.account.limit, keep: $0.keep) } }

    var current: MemoryAccount {
        let reserved = unsafe pool == nil ? 0 : self.reserved
        var account = state.withLock { $0.account }
        account.reserved = max(ByteCount(bytes: Int(clamping: reserved)), account.inUse)
        return account
    }

    private var reserved: UInt64 {
        guard let pool = unsafe pool, let get = unsafe device.libraries.driver.pointee.cuMemPoolGetAttribute
        else {
            return 0
        }
        var bytes: UInt64 = 0
        return unsafe get(pool, Int32(HCU_POOL_RESERVED_CURRENT), &bytes) == 0 ? bytes : 0
    }

    func limit(to bytes: UInt64) { state.withLock { $0.account.limit(to: bytes) } }

    /// Keeps at most so much freed memory from now on.
    func keep(_ bytes: UInt64, _ operation: StaticString) throws(DeviceError) {
        let inUse = state.withLock { state in
            state.keep = bytes
            return state.account.inUse
        }
        try setThreshold(inUse, bytes, operation)
    }

    /// The driver counts all that the pool holds; what is in use comes on top of what is kept.
    private func setThreshold(_ inUse: ByteCount, _ keep: UInt64, _ operation: StaticString)
        throws(DeviceError)
    {
        guard let pool = unsafe pool, let set = unsafe device.libraries.driver.pointee.cuMemPoolSetAttribute
        else {
            return
        }
        let sum = keep.addingReportingOverflow(UInt64(max(0, inUse.bytes)))
        var threshold = sum.overflow ? UInt64.max : sum.partialValue
        try device.check(unsafe set(pool, Int32(HCU_POOL_RELEASE_THRESHOLD), &threshold), operation)
    }

    /// Gives kept memory back; returns how much.
    func trim() throws(DeviceError) -> UInt64 {
        guard let pool = unsafe pool, let trim = unsafe device.libraries.driver.pointee.cuMemPoolTrimTo else {
            return 0
        }
        let before = reserved
        try device.check(
            unsafe device.libraries.driver.pointee.cuStreamSynchronize(lane), "context_trim_memory")
        try device.check(unsafe trim(pool, 0), "context_trim_memory")
        let after = reserved
        return before > after ? before - after : 0
    }

    /// A block of device memory; with a stream, it is there for work behind this call in it.
    func allocate(
        _ size: UInt64, in stream: OpaquePointer?, _ operation: StaticString
    ) throws(DeviceError) -> UInt64 {
        let rounded = CUDAMemory.rounded(size)
        try take(rounded, asked: size, operation)
        do throws(DeviceError) { return try unsafe obtain(size, in: stream, operation) } catch {
            state.withLock { $0.account.giveBack(rounded) }
            throw error
        }
    }

    private func obtain(
        _ size: UInt64, in stream: OpaquePointer?, _ operation: StaticString
    ) throws(DeviceError) -> UInt64 {
        let driver = unsafe device.libraries.driver
        let before = reserved
        var address: UInt64 = 0
        let result: Int32
        if let pool = unsafe pool, let allocate = unsafe driver.pointee.cuMemAllocFromPoolAsync {
            result = unsafe allocate(&address, Int(size), pool, stream ?? lane)
        } else {
            result = unsafe driver.pointee.cuMemAlloc(&address, Int(size))
        }
        if result == HCU_OUT_OF_MEMORY { throw outOfMemory(size, operation, result) }
        try device.check(result, operation)
        if unsafe pool != nil {
            // Memory of the lane is for everybody, so it has to be there when the call returns.
            if unsafe stream == nil {
                try device.check(unsafe driver.pointee.cuStreamSynchronize(lane), operation)
            }
            if before > 0, reserved <= before { state.withLock { $0.account.reuses += 1 } }
        }
        return address
    }

    private func take(_ rounded: Int, asked: UInt64, _ operation: StaticString) throws(DeviceError) {
        let shortage = state.withLock { state -> ByteCount? in
            if let left = state.account.shortage(for: rounded) { return left }
            state.account.use(rounded)
            return nil
        }
        guard let available = shortage else { return }
        throw DeviceError(
            .outOfDeviceMemory, operation: "\(operation)",
            text:
                "A buffer of \(asked) bytes does not fit under the context's limit on \(device.name); "
                + "\(available.bytes) bytes of it are left.",
            requested: ByteCount(bytes: Int(clamping: asked)),
            available: available, isRetriable: true)
    }

    private func outOfMemory(_ size: UInt64, _ operation: StaticString, _ result: Int32) -> DeviceError {
        var (free, total) = (0, 0)
        _ = unsafe device.libraries.driver.pointee.cuMemGetInfo(&free, &total)
        return DeviceError(
            .outOfDeviceMemory, operation: "\(operation)",
            text:
                "\(device.name) has no room for a buffer of \(size) bytes; \(free) of its \(total) bytes are free.",
            nativeCode: Int(result), requested: ByteCount(bytes: Int(clamping: size)),
            available: ByteCount(bytes: free), isRetriable: true)
    }

    /// Gives a block back; with a stream, when its work so far is done.
    func free(
        _ address: UInt64, _ size: UInt64, in stream: OpaquePointer?, _ operation: StaticString
    ) throws(DeviceError) {
        let driver = unsafe device.libraries.driver
        if unsafe pool != nil, let free = unsafe driver.pointee.cuMemFreeAsync {
            try device.check(unsafe free(address, stream ?? lane), operation)
        } else {
            try device.check(unsafe driver.pointee.cuMemFree(address), operation)
        }
        let rounded = CUDAMemory.rounded(size)
        let (inUse, keep) = state.withLock { state in
            state.account.giveBack(rounded)
            return (state.account.inUse, state.keep)
        }
        if keep != .max { try setThreshold(inUse, keep, operation) }
    }

    /// The driver hands out multiples of this.
    private static func rounded(_ size: UInt64) -> Int {
        let size = Int(clamping: size)
        return size > Int.max - 511 ? size : (size + 511) / 512 * 512
    }
}
