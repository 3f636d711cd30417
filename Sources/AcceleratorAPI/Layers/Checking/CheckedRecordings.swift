// The recordings and profiling groups through the checking layer: a recording knows what its work uses, and is not
// submitted when some of that is gone.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared
private let recordings = unsafe CheckedGroup(kind: HENG_KIND_RECORDING_TABLE, name: "recordings") {
    unsafe heng_recording_table()
}
private let profiles = unsafe CheckedGroup(kind: HENG_KIND_PROFILE_TABLE, name: "profiles") {
    unsafe heng_profile_table()
}

func makeCheckedRecordings() -> heng_recording_table {
    var table = unsafe heng_recording_table()
    unsafe table.header = unsafe StructCrossing.header(
        HENG_KIND_RECORDING_TABLE, of: heng_recording_table.self)
    unsafe addMaking(&table)
    unsafe addUsing(&table)
    return unsafe table
}

private func addMaking(_ table: inout heng_recording_table) {
    unsafe table.recording_begin = { stream, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "recording_begin", as: "stream")
            try refuseWhileRecording(object, "recording_begin")
            try unsafe recordings.call(object, "recording_begin", \.recording_begin) {
                unsafe $0(object.inner, $1)
            }
            objects.update(object.number) { $0.recording = .on(uses: []) }
        }
    }
    unsafe table.recording_end = { stream, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "recording_end", as: "stream")
            let target = try unsafe place(result, "recording_end")
            if case .off = object.recording {
                throw DeviceError(
                    .misuse, operation: "recording_end", text: "The stream's work is not being recorded.")
            }
            var made: OpaquePointer?
            do throws(DeviceError) {
                try unsafe recordings.call(object, "recording_end", \.recording_end) {
                    unsafe $0(object.inner, &made, $1)
                }
            } catch {
                // Whether the stream still records is the maker's to say from here on.
                objects.update(object.number) { $0.recording = .unknown }
                throw error
            }
            let uses = objects.update(object.number) { object -> [UInt] in
                defer { object.recording = .off }
                if case .on(let uses) = object.recording { return uses }
                return []
            }
            unsafe target.pointee = try unsafe register(
                .recording(uses: uses ?? []), made, in: OpaquePointer(bitPattern: object.owner),
                "recording_end")
        }
    }
}

private func addUsing(_ table: inout heng_recording_table) {
    unsafe table.recording_count = { recording, count, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(recording, "recording_count", as: "recording")
            let target = try unsafe place(count, "recording_count")
            try unsafe recordings.call(object, "recording_count", \.recording_count) {
                unsafe $0(object.inner, target, $1)
            }
        }
    }
    unsafe table.recording_submit = { recording, stream, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(recording, "recording_submit", as: "recording")
            let lane = try unsafe objects.find(stream, "recording_submit", as: "stream")
            try checkSameDevice(object, lane, "recording_submit")
            guard case .recording(let uses) = object.kind else { return }
            guard objects.areLiving(uses) else {
                throw DeviceError(
                    .misuse, operation: "recording_submit",
                    text: "A recording is submitted, and something that its work uses was destroyed.")
            }
            unsafe objects.noteWork(in: stream, using: uses)
            try unsafe recordings.call(object, "recording_submit", \.recording_submit) {
                unsafe $0(object.inner, lane.inner, correlation, $1)
            }
        }
    }
    unsafe table.recording_destroy = { recording, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(recording, "recording_destroy", as: "recording")
            try unsafe recordings.call(object, "recording_destroy", \.recording_destroy) {
                unsafe $0(object.inner, $1)
            }
            objects.remove(object.number)
        }
    }
}

// MARK: - Profiling

func makeCheckedProfiles() -> heng_profile_table {
    var table = unsafe heng_profile_table()
    unsafe table.header = unsafe StructCrossing.header(HENG_KIND_PROFILE_TABLE, of: heng_profile_table.self)
    unsafe table.profile_start = { context, arguments, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "profile_start", as: "context")
            try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_PROFILE_ARGUMENTS, "profile_start")
            try unsafe profiles.call(object, "profile_start", \.profile_start) {
                unsafe $0(object.inner, arguments, $1)
            }
        }
    }
    unsafe table.profile_stop = { context, error in
        unsafe profiles.forward(context, as: "context", "profile_stop", to: error, \.profile_stop) {
            unsafe $0($1, $2)
        }
    }
    unsafe table.profile_read = { context, records, capacity, count, dropped, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "profile_read", as: "context")
            let target = try unsafe place(count, "profile_read")
            guard unsafe capacity == 0 || records != nil else {
                throw invalid("profile_read", "profile_read has no place for its records.")
            }
            try unsafe profiles.call(object, "profile_read", \.profile_read) {
                unsafe $0(object.inner, records, capacity, target, dropped, $1)
            }
        }
    }
    unsafe addNames(&table)
    return unsafe table
}

private func addNames(_ table: inout heng_profile_table) {
    unsafe table.range_begin = { stream, name, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "range_begin", as: "stream")
            try unsafe checkName(name, "range_begin")
            try unsafe profiles.call(object, "range_begin", \.range_begin) {
                unsafe $0(object.inner, name, correlation, $1)
            }
            objects.update(object.number) { $0.openRanges += 1 }
        }
    }
    unsafe table.range_end = { stream, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "range_end", as: "stream")
            guard object.openRanges > 0 else {
                throw DeviceError(
                    .misuse, operation: "range_end", text: "No range is open in the stream.")
            }
            try unsafe profiles.call(object, "range_end", \.range_end) { unsafe $0(object.inner, $1) }
            objects.update(object.number) { $0.openRanges -= 1 }
        }
    }
    unsafe table.mark = { stream, name, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "mark", as: "stream")
            try unsafe checkName(name, "mark")
            try unsafe profiles.call(object, "mark", \.mark) {
                unsafe $0(object.inner, name, correlation, $1)
            }
        }
    }
}
