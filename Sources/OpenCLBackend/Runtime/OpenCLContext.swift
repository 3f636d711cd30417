internal import AcceleratorAPI
internal import COpenCL
internal import Essentials
internal import Synchronization

/// A context of an OpenCL device: the owner of streams, events and buffers, and the account of its memory.
@safe final class OpenCLContext: @unchecked Sendable {
    // Unchecked: what changes is locked.
    let device: OpenCLDevice
    /// OpenCL's own context.
    let raw: UInt
    let profile = ProfileLog()
    let living: LivingObjects
    private let state = Mutex(State())

    private struct State {
        var account = MemoryAccount()
        /// Host memory by its address, and the buffer behind it.
        var hostMemory: [UInt: (raw: UInt, size: Int)] = [:]
        /// A queue of our own, for mapping memory and reading the clock: 0 before it is needed.
        var queue: UInt = 0
    }

    init(on device: OpenCLDevice) throws(DeviceError) {
        self.device = device
        raw = try device.openContext()
        living = LivingObjects(in: device.living)
        device.living.count(\.contexts, 1)
    }

    /// Ends the context, or throws what it still owns.
    func close() throws(DeviceError) {
        try living.requireNone(in: "A context of \(device.facts.name)", "context_destroy")
        let queue = state.withLock { $0.queue }
        if queue != 0 { _ = opencl_release_queue(queue) }
        device.living.count(\.contexts, -1)
    }
}

// MARK: - Memory

extension OpenCLContext {
    var account: MemoryAccount {
        var account = state.withLock { $0.account }
        account.reserved = account.inUse
        return account
    }

    func limitMemory(to bytes: UInt64) { state.withLock { $0.account.limit(to: bytes) } }

    /// Makes memory of the device, within the limits of the context, the device and OpenCL.
    func allocate(_ size: Int, flags: UInt64, _ operation: String) throws(DeviceError) -> UInt {
        guard size <= device.facts.largestBuffer else {
            throw tooMuch(size, available: device.facts.largestBuffer, operation)
        }
        let free = state.withLock { state -> Int? in
            if let left = state.account.shortage(for: size) { return left.bytes }
            guard device.reserve(size) else { return max(0, device.memory - device.inUse) }
            state.account.use(size)
            return nil
        }
        if let free { throw tooMuch(size, available: free, operation) }
        let made = opencl_buffer(raw, flags | UInt64(OPENCL_MEM_READ_WRITE), UInt64(size))
        guard made.status == 0 else {
            giveBack(size)
            var error = OpenCLStatus.error(made.status, operation, "No buffer on \(device.facts.name)")
            error.requested = ByteCount(bytes: size)
            error.available = ByteCount(bytes: max(0, device.memory - device.inUse))
            throw error
        }
        return made.handle
    }

    func giveBack(_ size: Int) {
        state.withLock { $0.account.giveBack(size) }
        device.unreserve(size)
    }

    private func tooMuch(_ size: Int, available: Int, _ operation: String) -> DeviceError {
        DeviceError(
            .outOfDeviceMemory, operation: operation,
            text: "\(ByteCount(bytes: size)) are more than the \(ByteCount(bytes: available)) that "
                + "\(device.facts.name) has left for one buffer of this context.",
            requested: ByteCount(bytes: size), available: ByteCount(bytes: available), isRetriable: true)
    }

    /// A queue for our own short work.
    func ownQueue() throws(DeviceError) -> UInt {
        let made = state.withLock { state -> opencl_made in
            if state.queue != 0 { return opencl_made(handle: state.queue, status: 0) }
            let made = opencl_queue(raw, device.raw)
            state.queue = made.handle
            return made
        }
        return try made.get("queue", "No queue on \(device.facts.name)")
    }

    /// Host memory that the driver made for fast copies.
    func allocateHost(_ size: Int) throws(DeviceError) -> UnsafeMutableRawPointer {
        let queue = try ownQueue()
        let buffer = try allocate(size, flags: UInt64(OPENCL_MEM_ALLOC_HOST_PTR), "host_allocate")
        var status: Int32 = 0
        guard let map = unsafe opencl_get()?.pointee.clEnqueueMapBuffer,
            // Blocking, for reading and writing.
            let address = unsafe map(queue, buffer, 1, 3, 0, size, 0, nil, nil, &status)
        else {
            _ = opencl_release_memory(buffer)
            giveBack(size)
            throw OpenCLStatus.error(
                status, "host_allocate", "Host memory of \(device.facts.name) was not mapped")
        }
        state.withLock { $0.hostMemory[UInt(bitPattern: address)] = (buffer, size) }
        living.count(\.hostBlocks, 1)
        return unsafe address
    }

    func freeHost(_ address: UnsafeMutableRawPointer?) throws(DeviceError) {
        let key = UInt(bitPattern: address)
        guard let memory = state.withLock({ $0.hostMemory.removeValue(forKey: key) }) else {
            throw invalid("host_free", "The address is not one that host_allocate of this context gave.")
        }
        living.count(\.hostBlocks, -1)
        defer {
            _ = opencl_release_memory(memory.raw)
            giveBack(memory.size)
        }
        let queue = try ownQueue()
        var event: UInt = 0
        guard let unmap = unsafe opencl_get()?.pointee.clEnqueueUnmapMemObject else { return }
        try OpenCLStatus.check(
            unsafe unmap(queue, memory.raw, address, 0, nil, &event), "host_free",
            "Host memory was not unmapped")
        let status = opencl_wait(event)
        _ = opencl_release_event(event)
        try OpenCLStatus.check(status, "host_free", "Host memory was not unmapped")
    }
}

/// A buffer of an OpenCL device.
@safe final class OpenCLBuffer: Sendable {
    let context: OpenCLContext
    let raw: UInt
    let size: Int

    init(in context: OpenCLContext, size: Int, _ operation: String) throws(DeviceError) {
        self.context = context
        self.size = size
        raw = try context.allocate(size, flags: 0, operation)
        context.living.count(\.buffers, 1)
    }

    /// Frees it; work that OpenCL already has in a queue keeps the memory until it is done.
    func free() {
        _ = opencl_release_memory(raw)
        context.giveBack(size)
        context.living.count(\.buffers, -1)
    }
}
