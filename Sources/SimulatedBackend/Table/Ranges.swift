internal import AcceleratorAPI
internal import CHengAccelerator

// Ranges of the caller's as memory of work, checked. The monitor is held.

extension SimulatedDevice {
    /// The first `bytes` bytes of a range, for work on this device.
    func span(
        _ range: heng_range, bytes: UInt64, _ operation: String, onlyBuffers: Bool = false
    ) throws(DeviceError) -> MemorySpan {
        switch try unsafe RangeMemory(range, bytes: bytes, operation) {
        case .host(let address):
            guard !onlyBuffers else {
                throw DeviceError(
                    .memoryType, operation: operation,
                    text: "\(operation) takes buffers of \(name), not memory of the host.")
            }
            return unsafe MemorySpan(address: address, size: Int(bytes), storage: nil)
        case .buffer(let handle):
            let buffer = try unsafe Handles.find(handle, SimulatedBuffer.self, operation)
            return try unsafe span(of: buffer, range, bytes, operation)
        }
    }

    private func span(
        of buffer: SimulatedBuffer, _ range: heng_range, _ bytes: UInt64, _ operation: String
    ) throws(DeviceError) -> MemorySpan {
        try checkOwner(buffer, operation)
        try check(buffer, operation)
        guard let storage = buffer.storage else {
            throw DeviceError(
                .invalidHandle, operation: operation, text: "A buffer given to \(operation) was freed.")
        }
        try RangeMemory.checkFits(
            offset: unsafe range.offset, size: unsafe range.size, in: UInt64(buffer.size), operation)
        let offset = unsafe Int(range.offset)
        guard bytes == 0 || offset % settings.copyAlignment == 0 else {
            throw DeviceError(
                .alignment, operation: operation,
                text: "The offset \(offset) is not a multiple of \(settings.copyAlignment), as \(name) wants."
            )
        }
        return unsafe MemorySpan(address: storage.address + offset, size: Int(bytes), storage: storage)
    }

    /// Refuses what belongs to another device.
    func checkOwner(_ object: any OwnedObject, _ operation: String) throws(DeviceError) {
        guard object.context.device === self else {
            throw DeviceError(
                .wrongOwner, operation: operation,
                text: "\(operation) for \(name) got \(Swift.type(of: object).kindName) of another device.")
        }
    }
}
