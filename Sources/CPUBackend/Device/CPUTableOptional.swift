// The functions that a backend may leave out, as far as the CPU device has them.

internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension CPUDevices {
    static func addOptionalFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.group = { kind, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe place(result, "group").pointee = CPUGroups.table(Int(kind))
            }
        }
        unsafe addDeviceFacts(&table)
        unsafe addContextFacts(&table)
        unsafe addStreamFacts(&table)
        unsafe addStreamMemory(&table)
        unsafe addEventFacts(&table)
        unsafe addHostMemory(&table)
    }

    private static func addDeviceFacts(_ table: inout heng_accelerator_table) {
        unsafe table.device_attribute = { device, index, key, value, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, CPUDevice.self, "device_attribute").attributes.read(
                    index, key, value)
            }
        }
        unsafe table.device_status = { device, status, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CPUDevice.self, "device_status")
                try unsafe deliver(device.status(), to: status, "device_status")
            }
        }
        unsafe table.device_clock = { device, own, host, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(device, CPUDevice.self, "device_clock")
                // One clock serves both.
                let now = TimePoint.monotonicNow().nanoseconds
                try unsafe place(own, "device_clock").pointee = now
                try unsafe place(host, "device_clock").pointee = now
            }
        }
    }

    private static func addContextFacts(_ table: inout heng_accelerator_table) {
        unsafe table.context_keep_memory = { context, bytes, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CPUContext.self, "context_keep_memory").pool.keep(
                    atMost: Int(clamping: bytes))
            }
        }
        unsafe table.context_state = { context, epoch, cause, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(context, CPUContext.self, "context_state")
                // Nothing breaks a context of this device: its epoch stays the first.
                if let epoch = unsafe epoch { unsafe epoch.pointee = 0 }
                if let cause = unsafe cause { unsafe cause.pointee = nil }
            }
        }
    }

    private static func addStreamFacts(_ table: inout heng_accelerator_table) {
        unsafe table.stream_query = { stream, idle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let target = try unsafe place(idle, "stream_query")
                unsafe target.pointee =
                    try object(stream, CPUStream.self, "stream_query").query() ? 1 : 0
            }
        }
        unsafe table.stream_abort = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, CPUStream.self, "stream_abort").abort()
            }
        }
        unsafe table.stream_copy_block = {
            stream, destination, source, width, height, depth, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_copy_block")
                guard width > 0, height > 0, depth > 0 else { return }
                let size = (width, height, depth)
                let (to, toPitch) = try unsafe CPUDevices.corner(of: destination, size)
                let (from, fromPitch) = try unsafe CPUDevices.corner(of: source, size)
                try unsafe stream.copyBlock(
                    BlockCopy(
                        destination: to, source: UnsafeRawPointer(from), destinationPitch: toPitch,
                        sourcePitch: fromPitch, width: Int(width), height: Int(height), depth: Int(depth)),
                    correlation)
            }
        }
    }

    /// Where a block starts and its pitches, after the check that all of it lies in its range.
    private static func corner(
        of block: UnsafePointer<heng_block>?, _ size: (width: UInt64, height: UInt64, depth: UInt64)
    ) throws(DeviceError) -> (UnsafeMutableRawPointer, (row: Int, plane: Int)) {
        guard var block = unsafe block?.pointee else {
            throw invalid("stream_copy_block", "A block is null.")
        }
        let bytes = try unsafe block.settle(width: size.width, height: size.height, depth: size.depth)
        let address = try unsafe withUnsafePointer(to: block.range) { range throws(DeviceError) in
            try unsafe start(of: range, bytes: bytes, "stream_copy_block")
        }
        return unsafe (address, (Int(clamping: block.row_pitch), Int(clamping: block.plane_pitch)))
    }

    private static func addStreamMemory(_ table: inout heng_accelerator_table) {
        unsafe table.stream_allocate = { stream, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_allocate")
                try stream.refuseWhileRecording("stream_allocate")
                let target = try unsafe place(result, "stream_allocate")
                // Memory that a stream frees comes back to the pool only after its work, so what the pool has is free
                // for every stream.
                unsafe target.pointee = unsafe handle(
                    try CPUDevices.allocate(arguments, in: stream.context))
            }
        }
        unsafe table.stream_free = { stream, buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_free")
                _ = try unsafe object(buffer, CPUBuffer.self, "stream_free")
                guard let buffer = unsafe buffer else { return }
                try unsafe stream.free(buffer)
            }
        }
    }

    private static func addEventFacts(_ table: inout heng_accelerator_table) {
        unsafe table.event_reset = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                guard try unsafe object(event, CPUEvent.self, "event_reset").forgetRecords() else {
                    throw DeviceError(
                        .misuse, operation: "event_reset",
                        text: "The event's latest record has not happened yet; wait for it first.",
                        isRetriable: true)
                }
            }
        }
        unsafe table.event_query_waits = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, CPUEvent.self, "event_query_waits")
                try unsafe place(complete, "event_query_waits").pointee = event.hasNoWaits ? 1 : 0
            }
        }
    }

    private static func addHostMemory(_ table: inout heng_accelerator_table) {
        unsafe table.host_allocate = { context, arguments, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CPUContext.self, "host_allocate")
                let target = try unsafe place(address, "host_allocate")
                var zero = unsafe heng_buffer_arguments()
                unsafe zero.numa_node = -1
                guard let full = unsafe StructCrossing.read(arguments, zero: zero), unsafe full.size > 0,
                    let pages = unsafe PagePolicy(rawValue: full.pages & 0xff)
                else {
                    throw invalid(
                        "host_allocate", "Host memory needs a size of at least one byte and a page policy.")
                }
                let node = unsafe full.numa_node < 0 ? nil : Int(full.numa_node)
                unsafe target.pointee = try context.allocateHost(
                    Int(clamping: full.size), place: MemoryBlock.Place(node: node, pages: pages))
            }
        }
        unsafe table.host_free = { context, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CPUContext.self, "host_free").freeHost(address)
            }
        }
    }
}
