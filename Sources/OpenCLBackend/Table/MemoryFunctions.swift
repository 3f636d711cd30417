internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension OpenCLTable {
    static func addMemoryFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.buffer_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "buffer_allocate")
                let target = try unsafe place(result, "buffer_allocate")
                let size = try unsafe OpenCLTable.size(arguments, "buffer_allocate")
                unsafe target.pointee = unsafe handle(
                    try OpenCLBuffer(in: context, size: size, "buffer_allocate"))
            }
        }
        unsafe table.buffer_free = { buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(buffer, OpenCLBuffer.self, "buffer_free").free()
                unsafe release(buffer, OpenCLBuffer.self)
            }
        }
        unsafe table.buffer_host_address = { buffer, _, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(buffer, OpenCLBuffer.self, "buffer_host_address")
                throw DeviceError(
                    .unsupported, operation: "buffer_host_address",
                    text: "The host cannot reach the buffers of an OpenCL device.")
            }
        }
        unsafe table.stream_allocate = { stream, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_allocate")
                let target = try unsafe place(result, "stream_allocate")
                let size = try unsafe OpenCLTable.size(arguments, "stream_allocate")
                try stream.mayAllocate()
                unsafe target.pointee = unsafe handle(
                    try OpenCLBuffer(in: stream.context, size: size, "stream_allocate"))
            }
        }
        unsafe table.stream_free = { stream, buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_free")
                let object = try unsafe object(buffer, OpenCLBuffer.self, "stream_free")
                guard object.context === stream.context else {
                    throw DeviceError(
                        .wrongOwner, operation: "stream_free", text: "The buffer belongs to another context.")
                }
                try stream.submit(.free(object), 0, "stream_free")
                unsafe release(buffer, OpenCLBuffer.self)
            }
        }
        unsafe table.host_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "host_allocate")
                let target = try unsafe place(result, "host_allocate")
                let size = try unsafe OpenCLTable.size(arguments, "host_allocate")
                unsafe target.pointee = try unsafe context.allocateHost(size)
            }
        }
        unsafe table.host_free = { context, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, OpenCLContext.self, "host_free").freeHost(address)
            }
        }
    }

    /// The size that a caller wants, after a look at the rest.
    private static func size(
        _ arguments: UnsafePointer<heng_buffer_arguments>?, _ operation: StaticString
    ) throws(DeviceError) -> Int {
        var zero = unsafe heng_buffer_arguments()
        unsafe zero.numa_node = -1
        guard let arguments = unsafe StructCrossing.read(arguments, zero: zero), unsafe arguments.size > 0
        else {
            throw invalid(
                "\(operation)", "Memory needs arguments with struct_size set and at least one byte.")
        }
        let pages = unsafe arguments.pages
        guard pages & ~Int32(HENG_PAGES_PEER) >= 0,
            pages & ~Int32(HENG_PAGES_PEER) <= Int32(HENG_PAGES_HUGE_ONLY)
        else { throw invalid("\(operation)", "There is no page policy \(pages).") }
        guard pages & Int32(HENG_PAGES_PEER) == 0, pages != Int32(HENG_PAGES_HUGE_ONLY) else {
            throw DeviceError(
                .unsupported, operation: "\(operation)",
                text: "OpenCL promises no huge pages, and no memory that other devices reach.")
        }
        return unsafe Int(clamping: arguments.size)
    }
}

extension OpenCLStream {
    /// Throws where memory cannot be made in the stream now.
    func mayAllocate() throws(DeviceError) {
        if isRecording {
            throw DeviceError(
                .misuse, operation: "stream_allocate", text: "A recording cannot hold an allocation.")
        }
    }
}
