internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension OpenCLTable {
    static func addEventFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.event_create = { context, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "event_create")
                let target = try unsafe place(result, "event_create")
                context.living.count(\.events, 1)
                unsafe target.pointee = unsafe handle(OpenCLEvent(in: context))
            }
        }
        unsafe table.event_destroy = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, OpenCLEvent.self, "event_destroy").context.living.count(\.events, -1)
                unsafe release(event, OpenCLEvent.self)
            }
        }
        unsafe table.event_record = { event, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, OpenCLEvent.self, "event_record")
                let stream = try unsafe object(stream, OpenCLStream.self, "event_record")
                try OpenCLTable.checkOwner(event, stream, "event_record")
                try OpenCLTable.record(event, stream, correlation)
            }
        }
        unsafe table.event_query = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, OpenCLEvent.self, "event_query")
                let target = try unsafe place(complete, "event_query")
                unsafe target.pointee = try event.isComplete() ? 1 : 0
            }
        }
        unsafe table.event_query_waits = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, OpenCLEvent.self, "event_query_waits")
                let target = try unsafe place(complete, "event_query_waits")
                unsafe target.pointee = event.latest?.waitsAreOver ?? true ? 1 : 0
            }
        }
        unsafe table.event_synchronize = { event, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, OpenCLEvent.self, "event_synchronize").synchronize(
                    milliseconds: milliseconds)
            }
        }
        unsafe table.event_elapsed = { start, end, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let start = try unsafe object(start, OpenCLEvent.self, "event_elapsed")
                let end = try unsafe object(end, OpenCLEvent.self, "event_elapsed")
                let target = try unsafe place(milliseconds, "event_elapsed")
                let (from, to) = (try start.nanoseconds(), try end.nanoseconds())
                unsafe target.pointee = Double(to - from) / 1e6
            }
        }
        unsafe table.event_reset = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, OpenCLEvent.self, "event_reset").reset()
            }
        }
    }

    private static func record(
        _ event: OpenCLEvent, _ stream: OpenCLStream, _ correlation: UInt64
    ) throws(DeviceError) {
        let next = EventRecord(in: stream)
        let last = event.replace(with: next)
        do throws(DeviceError) {
            try stream.submit(.record(next, after: last), correlation, "event_record")
        } catch {
            event.restore(last, insteadOf: next)
            throw error
        }
    }
}
