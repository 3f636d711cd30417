// What every table written in Swift does at its border: handles to objects and back, places for results.

internal import Essentials

/// An error of class `invalidArgument`.
package func invalid(_ operation: String, _ text: String) -> DeviceError {
    DeviceError(.invalidArgument, operation: operation, text: text)
}

/// The object behind a handle, borrowed: the caller of the table keeps it alive.
@inline(__always)
package func object<Object: AnyObject>(
    _ handle: OpaquePointer?, _ type: Object.Type, _ operation: StaticString
) throws(DeviceError) -> Object {
    guard let handle = unsafe handle else {
        throw invalid("\(operation)", "A handle given to \(operation) is null.")
    }
    return unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

/// A handle for a new object, which the caller of the table now owns.
package func handle(_ object: some AnyObject) -> OpaquePointer {
    unsafe OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// Ends the caller's ownership.
package func release<Object: AnyObject>(_ handle: OpaquePointer?, _ type: Object.Type) {
    guard let handle = unsafe handle else { return }
    unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}

/// A place for a result, or the error that there is none.
package func place<Value>(
    _ pointer: UnsafeMutablePointer<Value>?, _ operation: StaticString
) throws(DeviceError) -> UnsafeMutablePointer<Value> {
    guard let pointer = unsafe pointer else {
        throw invalid("\(operation)", "\(operation) has no place for its result.")
    }
    return unsafe pointer
}

/// A C string that is never freed.
package func cString(_ text: String) -> UnsafePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let place = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    unsafe place.initialize(from: bytes, count: bytes.count)
    return unsafe UnsafePointer(place)
}
