internal import AcceleratorAPI

/// A buffer of a simulated device.
@safe final class SimulatedBuffer: OwnedObject, @unchecked Sendable {
    // Unchecked: guarded by the device's monitor.
    static let kindName = "a buffer"

    let context: SimulatedContext
    let epoch: UInt64
    let size: Int
    /// Nil once it is freed.
    private(set) var storage: Storage?

    init(in context: SimulatedContext, size: Int, storage: Storage) {
        self.context = context
        epoch = context.epoch
        self.size = size
        self.storage = storage
        context.living.buffers += 1
    }

    /// Gives the memory back; a leak keeps it in the account.
    func free(isLeak: Bool = false) {
        guard let storage else { return }
        self.storage = nil
        guard !isLeak else { return }
        context.living.buffers -= 1
        if epoch == context.epoch, !context.isDead { context.free(storage) }
    }
}
