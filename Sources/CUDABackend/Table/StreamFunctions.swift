internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension CUDADevices {
    static func addStreamFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_create = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "stream_create")
                let target = try unsafe place(result, "stream_create")
                let priority = try unsafe CUDADevices.priority(arguments)
                unsafe target.pointee = unsafe handle(try CUDAStream(in: context, priority: priority))
            }
        }
        unsafe table.stream_destroy = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                var failure: DeviceError?
                do throws(DeviceError) {
                    try unsafe object(stream, CUDAStream.self, "stream_destroy").close()
                } catch { failure = error }
                if let failure, failure.code == .misuse { throw failure }
                unsafe release(stream, CUDAStream.self)
                if let failure { throw failure }
            }
        }
        unsafe table.stream_synchronize = { stream, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, CUDAStream.self, "stream_synchronize")
                    .synchronize(milliseconds: milliseconds)
            }
        }
        unsafe table.stream_query = { stream, idle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_query")
                let target = try unsafe place(idle, "stream_query")
                try stream.refuseWhileRecording("stream_query")
                let isIdle = try stream.isIdle("stream_query")
                if let failure = stream.failures.current { throw failure }
                unsafe target.pointee = isIdle ? 1 : 0
            }
        }
        unsafe table.stream_wait_event = { stream, event, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_wait_event")
                let event = try unsafe object(event, CUDAEvent.self, "stream_wait_event")
                try event.hold(stream, correlation: correlation)
            }
        }
    }

    /// The priority that the arguments ask for, after the check that they ask for nothing else.
    private static func priority(
        _ arguments: UnsafePointer<heng_stream_arguments>?
    ) throws(DeviceError) -> Int32 {
        guard unsafe arguments != nil else { return 0 }
        guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_stream_arguments()) else {
            throw DeviceError(
                .version, operation: "stream_create", text: "The stream arguments' struct_size is not set.")
        }
        guard unsafe arguments.work_milliseconds == 0, unsafe arguments.continues == 0,
            unsafe arguments.cpu_count == 0
        else {
            throw DeviceError(
                .unsupported, operation: "stream_create",
                text: "Streams of CUDA devices take no CPUs, no limit of a work's time, and end at a failure."
            )
        }
        return unsafe arguments.priority
    }

    static func addWorkFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_launch = { stream, function, arguments, size, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe CUDADevices.launch(
                    stream, unsafeBitCast(function, to: UInt.self), arguments, size, correlation,
                    canFail: false)
            }
        }
        unsafe table.stream_launch_fallible = { stream, function, arguments, size, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe CUDADevices.launch(
                    stream, unsafeBitCast(function, to: UInt.self), arguments, size, correlation,
                    canFail: true)
            }
        }
        unsafe table.stream_copy = { stream, destination, source, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_copy")
                try stream.enter("stream_copy")
                guard bytes > 0 else { return }
                let target = try unsafe stream.place(of: destination, bytes: bytes, "stream_copy")
                let origin = try unsafe stream.place(of: source, bytes: bytes, "stream_copy")
                let work = CUDAWork(
                    operation: "stream_copy", kind: HENG_RECORD_COPY, correlation: correlation, bytes: bytes)
                try stream.submit(work) { () throws(DeviceError) in
                    try stream.copy(to: target, from: origin, bytes: bytes, "stream_copy")
                }
            }
        }
        unsafe table.stream_fill = { stream, destination, value, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_fill")
                try stream.enter("stream_fill")
                guard bytes > 0 else { return }
                let target = try unsafe stream.place(of: destination, bytes: bytes, "stream_fill")
                let work = CUDAWork(
                    operation: "stream_fill", kind: HENG_RECORD_FILL, correlation: correlation, bytes: bytes)
                try stream.submit(work) { () throws(DeviceError) in
                    try stream.fill(target, value: value, bytes: bytes, "stream_fill")
                }
            }
        }
        unsafe table.stream_copy_block = {
            stream, destination, source, width, height, depth, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "stream_copy_block")
                try stream.enter("stream_copy_block")
                let shape = (width: width, height: height, depth: depth)
                let target = try unsafe CUDADevices.block(destination, shape, stream)
                let origin = try unsafe CUDADevices.block(source, shape, stream)
                guard width > 0, height > 0, depth > 0 else { return }
                let work = CUDAWork(
                    operation: "stream_copy_block", kind: HENG_RECORD_COPY, correlation: correlation,
                    bytes: width * height * depth)
                try stream.submit(work) { () throws(DeviceError) in
                    try stream.copyBlock(
                        to: target, from: origin, width: width, height: height, depth: depth,
                        "stream_copy_block")
                }
            }
        }
    }

    private static func launch(
        _ stream: OpaquePointer?, _ function: UInt, _ arguments: UnsafeRawPointer?, _ size: UInt32,
        _ correlation: UInt64, canFail: Bool
    ) throws(DeviceError) {
        let stream = try unsafe object(stream, CUDAStream.self, "stream_launch")
        guard function != 0, size <= HENG_ARGUMENT_LIMIT, unsafe size == 0 || arguments != nil else {
            throw invalid(
                "stream_launch",
                "A launch needs a function, and at most \(HENG_ARGUMENT_LIMIT) bytes of arguments.")
        }
        try stream.enter("stream_launch")
        let call = try unsafe HostCall(
            stream, function: function, canFail: canFail, arguments: arguments, size: Int(size),
            correlation: correlation)
        let work = CUDAWork(
            operation: "stream_launch", kind: HENG_RECORD_LAUNCH, correlation: correlation)
        try stream.submit(work) { () throws(DeviceError) in try call.enqueue() }
    }

    /// A block at its place, after the check that its range holds it.
    private static func block(
        _ block: UnsafePointer<heng_block>?, _ shape: (width: UInt64, height: UInt64, depth: UInt64),
        _ stream: CUDAStream
    ) throws(DeviceError) -> CUDABlock {
        guard var given = unsafe block?.pointee else {
            throw invalid("stream_copy_block", "A block is null.")
        }
        let bytes = try unsafe given.settle(width: shape.width, height: shape.height, depth: shape.depth)
        return try unsafe withUnsafePointer(to: given.range) { range throws(DeviceError) in
            unsafe CUDABlock(
                place: try stream.place(of: range, bytes: bytes, "stream_copy_block"),
                row: max(1, given.row_pitch), plane: max(1, given.plane_pitch))
        }
    }
}
