internal import CHengAccelerator
internal import Essentials

/// The record of one piece of work as it ran; times are of the monotonic clock.
package struct ProfileRecord: Hashable, Sendable, Codable {
    package enum Kind: Int32, Sendable, Codable {
        case launch = 1, copy, fill, `operator`, kernel, wait, range, mark
    }

    /// Nil for a kind that this version does not know.
    package var kind: Kind?
    package var name: String
    package var stream: UInt64
    package var correlation: UInt64
    package var begin: Int64
    package var end: Int64
    package var bytes: UInt64
}

extension DeviceContext {
    /// Begins to keep records of the context's work, at most so many at once.
    package borrowing func startProfile(capacity: Int) throws(DeviceError) {
        let group = try unsafe profileTable()
        var arguments = unsafe heng_profile_arguments()
        unsafe arguments.header = StructCrossing.header(
            HENG_KIND_PROFILE_ARGUMENTS, of: heng_profile_arguments.self)
        unsafe arguments.capacity = UInt64(max(0, capacity))
        try unsafe core.table.call(group.profile_start, "profile_start") {
            unsafe $0(core.handle, &arguments, $1)
        }
    }

    package borrowing func stopProfile() throws(DeviceError) {
        try unsafe core.table.call(profileTable().profile_stop, "profile_stop") {
            unsafe $0(core.handle, $1)
        }
    }

    /// Takes up to so many records of work that is done, oldest first, and how many were lost since the last call.
    package borrowing func readProfile(
        atMost limit: Int
    ) throws(DeviceError) -> (records: [ProfileRecord], dropped: UInt64) {
        let group = try unsafe profileTable()
        var raw = [heng_profile_record](repeating: heng_profile_record(), count: max(0, limit))
        var (count, dropped): (UInt64, UInt64) = (0, 0)
        try unsafe core.table.call(group.profile_read, "profile_read") { function, error in
            unsafe raw.withUnsafeMutableBufferPointer {
                unsafe function(core.handle, $0.baseAddress, UInt64($0.count), &count, &dropped, error)
            }
        }
        return (raw.prefix(Int(clamping: count)).map(ProfileRecord.init), dropped)
    }

    private borrowing func profileTable() throws(DeviceError) -> heng_profile_table {
        guard let group = unsafe ProfileRecord.functions(of: core.table) else {
            throw DeviceError(
                .unsupported, operation: "profile_start",
                text: "The backend \(core.table.name) keeps no records.")
        }
        return unsafe group
    }
}

extension DeviceStream {
    /// Names the work that the body submits.
    package borrowing func range<Result>(
        _ name: String, correlation: UInt64 = 0, _ body: (borrowing DeviceStream) throws -> Result
    ) throws -> Result {
        guard let group = unsafe ProfileRecord.functions(of: core.table) else { return try body(self) }
        try unsafe core.table.call(group.range_begin, "range_begin") {
            unsafe $0(handle, name, correlation, $1)
        }
        let result = try body(self)
        try unsafe core.table.call(group.range_end, "range_end") { unsafe $0(handle, $1) }
        return result
    }
}

extension ProfileRecord {
    init(_ raw: heng_profile_record) {
        kind = Kind(rawValue: raw.kind)
        name = unsafe withUnsafeBytes(of: raw.name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        stream = raw.stream
        correlation = raw.correlation
        begin = raw.begin
        end = raw.end
        bytes = raw.bytes
    }

    fileprivate static func functions(of table: DeviceTable) -> heng_profile_table? {
        guard let found = unsafe table.group(HENG_KIND_PROFILE_TABLE) else { return nil }
        return unsafe StructCrossing.read(
            UnsafeRawPointer(found).assumingMemoryBound(to: heng_profile_table.self),
            zero: heng_profile_table())
    }
}
