internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// The groups of the CPU backend: recordings and profiling.
@safe enum CPUGroups {
    /// The table of a group, or the error that there is none.
    static func table(_ kind: Int) throws(DeviceError) -> UnsafePointer<heng_header> {
        switch kind {
        case HENG_KIND_RECORDING_TABLE: return unsafe recordings.header
        case HENG_KIND_PROFILE_TABLE: return unsafe profile.header
        default:
            throw DeviceError(
                .unsupported, operation: "group", text: "The CPU backend has no table of kind \(kind).")
        }
    }

    private static let recordings = unsafe GroupTable(makeRecordings())
    private static let profile = unsafe GroupTable(makeProfile())
}

extension CPUGroups {
    private static func makeRecordings() -> heng_recording_table {
        var table = unsafe heng_recording_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_RECORDING_TABLE, of: heng_recording_table.self)
        unsafe table.recording_begin = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, CPUStream.self, "recording_begin").beginRecording()
            }
        }
        unsafe table.recording_end = { stream, recording, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "recording_end")
                let target = try unsafe place(recording, "recording_end")
                unsafe target.pointee = try handle(stream.endRecording())
            }
        }
        unsafe table.recording_count = { recording, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let recording = try unsafe object(recording, CPURecording.self, "recording_count")
                try unsafe place(count, "recording_count").pointee = UInt64(recording.count)
            }
        }
        unsafe table.recording_submit = { recording, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let recording = try unsafe object(recording, CPURecording.self, "recording_submit")
                try unsafe object(stream, CPUStream.self, "recording_submit").replay(recording, correlation)
            }
        }
        unsafe table.recording_destroy = { recording, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(recording, CPURecording.self, "recording_destroy").context.living.count(
                    \.recordings, -1)
                unsafe release(recording, CPURecording.self)
            }
        }
        return unsafe table
    }

    private static func makeProfile() -> heng_profile_table {
        var table = unsafe heng_profile_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_PROFILE_TABLE, of: heng_profile_table.self)
        unsafe table.profile_start = { context, arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CPUContext.self, "profile_start")
                let full = try unsafe StructCrossing.demand(
                    arguments, heng_profile_arguments(), "profile_start")
                try context.profile.start(capacity: unsafe full.capacity)
            }
        }
        unsafe table.profile_stop = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CPUContext.self, "profile_stop").profile.stop()
            }
        }
        unsafe table.profile_read = { context, records, capacity, count, dropped, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CPUContext.self, "profile_read").profile.read(
                    records, capacity, count, dropped)
            }
        }
        unsafe table.range_begin = { stream, name, correlation, error in
            unsafe annotate(stream, .rangeBegin, name, correlation, "range_begin", error)
        }
        unsafe table.range_end = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, CPUStream.self, "range_end").annotate(.rangeEnd, "", 0)
            }
        }
        unsafe table.mark = { stream, name, correlation, error in
            unsafe annotate(stream, .mark, name, correlation, "mark", error)
        }
        return unsafe table
    }
}

private func annotate(
    _ stream: OpaquePointer?, _ kind: CommandKind, _ name: UnsafePointer<CChar>?, _ correlation: UInt64,
    _ operation: StaticString, _ error: ErrorPlace?
) -> Int32 {
    unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
        let stream = try unsafe object(stream, CPUStream.self, operation)
        guard let name = unsafe name else { throw invalid("\(operation)", "A name is null.") }
        try stream.annotate(kind, unsafe String(cString: name), correlation)
    }
}
