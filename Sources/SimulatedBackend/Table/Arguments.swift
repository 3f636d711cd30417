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
        return try unsafe StructCrossing.demand(pointer, zero, operation)
    }

    /// Fills a struct of the caller's.
    static func fill<Value>(
        _ pointer: UnsafeMutablePointer<Value>?, _ kind: Int, with value: Value, _ operation: StaticString
    ) throws(DeviceError) {
        try unsafe checkHeader(pointer.map { unsafe UnsafePointer($0) }, kind, "\(operation)")
        try unsafe deliver(value, to: pointer, operation)
    }

    static func checkHeader<Value>(
        _ pointer: UnsafePointer<Value>?, _ kind: Int, _ operation: String, known: [UInt32] = []
    ) throws(DeviceError) {
        try unsafe StructCrossing.checkHeader(pointer, kind, operation)
        if let pointer = unsafe pointer,
            let unknown = unsafe StructCrossing.unknownMandatory(
                after: UnsafeRawPointer(pointer).load(as: heng_header.self), known: known)
        {
            throw DeviceError(
                .unsupported, operation: operation,
                text: "Simulated devices do not know the mandatory extension \(unknown).")
        }
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
