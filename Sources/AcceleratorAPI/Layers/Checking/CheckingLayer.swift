// The checking layer: a table over another table that checks what the maker's own functions need not check.
//
// It hands out handles of its own, numbers that grow and are never used again, and keeps for each what it stands
// for. So a handle that is null, invented, of another kind or already destroyed is always recognised, even where
// the maker has given the same address to a new object. It checks arguments, ranges, owners and life cycles before
// anything reaches the maker, and its errors name the call.

internal import CHengAccelerator
internal import Essentials
internal import Synchronization

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
        return try unsafe Device(
            table: table(over: base.table), handle: made(handle), index: base.id.index, wrapping: base)
    }

    /// Whether HENG_CHECK=1 asks for the layer around every device.
    package static let isRequested = unsafe getenv("HENG_CHECK").map { unsafe String(cString: $0) } == "1"

    /// The layer's table with those groups that the maker has and the layer can check.
    private static func table(over base: DeviceTable) -> DeviceTable {
        let kinds = CheckedGroups.kinds.filter { unsafe base.group($0) != nil }
        return tables.withLock { tables in
            if let known = tables[kinds] { return known }
            var groups: [Int: UnsafePointer<heng_header>] = unsafe [:]
            for kind in kinds { unsafe groups[kind] = unsafe CheckedGroups.table(kind) }
            let made = unsafe DeviceTable(owning: makeCheckedTable(), layerGroups: groups)
            tables[kinds] = made
            return made
        }
    }

    /// By the groups that they have.
    private static let tables = Mutex<[[Int]: DeviceTable]>([:])

    private static func made(_ handle: OpaquePointer?) throws(DeviceError) -> OpaquePointer {
        guard let handle = unsafe handle else { throw invalid("device_get", "No handle could be made.") }
        return unsafe handle
    }
}
