internal import AcceleratorAPI
internal import CHengAccelerator

/// What the caller's structs say, checked.
enum Arguments {
    /// A struct of the caller's: there, of its kind, with a size, without extensions that must be known.
    static func read<Value>(
        _ pointer: UnsafePointer<Value>?, _ kind: Int, _ zero: Value, _ operation: String,
        known: [UInt32] = []
    ) throws(DeviceError) -> Value {
        try unsafe checkHeader(pointer, kind, operation, known: known)
        guard let value = unsafe StructCrossing.read(pointer, zero: zero) else { throw noSize(operation) }
        return value
    }

    /// Fills a struct of the caller's.
    static func fill<Value>(
        _ pointer: UnsafeMutablePointer<Value>?, _ kind: Int, with value: Value, _ operation: String
    ) throws(DeviceError) {
        try unsafe checkHeader(pointer.map { unsafe UnsafePointer($0) }, kind, operation)
        guard let pointer = unsafe pointer, unsafe StructCrossing.fill(pointer, with: value) else {
            throw noSize(operation)
        }
    }

    static func checkHeader<Value>(
        _ pointer: UnsafePointer<Value>?, _ kind: Int, _ operation: String, known: [UInt32] = []
    ) throws(DeviceError) {
        guard let pointer = unsafe pointer else { throw invalid(operation, "\(operation) got no struct.") }
        let header = unsafe UnsafeRawPointer(pointer).load(as: heng_header.self)
        guard unsafe header.struct_size >= UInt32(MemoryLayout<heng_header>.size) else {
            throw noSize(operation)
        }
        guard unsafe header.struct_kind == UInt32(kind) else {
            throw invalid(
                operation, "\(operation) got a struct of kind \(unsafe header.struct_kind), not \(kind).")
        }
        if let unknown = unsafe StructCrossing.unknownMandatory(after: header, known: known) {
            throw DeviceError(
                .unsupported, operation: operation,
                text: "Simulated devices do not know the mandatory extension \(unknown).")
        }
    }

    private static func noSize(_ operation: String) -> DeviceError {
        DeviceError(
            .version, operation: operation, text: "The struct_size given to \(operation) is not set.")
    }

    static func place<Value>(
        _ pointer: UnsafeMutablePointer<Value>?, _ operation: String
    ) throws(DeviceError) -> UnsafeMutablePointer<Value> {
        guard let pointer = unsafe pointer else {
            throw invalid(operation, "\(operation) has no place for its result.")
        }
        return unsafe pointer
    }

    /// The size of the buffer that is wanted.
    static func size(
        _ arguments: UnsafePointer<heng_buffer_arguments>?, _ operation: String
    ) throws(DeviceError) -> UInt64 {
        let arguments = try unsafe read(
            arguments, HENG_KIND_BUFFER_ARGUMENTS, heng_buffer_arguments(), operation)
        let size = unsafe arguments.size
        guard size > 0 else { throw invalid(operation, "A buffer needs at least one byte.") }
        let pages = unsafe arguments.pages & ~Int32(HENG_PAGES_PEER)
        guard (0...Int32(HENG_PAGES_HUGE_ONLY)).contains(pages) else {
            throw invalid(operation, "There is no page policy \(unsafe arguments.pages).")
        }
        return size
    }
}
