package import CHengAccelerator
internal import Essentials

/// Where a caller's range lies, after the checks that every device makes.
@safe package enum RangeMemory {
    /// Memory of the process, where the range starts.
    case host(UnsafeMutableRawPointer)
    /// The handle of a buffer; `checkFits` says whether the range lies in it.
    case buffer(OpaquePointer)

    /// Checks that `bytes` fit into the range's capacity, and that it names one memory.
    @inlinable
    package init(
        _ range: heng_range, bytes: UInt64, _ operation: @autoclosure () -> String
    ) throws(DeviceError) {
        guard unsafe bytes <= range.size else {
            throw unsafe RangeMemory.aboveCapacity(bytes, range.size, operation())
        }
        if let buffer = unsafe range.buffer {
            guard unsafe range.host == nil else {
                throw invalid(operation(), "A range names a buffer and host memory.")
            }
            unsafe self = .buffer(buffer)
            return
        }
        guard let host = unsafe range.host else {
            throw invalid(operation(), "A range names no memory.")
        }
        let (start, isBeyond) = unsafe UInt64(UInt(bitPattern: host)).addingReportingOverflow(range.offset)
        guard !isBeyond, !start.addingReportingOverflow(bytes).overflow,
            let address = unsafe UnsafeMutableRawPointer(bitPattern: UInt(start))
        else { throw RangeMemory.beyondMemory(operation()) }
        unsafe self = .host(address)
    }

    /// The same for a range that may be null.
    @inlinable
    package init(
        _ range: UnsafePointer<heng_range>?, bytes: UInt64, _ operation: @autoclosure () -> String
    ) throws(DeviceError) {
        guard let range = unsafe range else { throw invalid(operation(), "A range is null.") }
        try unsafe self.init(range.pointee, bytes: bytes, operation())
    }

    /// Throws where a range leaves its buffer of so many bytes.
    @inlinable
    package static func checkFits(
        offset: UInt64, size: UInt64, in buffer: UInt64, _ operation: @autoclosure () -> String
    ) throws(DeviceError) {
        guard offset <= buffer, size <= buffer - offset else {
            throw beyondBuffer(offset, size, buffer, operation())
        }
    }

    @usableFromInline
    package static func aboveCapacity(_ bytes: UInt64, _ capacity: UInt64, _ operation: String) -> DeviceError
    {
        DeviceError(
            .outOfRange, operation: operation,
            text: "\(bytes) bytes are more than the capacity of \(capacity) given for them.")
    }

    @usableFromInline
    package static func beyondMemory(_ operation: String) -> DeviceError {
        DeviceError(
            .outOfRange, operation: operation, text: "A range leaves the address space of the process.")
    }

    @usableFromInline
    package static func beyondBuffer(
        _ offset: UInt64, _ size: UInt64, _ buffer: UInt64, _ operation: String
    ) -> DeviceError {
        DeviceError(
            .outOfRange, operation: operation,
            text: "\(size) bytes from \(offset) leave a buffer of \(buffer).")
    }
}
