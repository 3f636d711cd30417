internal import CHengAccelerator
internal import Essentials

extension StructCrossing {
    /// A struct of the caller's: there, with a size, and of its kind.
    package static func checkHeader<Value>(
        _ pointer: UnsafePointer<Value>?, _ kind: Int, _ operation: @autoclosure () -> String
    ) throws(DeviceError) {
        guard let pointer = unsafe pointer else {
            throw invalid(operation(), "\(operation()) got no struct.")
        }
        let header = unsafe UnsafeRawPointer(pointer).load(as: heng_header.self)
        guard unsafe header.struct_size >= UInt32(MemoryLayout<heng_header>.size) else {
            throw withoutSize(operation())
        }
        guard unsafe header.struct_kind == UInt32(kind) else {
            throw invalid(
                operation(),
                "\(operation()) got a struct of kind \(unsafe header.struct_kind), not \(kind).")
        }
    }

    /// Reads a caller's struct as `read` does, or throws that its size is not set.
    package static func demand<Value>(
        _ pointer: UnsafePointer<Value>?, _ zero: Value, _ operation: @autoclosure () -> String
    ) throws(DeviceError) -> Value {
        guard let value = unsafe read(pointer, zero: zero) else { throw withoutSize(operation()) }
        return value
    }

    fileprivate static func withoutSize(_ operation: String) -> DeviceError {
        DeviceError(
            .version, operation: operation, text: "The struct_size given to \(operation) is not set.")
    }
}

/// Fills a caller's struct, or throws that there is none or that its size is not set.
package func deliver<Value>(
    _ value: Value, to pointer: UnsafeMutablePointer<Value>?, _ operation: StaticString
) throws(DeviceError) {
    guard unsafe StructCrossing.fill(try place(pointer, operation), with: value) else {
        throw StructCrossing.withoutSize("\(operation)")
    }
}
