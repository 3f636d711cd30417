internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension CUDADevices {
    static func addEventFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.event_create = { context, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "event_create")
                let target = try unsafe place(result, "event_create")
                unsafe target.pointee = unsafe handle(try CUDAEvent(in: context))
            }
        }
        unsafe table.event_destroy = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, CUDAEvent.self, "event_destroy").close()
                unsafe release(event, CUDAEvent.self)
            }
        }
        unsafe table.event_record = { event, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, CUDAEvent.self, "event_record")
                try event.record(in: unsafe object(stream, CUDAStream.self, "event_record"))
            }
        }
        unsafe table.event_query = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, CUDAEvent.self, "event_query")
                let target = try unsafe place(complete, "event_query")
                unsafe target.pointee = try event.isComplete("event_query") ? 1 : 0
            }
        }
        unsafe table.event_synchronize = { event, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, CUDAEvent.self, "event_synchronize")
                    .synchronize(milliseconds: milliseconds)
            }
        }
        unsafe table.event_elapsed = { start, end, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let start = try unsafe object(start, CUDAEvent.self, "event_elapsed")
                let end = try unsafe object(end, CUDAEvent.self, "event_elapsed")
                let target = try unsafe place(milliseconds, "event_elapsed")
                unsafe target.pointee = try start.elapsed(to: end)
            }
        }
        unsafe table.event_reset = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, CUDAEvent.self, "event_reset").reset()
            }
        }
        unsafe table.event_query_waits = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, CUDAEvent.self, "event_query_waits")
                let target = try unsafe place(complete, "event_query_waits")
                unsafe target.pointee = try event.areWaitsOver() ? 1 : 0
            }
        }
    }

    static func addBufferFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.buffer_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "buffer_allocate")
                let target = try unsafe place(result, "buffer_allocate")
                let size = try unsafe CUDADevices.size(arguments, "buffer_allocate")
                unsafe target.pointee = unsafe handle(
                    try CUDABuffer(in: context, size: size, "buffer_allocate"))
            }
        }
        unsafe table.buffer_free = { buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(buffer, CUDABuffer.self, "buffer_free").close(in: nil, "buffer_free")
                unsafe release(buffer, CUDABuffer.self)
            }
        }
        unsafe table.buffer_host_address = { buffer, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(buffer, CUDABuffer.self, "buffer_host_address")
                throw DeviceError(
                    .unsupported, operation: "buffer_host_address",
                    text: "The host does not reach the memory of a CUDA device.")
            }
        }
        unsafe table.stream_allocate = { stream, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_allocate")
                let target = try unsafe place(result, "stream_allocate")
                let size = try unsafe CUDADevices.size(arguments, "stream_allocate")
                try stream.readyForMemory("stream_allocate")
                unsafe target.pointee = unsafe handle(
                    try CUDABuffer(in: stream.context, size: size, in: stream, "stream_allocate"))
            }
        }
        unsafe table.stream_free = { stream, buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_free")
                let object = try unsafe object(buffer, CUDABuffer.self, "stream_free")
                try stream.readyForMemory("stream_free")
                _ = try object.address(0, 0, for: stream, "stream_free")
                try object.close(in: stream, "stream_free")
                unsafe release(buffer, CUDABuffer.self)
            }
        }
    }
}

extension CUDAStream {
    /// Whether memory may come and go in the stream's order.
    func readyForMemory(_ operation: StaticString) throws(DeviceError) {
        try enter(operation)
        try refuseWhileRecording(operation)
        guard device.facts.hasPools else {
            throw DeviceError(
                .unsupported, operation: "\(operation)", text: "\(device.name) has no memory pools.")
        }
        if let failure = failures.current { throw failure }
    }
}
