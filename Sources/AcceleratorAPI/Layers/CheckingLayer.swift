// The checking layer: a table over another table that checks what the maker's own functions need not check.
//
// It hands out handles of its own, numbers that grow and are never used again, and keeps for each what it stands
// for. So a handle that is null, invented, of another kind or already destroyed is always recognised, even where
// the maker has given the same address to a new object. It checks arguments, ranges, owners and life cycles before
// anything reaches the maker, and its errors name the call.

internal import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Puts checks around devices.
package enum CheckingLayer {
    /// The same device with every call checked.
    ///
    /// A checked call costs some hundred nanoseconds more; all else behaves as before.
    package static func wrap(_ base: Device) throws(DeviceError) -> Device {
        let handle = unsafe CheckedObjects.shared.add(
            CheckedObject(.device(base), inner: base.handle, owner: 0))
        let table = unsafe base.table.group(HENG_KIND_OPERATOR_TABLE) == nil ? plain : withOperators
        return try unsafe Device(table: table, handle: made(handle), index: base.id.index, wrapping: base)
    }

    /// Whether HENG_CHECK=1 asks for the layer around every device.
    package static let isRequested = unsafe getenv("HENG_CHECK").map { unsafe String(cString: $0) } == "1"

    private static let plain = unsafe DeviceTable(owning: makeCheckedTable(), layerGroups: [:])
    /// For devices whose backend offers operators.
    private static let withOperators = unsafe DeviceTable(
        owning: makeCheckedTable(), layerGroups: [HENG_KIND_OPERATOR_TABLE: makeCheckedOperators()])

    private static func made(_ handle: OpaquePointer?) throws(DeviceError) -> OpaquePointer {
        guard let handle = unsafe handle else { throw invalid("device_get", "No handle could be made.") }
        return unsafe handle
    }
}
