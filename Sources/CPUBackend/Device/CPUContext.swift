internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// A context of the CPU device: the owner of streams, events, buffers and their memory pool.
final class CPUContext: Sendable {
    let device: CPUDevice
    let pool: MemoryPool
    let profile = ProfileLog()
    private let hostBlocks = Mutex<[UInt: MemoryBlock]>([:])
    let living: LivingObjects

    init(on device: CPUDevice) {
        self.device = device
        pool = MemoryPool(device: device)
        living = LivingObjects(in: device.living)
        device.living.count(\.contexts, 1)
    }

    /// Memory of the host; it is the same memory as a buffer's here, and in the same account.
    func allocateHost(_ size: Int, place: MemoryBlock.Place) throws(DeviceError) -> UnsafeMutableRawPointer {
        let block = try pool.allocate(size, place: place)
        hostBlocks.withLock { $0[unsafe UInt(bitPattern: block.address)] = block }
        living.count(\.hostBlocks, 1)
        return unsafe block.address
    }

    func freeHost(_ address: UnsafeMutableRawPointer?) throws(DeviceError) {
        let key = UInt(bitPattern: address)
        guard let block = hostBlocks.withLock({ $0.removeValue(forKey: key) }) else {
            throw DeviceError(
                .free, operation: "host_free",
                text: "The address was not made by host_allocate of this context, or was freed already.")
        }
        pool.free(block)
        living.count(\.hostBlocks, -1)
    }

    /// Ends the context, or throws what it still owns.
    func close() throws(DeviceError) {
        try living.requireNone(in: "A context of \(device.name)", "context_destroy")
        device.living.count(\.contexts, -1)
    }
}

/// A buffer of the CPU device.
final class CPUBuffer: Sendable {
    let context: CPUContext
    let block: MemoryBlock
    /// What was asked for; the block may be larger.
    let size: Int

    init(in context: CPUContext, size: Int, block: MemoryBlock) {
        self.context = context
        self.size = size
        self.block = block
    }

    /// Gives the memory back; called once, by who frees the buffer.
    func giveBack() {
        context.pool.free(block)
        context.living.count(\.buffers, -1)
    }
}
