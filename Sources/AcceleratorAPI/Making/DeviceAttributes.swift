internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// A device's further facts by name, as C strings that live as long as this.
@safe package final class DeviceAttributes: @unchecked Sendable {
    // Unchecked: written once.
    private let facts: [(key: UnsafeMutablePointer<CChar>?, value: UnsafeMutablePointer<CChar>?)]

    package init(_ facts: [(key: String, value: String)]) {
        unsafe self.facts = unsafe facts.map { unsafe (strdup($0.key), strdup($0.value)) }
    }

    deinit {
        for index in unsafe facts.indices {
            unsafe free(facts[index].key)
            unsafe free(facts[index].value)
        }
    }

    /// `device_attribute`: gives fact number `index` to the caller's places.
    package func read(
        _ index: UInt32, _ key: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
        _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    ) throws(DeviceError) {
        let (key, value) = try unsafe (place(key, "device_attribute"), place(value, "device_attribute"))
        guard unsafe index < facts.count else {
            throw DeviceError(
                .outOfRange, operation: "device_attribute",
                text: "The device has \(unsafe facts.count) attributes.")
        }
        unsafe key.pointee = unsafe UnsafePointer(facts[Int(index)].key)
        unsafe value.pointee = unsafe UnsafePointer(facts[Int(index)].value)
    }
}
