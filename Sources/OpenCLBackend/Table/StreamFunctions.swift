internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension OpenCLTable {
    static func addStreamFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_create = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "stream_create")
                let target = try unsafe place(result, "stream_create")
                try unsafe OpenCLTable.check(arguments)
                unsafe target.pointee = unsafe handle(try OpenCLStream(in: context))
            }
        }
        unsafe table.stream_destroy = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let object = try unsafe object(stream, OpenCLStream.self, "stream_destroy")
                var failure: DeviceError?
                do throws(DeviceError) { try object.close() } catch { failure = error }
                if let failure, failure.code == .misuse { throw failure }
                unsafe release(stream, OpenCLStream.self)
                if let failure { throw failure }
            }
        }
        unsafe table.stream_synchronize = { stream, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, OpenCLStream.self, "stream_synchronize").synchronize(
                    milliseconds: milliseconds)
            }
        }
        unsafe table.stream_query = { stream, idle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_query")
                let target = try unsafe place(idle, "stream_query")
                unsafe target.pointee = try stream.isIdle() ? 1 : 0
            }
        }
        unsafe table.stream_wait_event = { stream, event, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_wait_event")
                let event = try unsafe object(event, OpenCLEvent.self, "stream_wait_event")
                try OpenCLTable.checkOwner(event, stream, "stream_wait_event")
                let record = try event.recorded("stream_wait_event")
                try stream.submit(.wait(record), correlation, "stream_wait_event")
            }
        }
    }

    static func checkOwner(
        _ event: OpenCLEvent, _ stream: OpenCLStream, _ operation: String
    ) throws(DeviceError) {
        guard event.context.device === stream.context.device else {
            throw DeviceError(
                .wrongOwner, operation: operation,
                text: "The event belongs to another device than the stream.")
        }
    }

    /// Refuses what streams of OpenCL cannot do.
    private static func check(_ arguments: UnsafePointer<heng_stream_arguments>?) throws(DeviceError) {
        guard unsafe arguments != nil else { return }
        guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_stream_arguments()) else {
            throw DeviceError(
                .version, operation: "stream_create", text: "The stream arguments' struct_size is not set.")
        }
        if let kind = unsafe StructCrossing.unknownMandatory(after: arguments.header) {
            throw unsupported("the mandatory extension \(kind)")
        }
        if unsafe arguments.cpu_count > 0 { throw unsupported("a choice of CPUs; use device_partition") }
        if unsafe arguments.priority != 0 { throw unsupported("a priority") }
        if unsafe arguments.work_milliseconds != 0 { throw unsupported("a limit of work time") }
        if unsafe arguments.continues != 0 { throw unsupported("to go on after a failure") }
    }

    private static func unsupported(_ what: String) -> DeviceError {
        DeviceError(
            .unsupported, operation: "stream_create",
            text: "Streams of OpenCL devices do not offer \(what).")
    }

    static func addWorkFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_launch = { stream, function, arguments, size, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe OpenCLTable.launch(
                    stream, function, nil, arguments, size, correlation, "stream_launch")
            }
        }
        unsafe table.stream_launch_fallible = { stream, function, arguments, size, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe OpenCLTable.launch(
                    stream, nil, function, arguments, size, correlation, "stream_launch_fallible")
            }
        }
    }

    private static func launch(
        _ stream: OpaquePointer?, _ plain: heng_host_function?, _ fallible: heng_fallible_host_function?,
        _ arguments: UnsafeRawPointer?, _ size: UInt32, _ correlation: UInt64, _ operation: StaticString
    ) throws(DeviceError) {
        let stream = try unsafe object(stream, OpenCLStream.self, operation)
        guard unsafe plain != nil || fallible != nil, size <= HENG_ARGUMENT_LIMIT,
            unsafe size == 0 || arguments != nil
        else {
            throw invalid(
                "\(operation)",
                "A launch needs a function and at most \(HENG_ARGUMENT_LIMIT) bytes of arguments.")
        }
        let function = unsafe HostFunction(plain: plain, fallible: fallible, arguments, Int(size))
        try stream.submit(.hostFunction(function), correlation, "\(operation)")
    }

    static func addCopyFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_copy = { stream, destination, source, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_copy")
                guard bytes > 0 else { return }
                let target = try unsafe RangePlace(
                    destination, bytes: bytes, in: stream.context, "stream_copy")
                let origin = try unsafe RangePlace(source, bytes: bytes, in: stream.context, "stream_copy")
                try stream.submit(CopyCommands.copy(target, origin, Int(bytes)), correlation, "stream_copy")
            }
        }
        unsafe table.stream_fill = { stream, destination, value, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_fill")
                guard bytes > 0 else { return }
                let target = try unsafe RangePlace(
                    destination, bytes: bytes, in: stream.context, "stream_fill")
                try stream.submit(CopyCommands.fill(target, Int(bytes), value), correlation, "stream_fill")
            }
        }
        unsafe table.stream_copy_block = {
            stream, destination, source, width, height, depth, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "stream_copy_block")
                guard var to = unsafe destination?.pointee, var from = unsafe source?.pointee else {
                    throw invalid("stream_copy_block", "A block is null.")
                }
                guard width > 0, height > 0, depth > 0 else { return }
                let toBytes = try unsafe to.settle(width: width, height: height, depth: depth)
                let fromBytes = try unsafe from.settle(width: width, height: height, depth: depth)
                let target = try unsafe RangePlace(
                    to.range, bytes: toBytes, in: stream.context, "stream_copy_block")
                let origin = try unsafe RangePlace(
                    from.range, bytes: fromBytes, in: stream.context, "stream_copy_block")
                let size = CopyCommands.BlockSize(
                    width: Int(width), height: Int(height), depth: Int(depth))
                let commands = try unsafe CopyCommands.blocks(
                    target, to, origin, from, size, toBytes, fromBytes)
                for command in commands {
                    try stream.submit(command, correlation, "stream_copy_block")
                }
            }
        }
    }
}
