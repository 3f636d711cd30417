// The CPU device behind the C table: each function turns handles into objects, calls one method, and turns a
// thrown error into a code. Handles are retained references; create retains, destroy releases.

package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// The CPU backend's entry: its table, and the devices it found.
package enum CPUDevices {
    /// What the registry lists.
    package static let backend = unsafe Backend(name: "cpu") { major in
        major == HENG_ACCELERATOR_MAJOR ? unsafe UnsafePointer(table.functions) : nil
    }

    private static let life = DeviceLifecycle<CPUDevice>("CPU backend")
    private static let table = unsafe DeviceTable(owning: makeTable())
}

// MARK: - Arguments

/// Where a range starts, after the check that `bytes` fit into its capacity and that into its buffer.
func start(
    of range: UnsafePointer<heng_range>?, bytes: UInt64, _ operation: StaticString
) throws(DeviceError) -> UnsafeMutableRawPointer {
    switch try unsafe RangeMemory(range, bytes: bytes, "\(operation)") {
    case .host(let address): return unsafe address
    case .buffer(let raw):
        let buffer = try unsafe object(raw, CPUBuffer.self, operation)
        let (offset, size) = unsafe (range?.pointee.offset ?? 0, range?.pointee.size ?? 0)
        try RangeMemory.checkFits(offset: offset, size: size, in: UInt64(buffer.size), "\(operation)")
        return unsafe buffer.block.address + Int(offset)
    }
}

func nanoseconds(_ milliseconds: Int32) -> Int64 {
    milliseconds < 0 ? -1 : Int64(milliseconds) * 1_000_000
}

// MARK: - The table

extension CPUDevices {
    private static func makeTable() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table.named("cpu")
        unsafe addDeviceFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addWorkFunctions(&table)
        unsafe addEventFunctions(&table)
        unsafe addBufferFunctions(&table)
        unsafe addOptionalFunctions(&table)
        return unsafe table
    }

    private static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe CPUDevices.life.initialize(arguments) { _ throws(DeviceError) in
                    try MachineLayout.devices()
                }
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try CPUDevices.life.finalize { $0.reduce(0) { $0 + $1.living.counts.contexts } }
            }
        }
        unsafe table.device_count = { count, error in unsafe CPUDevices.life.count(count, error) }
        unsafe table.device_get = { index, result, error in
            unsafe CPUDevices.life.get(index, result, error)
        }
        unsafe table.device_describe = { device, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CPUDevice.self, "device_describe")
                try unsafe deliver(device.describe(), to: description, "device_describe")
            }
        }
        unsafe table.device_synchronize = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, CPUDevice.self, "device_synchronize").synchronize()
            }
        }
    }

    private static func addContextFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_create = { device, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CPUDevice.self, "context_create")
                let target = try unsafe place(result, "context_create")
                unsafe target.pointee = unsafe handle(CPUContext(on: device))
            }
        }
        unsafe table.context_destroy = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CPUContext.self, "context_destroy").close()
                unsafe release(context, CPUContext.self)
            }
        }
        unsafe table.context_memory_info = { context, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let account = try unsafe object(context, CPUContext.self, "context_memory_info").pool.account
                try unsafe deliver(account.raw, to: info, "context_memory_info")
            }
        }
        unsafe table.context_limit_memory = { context, limit, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let pool = try unsafe object(context, CPUContext.self, "context_limit_memory").pool
                pool.limit(to: limit)
            }
        }
        unsafe table.context_trim_memory = { context, released, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let bytes = try unsafe object(context, CPUContext.self, "context_trim_memory").pool.trim()
                if let released = unsafe released { unsafe released.pointee = UInt64(bytes.bytes) }
            }
        }
    }

    private static func addStreamFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_create = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CPUContext.self, "stream_create")
                let target = try unsafe place(result, "stream_create")
                let stream = try CPUStream(
                    in: context, cpus: unsafe CPUDevices.streamCPUs(arguments, context.device),
                    options: unsafe CPUDevices.streamOptions(arguments))
                context.living.count(\.streams, 1)
                context.device.add(stream)
                unsafe target.pointee = unsafe handle(stream)
            }
        }
        unsafe table.stream_destroy = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let object = try unsafe object(stream, CPUStream.self, "stream_destroy")
                var failure: DeviceError?
                do throws(DeviceError) { try object.close() } catch { failure = error }
                if let failure, failure.code == .misuse { throw failure }
                object.context.device.remove(object)
                object.context.living.count(\.streams, -1)
                unsafe release(stream, CPUStream.self)
                if let failure { throw failure }
            }
        }
        unsafe table.stream_synchronize = { stream, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_synchronize")
                try stream.synchronize(nanoseconds: nanoseconds(milliseconds))
            }
        }
    }

    /// How a stream treats work that fails or takes too long.
    private static func streamOptions(_ arguments: UnsafePointer<heng_stream_arguments>?) -> StreamOptions {
        guard let full = unsafe StructCrossing.read(arguments, zero: heng_stream_arguments()) else {
            return StreamOptions()
        }
        let limit = unsafe full.work_milliseconds
        return unsafe StreamOptions(
            workLimit: limit == 0 ? nil : .milliseconds(Int64(limit)), continues: full.continues != 0)
    }

    /// The CPUs a stream asks for, all of the device's by default.
    private static func streamCPUs(
        _ arguments: UnsafePointer<heng_stream_arguments>?, _ device: CPUDevice
    ) throws(DeviceError) -> CPUSet {
        guard unsafe arguments != nil else { return device.cpus }
        guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_stream_arguments()) else {
            throw DeviceError(
                .version, operation: "stream_create", text: "The stream arguments' struct_size is not set.")
        }
        if let kind = unsafe StructCrossing.unknownMandatory(after: arguments.header) {
            throw DeviceError(
                .unsupported, operation: "stream_create",
                text: "The CPU backend does not know the mandatory extension \(kind).")
        }
        let numbers = unsafe UnsafeBufferPointer(start: arguments.cpus, count: Int(arguments.cpu_count))
        guard !numbers.isEmpty else { return device.cpus }
        let cpus = unsafe CPUSet(numbers.map { Int($0) })
        guard cpus.isSubset(of: device.cpus) else {
            throw invalid(
                "stream_create",
                "The CPUs \(cpus) asked for a stream are not all among the device's \(device.cpus).")
        }
        return cpus
    }

    private static func addWorkFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_launch = { stream, function, arguments, size, correlation, error in
            unsafe CPUDevices.launch(
                stream, unsafeBitCast(function, to: UInt.self), arguments, size, .launch, correlation, error)
        }
        unsafe table.stream_launch_fallible = { stream, function, arguments, size, correlation, error in
            unsafe CPUDevices.launch(
                stream, unsafeBitCast(function, to: UInt.self), arguments, size, .launchFallible, correlation,
                error)
        }
        unsafe table.stream_copy = { stream, destination, source, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_copy")
                guard bytes > 0 else { return }
                let target = try unsafe start(of: destination, bytes: bytes, "stream_copy")
                let origin = try unsafe start(of: source, bytes: bytes, "stream_copy")
                try unsafe stream.copy(to: target, from: origin, bytes: Int(bytes), correlation)
            }
        }
        unsafe table.stream_fill = { stream, destination, value, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_fill")
                guard bytes > 0 else { return }
                let target = try unsafe start(of: destination, bytes: bytes, "stream_fill")
                try unsafe stream.fill(target, value: value, bytes: Int(bytes), correlation)
            }
        }
        unsafe table.stream_wait_event = { stream, event, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CPUStream.self, "stream_wait_event")
                try stream.wait(for: unsafe object(event, CPUEvent.self, "stream_wait_event"), correlation)
            }
        }
    }

    /// The hot path: one check of the arguments, no reference counting, no allocation.
    @inline(__always)
    private static func launch(
        _ stream: OpaquePointer?, _ function: UInt, _ arguments: UnsafeRawPointer?, _ size: UInt32,
        _ kind: CommandKind, _ correlation: UInt64, _ error: ErrorPlace?
    ) -> Int32 {
        guard let stream = unsafe stream, function != 0, size <= CommandSlot.argumentLimit,
            unsafe size == 0 || arguments != nil
        else {
            return unsafe ErrorCrossing.store(
                invalid(
                    "stream_launch",
                    "A launch needs a stream, a function, and at most \(CommandSlot.argumentLimit) bytes of arguments."
                ),
                at: error)
        }
        return unsafe Unmanaged<CPUStream>.fromOpaque(UnsafeRawPointer(stream))._withUnsafeGuaranteedRef {
            stream in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe stream.launch(kind, function, arguments, Int(size), correlation)
            }
        }
    }

    private static func addEventFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.event_create = { context, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CPUContext.self, "event_create")
                let target = try unsafe place(result, "event_create")
                context.living.count(\.events, 1)
                unsafe target.pointee = unsafe handle(CPUEvent(in: context))
            }
        }
        unsafe table.event_destroy = { event, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(event, CPUEvent.self, "event_destroy").context.living.count(\.events, -1)
                unsafe release(event, CPUEvent.self)
            }
        }
        unsafe table.event_record = { event, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, CPUEvent.self, "event_record")
                try unsafe object(stream, CPUStream.self, "event_record").record(event, correlation)
            }
        }
        unsafe table.event_query = { event, complete, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe object(event, CPUEvent.self, "event_query")
                let number = try CPUDevices.recorded(event, "event_query")
                try unsafe place(complete, "event_query").pointee = event.hasHappened(number) ? 1 : 0
            }
        }
        unsafe table.event_synchronize = { event, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe CPUDevices.synchronize(
                    object(event, CPUEvent.self, "event_synchronize"), milliseconds)
            }
        }
        unsafe table.event_elapsed = { start, end, milliseconds, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let start = try unsafe object(start, CPUEvent.self, "event_elapsed")
                let end = try unsafe object(end, CPUEvent.self, "event_elapsed")
                guard let from = start.timestamp, let to = end.timestamp else {
                    throw DeviceError(
                        .eventTime, operation: "event_elapsed",
                        text: "An event's record has not happened yet.",
                        isRetriable: true)
                }
                try unsafe place(milliseconds, "event_elapsed").pointee = Double(to - from) / 1e6
            }
        }
    }

    private static func recorded(_ event: CPUEvent, _ operation: String) throws(DeviceError) -> UInt64 {
        let number = event.submitted
        guard number > 0 else {
            throw DeviceError(
                .eventNotRecorded, operation: operation, text: "No stream was asked to record this event.")
        }
        return number
    }

    private static func synchronize(_ event: CPUEvent, _ milliseconds: Int32) throws(DeviceError) {
        let number = try recorded(event, "event_synchronize")
        let concurrency = ProcessorBudget.current.threads
        guard event.wait(for: number, concurrency: concurrency, nanoseconds: nanoseconds(milliseconds)) else {
            throw DeviceError(
                .timeout, operation: "event_synchronize",
                text: "An event of \(event.context.device.name) has not happened after \(milliseconds) ms.",
                isRetriable: true)
        }
        if let failure = event.recordedFailure { throw failure }
    }

    private static func addBufferFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.buffer_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CPUContext.self, "buffer_allocate")
                let target = try unsafe place(result, "buffer_allocate")
                unsafe target.pointee = unsafe handle(try CPUDevices.allocate(arguments, in: context))
            }
        }
        unsafe table.buffer_free = { buffer, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let object = try unsafe object(buffer, CPUBuffer.self, "buffer_free")
                object.giveBack()
                unsafe release(buffer, CPUBuffer.self)
            }
        }
        unsafe table.buffer_host_address = { buffer, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let buffer = try unsafe object(buffer, CPUBuffer.self, "buffer_host_address")
                try unsafe place(address, "buffer_host_address").pointee = unsafe buffer.block.address
            }
        }
    }

    static func allocate(
        _ arguments: UnsafePointer<heng_buffer_arguments>?, in context: CPUContext
    ) throws(DeviceError) -> CPUBuffer {
        var zero = unsafe heng_buffer_arguments()
        unsafe zero.numa_node = -1
        guard let arguments = unsafe StructCrossing.read(arguments, zero: zero), unsafe arguments.size > 0
        else {
            throw invalid(
                "buffer_allocate", "A buffer needs arguments with struct_size set and at least one byte.")
        }
        guard let pages = unsafe PagePolicy(rawValue: arguments.pages & 0xff) else {
            throw invalid("buffer_allocate", "There is no page policy \(unsafe arguments.pages).")
        }
        guard unsafe arguments.size <= UInt64(context.device.memory.bytes) else {
            throw DeviceError(
                .outOfDeviceMemory, operation: "buffer_allocate",
                text: "A buffer of \(unsafe arguments.size) bytes is larger than the device's "
                    + "\(context.device.memory).",
                requested: ByteCount(bytes: Int(clamping: unsafe arguments.size)),
                available: context.device.memory)
        }
        let size = unsafe Int(arguments.size)
        let node = unsafe arguments.numa_node < 0 ? nil : Int(arguments.numa_node)
        let block = try context.pool.allocate(size, place: MemoryBlock.Place(node: node, pages: pages))
        context.living.count(\.buffers, 1)
        return CPUBuffer(in: context, size: size, block: block)
    }
}
