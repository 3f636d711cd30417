internal import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials

extension OpenCLContext {
    /// What to add to the device's time to get the monotonic clock's: one marker, between two looks at the clock.
    func clockOffset() throws(DeviceError) -> Int64 {
        let queue = try ownQueue()
        var best: (width: Int64, offset: Int64)?
        for _ in 0..<5 {
            let before = TimePoint.monotonicNow().nanoseconds
            let marker = try opencl_enqueue_marker(queue, 0).get("profile_start", "No marker")
            _ = opencl_wait(marker)
            let after = TimePoint.monotonicNow().nanoseconds
            let time = opencl_event_time(marker, UInt32(OPENCL_PROFILING_COMMAND_END))
            _ = opencl_release_event(marker)
            try OpenCLStatus.check(time.status, "profile_start", "The device tells no time")
            if after - before < best?.width ?? .max {
                best = (after - before, (before + after) / 2 - Int64(clamping: time.value))
            }
        }
        return best?.offset ?? 0
    }

    /// Lets the context's streams tell what they have done.
    func refreshStreams() {
        for stream in device.streams where stream.context === self { stream.refresh() }
    }
}

enum ProfileFunctions {
    static func make() -> heng_profile_table {
        var table = unsafe heng_profile_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_PROFILE_TABLE, of: heng_profile_table.self)
        unsafe addRecords(&table)
        unsafe addRanges(&table)
        return unsafe table
    }

    private static func addRecords(_ table: inout heng_profile_table) {
        unsafe table.profile_start = { context, arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "profile_start")
                let full = try unsafe StructCrossing.demand(
                    arguments, heng_profile_arguments(), "profile_start")
                let offset = try context.clockOffset()
                context.refreshStreams()
                try context.profile.start(capacity: unsafe full.capacity, offset: offset)
            }
        }
        unsafe table.profile_stop = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, OpenCLContext.self, "profile_stop").profile.stop()
            }
        }
        unsafe table.profile_read = { context, records, capacity, count, dropped, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "profile_read")
                context.refreshStreams()
                try unsafe context.profile.read(records, capacity, count, dropped)
            }
        }
    }

    private static func addRanges(_ table: inout heng_profile_table) {
        unsafe table.range_begin = { stream, name, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "range_begin")
                guard let name = unsafe name else { throw invalid("range_begin", "A range needs a name.") }
                try stream.submit(.rangeBegin(unsafe String(cString: name)), correlation, "range_begin")
            }
        }
        unsafe table.range_end = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, OpenCLStream.self, "range_end").submit(.rangeEnd, 0, "range_end")
            }
        }
        unsafe table.mark = { stream, name, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "mark")
                guard let name = unsafe name else { throw invalid("mark", "A mark needs a name.") }
                try stream.submit(.mark(unsafe String(cString: name)), correlation, "mark")
            }
        }
    }
}
