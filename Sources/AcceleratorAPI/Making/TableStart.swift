package import CHengAccelerator
internal import Essentials

extension heng_accelerator_table {
    /// A table of our interface's version without functions, but for those of errors, which are `ErrorCrossing`'s.
    ///
    /// Its strings are never freed, since a table lives as long as the process.
    package static func named(
        _ name: String, vendor: String? = nil, version: String? = nil
    ) -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_TABLE, of: heng_accelerator_table.self)
        unsafe table.abi_major = HENG_ACCELERATOR_MAJOR
        unsafe table.abi_minor = HENG_ACCELERATOR_MINOR
        unsafe table.name = cString(name)
        unsafe table.vendor = vendor.map { unsafe cString($0) }
        unsafe table.version = version.map { unsafe cString($0) }
        unsafe table.error_describe = unsafe ErrorCrossing.describe
        unsafe table.error_destroy = unsafe ErrorCrossing.destroy
        return unsafe table
    }
}

/// Keeps a group's table for the life of the process.
@safe package struct GroupTable: @unchecked Sendable {
    // Unchecked: the table is written once, before anyone else sees it.
    /// Where it starts, as `group` gives it.
    package let header: UnsafePointer<heng_header>

    package init<Table>(_ table: Table) {
        let place = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        unsafe header = UnsafeRawPointer(place).assumingMemoryBound(to: heng_header.self)
    }
}
