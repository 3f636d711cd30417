internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// A context of the CPU device: the owner of streams, events, buffers and their memory pool.
final class CPUContext: Sendable {
    let device: CPUDevice
    let pool: MemoryPool
    private let living = Mutex(Living())

    struct Living {
        var streams = 0
        var events = 0
        var buffers = 0
    }

    init(on device: CPUDevice) {
        self.device = device
        pool = MemoryPool(device: device)
        device.contextWasMade()
    }

    func count(_ kind: WritableKeyPath<Living, Int>, _ change: Int) {
        living.withLock { $0[keyPath: kind] += change }
    }

    /// Ends the context, or throws what it still owns.
    func close() throws(DeviceError) {
        let left = living.withLock { $0 }
        guard left.streams + left.events + left.buffers == 0 else {
            throw DeviceError(
                .notReleased, operation: "context_destroy",
                text:
                    "A context of \(device.name) still owns \(left.streams) streams, \(left.events) events and "
                    + "\(left.buffers) buffers.")
        }
        device.contextWasClosed()
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
}
