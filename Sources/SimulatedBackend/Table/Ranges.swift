internal import AcceleratorAPI
internal import CHengAccelerator

// Ranges of the caller's as memory of work, checked. The monitor is held.

extension SimulatedDevice {
    /// The first `bytes` bytes of a range, for work on this device.
    func span(
        _ range: heng_range, bytes: UInt64, _ operation: String, onlyBuffers: Bool = false
    ) throws(DeviceError) -> MemorySpan {
        guard unsafe bytes <= range.size else {
            throw DeviceError(
                .outOfRange, operation: operation,
                text: "\(bytes) bytes are more than the capacity of \(unsafe range.size) given for them.")
        }
        guard let handle = unsafe range.buffer else {
            guard !onlyBuffers else {
                throw DeviceError(
                    .memoryType, operation: operation,
                    text: "\(operation) takes buffers of \(name), not memory of the host.")
            }
            return try unsafe hostSpan(range, bytes, operation)
        }
        guard unsafe range.host == nil else {
            throw invalid(operation, "A range names a buffer and host memory.")
        }
        let buffer = try unsafe Handles.find(handle, SimulatedBuffer.self, operation)
        return try unsafe span(of: buffer, range, bytes, operation)
    }

    private func hostSpan(
        _ range: heng_range, _ bytes: UInt64, _ operation: String
    ) throws(DeviceError) -> MemorySpan {
        guard let host = unsafe range.host else { throw invalid(operation, "A range names no memory.") }
        let place = UInt64(UInt(bitPattern: host))
        let (start, isOver) = unsafe place.addingReportingOverflow(range.offset)
        guard !isOver, !start.addingReportingOverflow(bytes).overflow, bytes <= UInt64(Int.max),
            let address = unsafe UnsafeMutableRawPointer(bitPattern: UInt(start))
        else {
            throw DeviceError(
                .outOfRange, operation: operation, text: "A range leaves the address space of the process.")
        }
        return unsafe MemorySpan(address: address, size: Int(bytes), storage: nil)
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
        let size = UInt64(buffer.size)
        guard unsafe range.offset <= size, unsafe range.size <= size - range.offset else {
            throw DeviceError(
                .outOfRange, operation: operation,
                text: "\(unsafe range.size) bytes from \(unsafe range.offset) leave a buffer of \(size).")
        }
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
