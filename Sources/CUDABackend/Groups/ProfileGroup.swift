internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

enum CUDAProfileGroup {
    private static let table = unsafe GroupTable(makeTable())
    static var header: UnsafePointer<heng_header> { unsafe table.header }

    private static func makeTable() -> heng_profile_table {
        var table = unsafe heng_profile_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_PROFILE_TABLE, of: heng_profile_table.self)
        unsafe table.profile_start = { context, arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "profile_start")
                let given = unsafe StructCrossing.read(arguments, zero: heng_profile_arguments())
                let capacity = unsafe given?.capacity ?? 0
                try context.startProfile { () throws(DeviceError) in
                    try CUDAProfiler(context, capacity: capacity == 0 ? 1 << 16 : capacity)
                }
            }
        }
        unsafe table.profile_stop = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "profile_stop")
                guard context.stopProfile() else {
                    throw CUDAProfileGroup.notStarted("profile_stop", context)
                }
            }
        }
        unsafe table.profile_read = { context, records, capacity, count, dropped, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "profile_read")
                let target = try unsafe place(count, "profile_read")
                guard let profiler = context.profiler else {
                    throw CUDAProfileGroup.notStarted("profile_read", context)
                }
                let read = try unsafe profiler.read(records, Int(clamping: capacity))
                unsafe target.pointee = UInt64(read.count)
                if let dropped = unsafe dropped { unsafe dropped.pointee = read.dropped }
            }
        }
        unsafe addNames(&table)
        return unsafe table
    }

    private static func addNames(_ table: inout heng_profile_table) {
        unsafe table.range_begin = { stream, name, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "range_begin")
                let name = try unsafe CUDAProfileGroup.text(name, "range_begin")
                try stream.enter("range_begin")
                // Without a profile the range is only counted, so that its end finds it.
                let event = try stream.isRecording ? 0 : stream.context.profiler?.event(on: stream) ?? 0
                stream.withRanges {
                    $0.append(CUDAProfiler.Open(event: event, name: name, correlation: correlation))
                }
            }
        }
        unsafe table.range_end = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "range_end")
                try stream.enter("range_end")
                guard let open = stream.withRanges({ $0.popLast() }) else {
                    throw DeviceError(
                        .misuse, operation: "range_end", text: "No range is open in this stream.")
                }
                guard open.event != 0, let profiler = stream.context.profiler else { return }
                try profiler.range(open, on: stream)
            }
        }
        unsafe table.mark = { stream, name, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "mark")
                let name = try unsafe CUDAProfileGroup.text(name, "mark")
                try stream.enter("mark")
                guard !stream.isRecording, let profiler = stream.context.profiler else { return }
                try profiler.mark(name, correlation: correlation, on: stream)
            }
        }
    }

    private static func text(
        _ text: UnsafePointer<CChar>?, _ operation: StaticString
    ) throws(DeviceError) -> String {
        guard let text = unsafe text else { throw invalid("\(operation)", "\(operation) needs a name.") }
        return unsafe String(cString: text)
    }

    private static func notStarted(_ operation: String, _ context: CUDAContext) -> DeviceError {
        DeviceError(
            .misuse, operation: operation, text: "The context on \(context.device.name) is not profiled.")
    }
}
