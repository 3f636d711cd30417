package import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The error object behind a `heng_error` of the tables that are written in Swift.
///
/// The error keeps its own C strings, so that they live as long as it does, as the header promises.
@safe private final class ErrorObject {
    let error: DeviceError
    let operation: UnsafeMutablePointer<CChar>
    let text: UnsafeMutablePointer<CChar>
    let node: UnsafeMutablePointer<CChar>?
    let operatorName: UnsafeMutablePointer<CChar>?

    init?(_ error: DeviceError) {
        guard let operation = unsafe strdup(error.operation) else { return nil }
        guard let text = unsafe strdup(error.text) else {
            unsafe free(operation)
            return nil
        }
        self.error = error
        unsafe self.operation = unsafe operation
        unsafe self.text = unsafe text
        unsafe node = error.node.flatMap { unsafe strdup($0) }
        unsafe operatorName = error.operatorName.flatMap { unsafe strdup($0) }
    }

    deinit {
        unsafe free(operation)
        unsafe free(text)
        unsafe free(node)
        unsafe free(operatorName)
    }
}

/// A place where a caller of the table wants the error object, or nil.
package typealias ErrorPlace = UnsafeMutablePointer<OpaquePointer?>

/// The crossing of errors between Swift and the C table: the only place that makes, reads and frees them.
package enum ErrorCrossing {
    /// Runs the body of a table function: a thrown error becomes a code and an error object at `place`.
    @inlinable
    package static func export(
        to place: ErrorPlace?, _ body: () throws(DeviceError) -> Void
    ) -> Int32 {
        do {
            try body()
            return 0
        } catch {
            return unsafe store(error, at: place)
        }
    }

    /// Stores an error object for the caller, who now owns it, and returns the code.
    @inline(never)
    package static func store(_ error: DeviceError, at place: ErrorPlace?) -> Int32 {
        if let place = unsafe place {
            unsafe place.pointee = ErrorObject(error).map {
                unsafe OpaquePointer(Unmanaged.passRetained($0).toOpaque())
            }
        }
        return error.code.rawValue
    }

    /// `error_describe` for every table written in Swift.
    package static let describe:
        @convention(c) (OpaquePointer?, UnsafeMutablePointer<heng_error_description>?) -> Int32 = {
            error, description in
            guard let error = unsafe error, let description = unsafe description else {
                return DeviceError.Code.invalidArgument.rawValue
            }
            let object = unsafe Unmanaged<ErrorObject>.fromOpaque(UnsafeRawPointer(error))
                .takeUnretainedValue()
            var full = unsafe heng_error_description()
            unsafe full.code = object.error.code.rawValue
            unsafe full.scope = object.error.scope.rawValue
            unsafe full.native_code = Int64(object.error.nativeCode)
            unsafe full.requested = UInt64(object.error.requested?.bytes ?? 0)
            unsafe full.available = UInt64(object.error.available?.bytes ?? 0)
            unsafe full.operation = UnsafePointer(object.operation)
            unsafe full.text = UnsafePointer(object.text)
            unsafe full.retriable = object.error.isRetriable ? 1 : 0
            unsafe full.correlation = object.error.correlation
            unsafe full.node = UnsafePointer(object.node)
            unsafe full.operator_name = UnsafePointer(object.operatorName)
            return unsafe StructCrossing.fill(description, with: full) ? 0 : DeviceError.Code.version.rawValue
        }

    /// `error_destroy` for every table written in Swift.
    package static let destroy: @convention(c) (OpaquePointer?) -> Void = { error in
        guard let error = unsafe error else { return }
        unsafe Unmanaged<ErrorObject>.fromOpaque(UnsafeRawPointer(error)).release()
    }
}

/// The rules of structs that cross: sizes are the writer's, and nobody touches a byte beyond them.
package enum StructCrossing {
    /// Copies all but the header into the caller's struct, up to the size the caller set.
    ///
    /// False when that size is smaller than a header: then nothing is written.
    package static func fill<Value>(_ place: UnsafeMutablePointer<Value>, with full: Value) -> Bool {
        let headerSize = unsafe MemoryLayout<heng_header>.size
        let size = unsafe Int(UnsafeRawPointer(place).load(as: UInt32.self))
        guard size >= headerSize else { return false }
        unsafe withUnsafeBytes(of: full) { source in
            let bytes = min(size, source.count) - headerSize
            guard bytes > 0, let start = source.baseAddress else { return }
            unsafe (UnsafeMutableRawPointer(place) + headerSize).copyMemory(
                from: start + headerSize, byteCount: bytes)
        }
        return true
    }

    /// Reads a caller's struct: its fields up to the size it set, zeros beyond; nil for a null or a tiny one.
    package static func read<Value>(_ place: UnsafePointer<Value>?, zero: Value) -> Value? {
        guard let place = unsafe place else { return nil }
        let size = unsafe Int(UnsafeRawPointer(place).load(as: UInt32.self))
        guard unsafe size >= MemoryLayout<heng_header>.size else { return nil }
        var full = zero
        unsafe withUnsafeMutableBytes(of: &full) { target in
            guard let start = target.baseAddress else { return }
            unsafe start.copyMemory(from: place, byteCount: min(size, target.count))
        }
        return full
    }

    /// A header for a struct of ours.
    package static func header<Value>(_ kind: Int, of type: Value.Type) -> heng_header {
        unsafe heng_header(
            struct_size: UInt32(MemoryLayout<Value>.size), struct_kind: UInt32(kind), next: nil)
    }

    /// The first extension in a chain that must be understood and is not among `known`, by its kind.
    package static func unknownMandatory(after header: heng_header, known: [UInt32] = []) -> UInt32? {
        var next = unsafe header.next
        while let place = unsafe next {
            let link = unsafe place.load(as: heng_header.self)
            let kind = unsafe link.struct_kind
            if kind & HENG_KIND_MUST_UNDERSTAND != 0, !known.contains(kind) { return kind }
            unsafe next = unsafe link.next
        }
        return nil
    }
}
