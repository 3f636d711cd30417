internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared

func makeCheckedTable() -> heng_accelerator_table {
    var table = unsafe heng_accelerator_table.named("checking")
    unsafe addDeviceFunctions(&table)
    unsafe addContextFunctions(&table)
    unsafe addStreamFunctions(&table)
    unsafe addWorkFunctions(&table)
    unsafe addEventFunctions(&table)
    unsafe addBufferFunctions(&table)
    unsafe addOptionalCheckedFunctions(&table)
    return unsafe table
}

// MARK: - Checks

func checkedNumber(_ handle: OpaquePointer?) -> UInt { UInt(bitPattern: handle) }

func checkTimeout(_ milliseconds: Int32, _ operation: StaticString) throws(DeviceError) {
    guard milliseconds >= -1 else {
        throw invalid("\(operation)", "A timeout is -1, 0 or milliseconds, not \(milliseconds).")
    }
}

/// Two objects of one device.
func checkSameDevice(
    _ first: CheckedObject, _ second: CheckedObject, _ operation: StaticString
) throws(DeviceError) {
    guard objects.device(of: first) == objects.device(of: second) else {
        throw DeviceError(
            .wrongOwner, operation: "\(operation)",
            text: "\(operation) got a \(first.kind.name) and a \(second.kind.name) of different devices.")
    }
}

/// A checked range in the maker's terms, and the number of its buffer.
///
/// The range is for work of `owner`'s device. Copies must start where the device says.
func checkedRange(
    _ range: UnsafePointer<heng_range>?, _ bytes: UInt64, _ owner: CheckedObject, _ operation: StaticString,
    isCopy: Bool = true
) throws(DeviceError) -> (range: heng_range, buffer: UInt) {
    let memory = try unsafe RangeMemory(range, bytes: bytes, "\(operation)")
    guard var inner = unsafe range?.pointee, case .buffer(let handle) = memory else {
        return unsafe (range?.pointee ?? heng_range(), 0)
    }
    let buffer = try unsafe objects.find(handle, operation, as: "buffer")
    try checkSameDevice(owner, buffer, operation)
    guard case .buffer(let size) = buffer.kind else { return unsafe (inner, 0) }
    try RangeMemory.checkFits(offset: unsafe inner.offset, size: unsafe inner.size, in: size, "\(operation)")
    let alignment = isCopy ? objects.copyAlignment(of: owner) : 1
    guard unsafe inner.offset % alignment == 0 else {
        throw DeviceError(
            .alignment, operation: "\(operation)",
            text: "A copy starts at \(unsafe inner.offset), which is no multiple of \(alignment).")
    }
    unsafe inner.buffer = unsafe buffer.inner
    return unsafe (inner, buffer.number)
}

/// A range that may be left out where nothing is needed, for work that is no copy.
func checkedOperand(
    _ range: heng_range, _ bytes: UInt64, _ owner: CheckedObject, _ operation: StaticString
) throws(DeviceError) -> (range: heng_range, buffer: UInt) {
    if bytes == 0, unsafe range.buffer == nil, unsafe range.host == nil { return unsafe (range, 0) }
    return try unsafe withUnsafePointer(to: range) { place throws(DeviceError) in
        try unsafe checkedRange(place, bytes, owner, operation, isCopy: false)
    }
}

// MARK: - The functions

private func addDeviceFunctions(_ table: inout heng_accelerator_table) {
    unsafe table.initialize = { _, error in unsafe refuse("initialize", error) }
    unsafe table.finalize = { error in unsafe refuse("finalize", error) }
    unsafe table.device_count = { _, error in unsafe refuse("device_count", error) }
    unsafe table.device_get = { _, _, error in unsafe refuse("device_get", error) }
    unsafe table.device_describe = { device, description, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "device_describe", as: "device")
            try unsafe StructCrossing.checkHeader(
                description.map { unsafe UnsafePointer($0) }, HENG_KIND_DEVICE_DESCRIPTION, "device_describe")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.device_describe, "device_describe") {
                unsafe $0(object.inner, description, $1)
            }
        }
    }
    unsafe table.device_synchronize = { device, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "device_synchronize", as: "device")
            let inner = try objects.table(of: object)
            let streams = objects.streams(of: object)
            try unsafe inner.call(inner.functions.pointee.device_synchronize, "device_synchronize") {
                unsafe $0(object.inner, $1)
            }
            for (stream, step) in streams { objects.reach(stream, step) }
        }
    }
}

private func refuse(_ operation: String, _ error: ErrorPlace?) -> Int32 {
    let refusal = DeviceError(
        .unsupported, operation: operation,
        text: "The checking layer lies over a device that exists; \(operation) is for its backend.")
    return unsafe ErrorCrossing.store(refusal, at: error)
}

private func addContextFunctions(_ table: inout heng_accelerator_table) {
    unsafe table.context_create = { device, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "context_create", as: "device")
            let target = try unsafe place(result, "context_create")
            let inner = try objects.table(of: object)
            var made: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.context_create, "context_create") {
                unsafe $0(object.inner, &made, $1)
            }
            unsafe target.pointee = try unsafe register(.context, made, in: device, "context_create")
        }
    }
    unsafe table.context_destroy = { context, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "context_destroy", as: "context")
            if let leaks = unsafe objects.leaks(of: checkedNumber(context)) {
                throw DeviceError(
                    .notReleased, operation: "context_destroy",
                    text: "A context is destroyed that still owns \(leaks).")
            }
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.context_destroy, "context_destroy") {
                unsafe $0(object.inner, $1)
            }
            unsafe objects.remove(checkedNumber(context))
        }
    }
    unsafe table.context_memory_info = { context, info, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "context_memory_info", as: "context")
            try unsafe StructCrossing.checkHeader(
                info.map { unsafe UnsafePointer($0) }, HENG_KIND_MEMORY_INFO, "context_memory_info")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.context_memory_info, "context_memory_info") {
                unsafe $0(object.inner, info, $1)
            }
        }
    }
    unsafe table.context_limit_memory = { context, limit, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "context_limit_memory", as: "context")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.context_limit_memory, "context_limit_memory") {
                unsafe $0(object.inner, limit, $1)
            }
        }
    }
    unsafe table.context_trim_memory = { context, released, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "context_trim_memory", as: "context")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.context_trim_memory, "context_trim_memory") {
                unsafe $0(object.inner, released, $1)
            }
        }
    }
}

/// Gives what the maker made a handle of the layer's own.
func register(
    _ kind: CheckedObject.Kind, _ made: OpaquePointer?, in owner: OpaquePointer?, _ operation: StaticString
) throws(DeviceError) -> OpaquePointer? {
    guard let made = unsafe made else {
        throw DeviceError(
            .general, operation: "\(operation)",
            text: "The maker reported success in \(operation) but made nothing.")
    }
    return unsafe objects.add(CheckedObject(kind, inner: made, owner: checkedNumber(owner)))
}

private func addStreamFunctions(_ table: inout heng_accelerator_table) {
    unsafe table.stream_create = { context, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "stream_create", as: "context")
            if unsafe arguments != nil {
                try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_STREAM_ARGUMENTS, "stream_create")
            }
            let target = try unsafe place(result, "stream_create")
            let inner = try objects.table(of: object)
            var made: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.stream_create, "stream_create") {
                unsafe $0(object.inner, arguments, &made, $1)
            }
            let stream = try unsafe register(.stream, made, in: context, "stream_create")
            let given = unsafe StructCrossing.read(arguments, zero: heng_stream_arguments())
            let continues = unsafe given?.continues == 1
            unsafe objects.update(checkedNumber(stream)) { $0.continues = continues }
            unsafe target.pointee = unsafe stream
        }
    }
    unsafe table.stream_destroy = { stream, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_destroy", as: "stream")
            let inner = try objects.table(of: object)
            do throws(DeviceError) {
                try unsafe inner.call(inner.functions.pointee.stream_destroy, "stream_destroy") {
                    unsafe $0(object.inner, $1)
                }
            } catch {
                // Misuse leaves the stream as it was; any other error is its work's, and it is gone.
                if error.code != .misuse { end(object) }
                throw error
            }
            end(object)
        }
    }
    unsafe table.stream_synchronize = { stream, milliseconds, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_synchronize", as: "stream")
            try checkTimeout(milliseconds, "stream_synchronize")
            try refuseWhileRecording(object, "stream_synchronize")
            let inner = try objects.table(of: object)
            do throws(DeviceError) {
                try unsafe inner.call(inner.functions.pointee.stream_synchronize, "stream_synchronize") {
                    unsafe $0(object.inner, milliseconds, $1)
                }
            } catch {
                objects.reach(object, after: error)
                throw error
            }
            objects.reach(object.number, object.submitted)
        }
    }
    unsafe table.stream_wait_event = { stream, event, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_wait_event", as: "stream")
            try refuseWhileRecording(object, "stream_wait_event")
            let other = try unsafe recorded(event, "stream_wait_event")
            try checkSameDevice(object, other, "stream_wait_event")
            let inner = try objects.table(of: object)
            let step = objects.step(in: object.number)
            try unsafe inner.call(inner.functions.pointee.stream_wait_event, "stream_wait_event") {
                unsafe $0(object.inner, other.inner, correlation, $1)
            }
            objects.noteWait(of: object.number, at: step, for: other)
        }
    }
}

/// Ends a stream, whose work is done then.
private func end(_ stream: CheckedObject) {
    objects.reach(stream.number, .max)
    objects.remove(stream.number)
}

/// The event, if some stream was asked to record it.
private func recorded(_ event: OpaquePointer?, _ operation: StaticString) throws(DeviceError) -> CheckedObject
{
    let object = try unsafe objects.find(event, operation, as: "event")
    if case .event(isRecorded: true) = object.kind { return object }
    throw DeviceError(
        .eventNotRecorded, operation: "\(operation)",
        text: "\(operation) got an event that no stream records.")
}

private func addWorkFunctions(_ table: inout heng_accelerator_table) {
    unsafe table.stream_launch = { stream, function, arguments, size, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_launch", as: "stream")
            try unsafe checkLaunch(function != nil, arguments, size, "stream_launch")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_launch, "stream_launch") {
                unsafe $0(object.inner, function, arguments, size, correlation, $1)
            }
        }
    }
    unsafe table.stream_launch_fallible = { stream, function, arguments, size, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_launch_fallible", as: "stream")
            try unsafe checkLaunch(function != nil, arguments, size, "stream_launch_fallible")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_launch_fallible, "stream_launch_fallible") {
                unsafe $0(object.inner, function, arguments, size, correlation, $1)
            }
        }
    }
    unsafe table.stream_copy = { stream, destination, source, bytes, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_copy", as: "stream")
            var (to, target) = try unsafe checkedRange(destination, bytes, object, "stream_copy")
            var (from, origin) = try unsafe checkedRange(source, bytes, object, "stream_copy")
            try unsafe checkOverlap(to, from, bytes)
            unsafe objects.noteWork(in: stream, using: [target, origin])
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_copy, "stream_copy") {
                unsafe $0(object.inner, &to, &from, bytes, correlation, $1)
            }
        }
    }
    unsafe table.stream_fill = { stream, destination, value, bytes, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_fill", as: "stream")
            var (to, target) = try unsafe checkedRange(destination, bytes, object, "stream_fill")
            unsafe objects.noteWork(in: stream, using: [target])
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_fill, "stream_fill") {
                unsafe $0(object.inner, &to, value, bytes, correlation, $1)
            }
        }
    }
}

private func checkLaunch(
    _ hasFunction: Bool, _ arguments: UnsafeRawPointer?, _ size: UInt32, _ operation: StaticString
) throws(DeviceError) {
    guard hasFunction else { throw invalid("\(operation)", "\(operation) got no function.") }
    guard size <= HENG_ARGUMENT_LIMIT, unsafe size == 0 || arguments != nil else {
        throw invalid(
            "\(operation)",
            "\(operation) got \(size) bytes of arguments; at most \(HENG_ARGUMENT_LIMIT) are possible.")
    }
}

private func checkOverlap(_ first: heng_range, _ second: heng_range, _ bytes: UInt64) throws(DeviceError) {
    let (one, other) = unsafe (
        UInt64(UInt(bitPattern: first.host)) &+ first.offset,
        UInt64(UInt(bitPattern: second.host)) &+ second.offset
    )
    guard unsafe first.buffer == second.buffer, bytes > 0 else { return }
    if one < other &+ bytes, other < one &+ bytes {
        throw invalid("stream_copy", "The two ranges of a copy overlap.")
    }
}

private func addEventFunctions(_ table: inout heng_accelerator_table) {
    unsafe table.event_create = { context, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "event_create", as: "context")
            let target = try unsafe place(result, "event_create")
            let inner = try objects.table(of: object)
            var made: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.event_create, "event_create") {
                unsafe $0(object.inner, &made, $1)
            }
            unsafe target.pointee = try unsafe register(
                .event(isRecorded: false), made, in: context, "event_create")
        }
    }
    unsafe table.event_destroy = { event, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(event, "event_destroy", as: "event")
            let inner = try objects.table(of: object)
            unsafe objects.remove(checkedNumber(event))
            try unsafe inner.call(inner.functions.pointee.event_destroy, "event_destroy") {
                unsafe $0(object.inner, $1)
            }
        }
    }
    unsafe table.event_record = { event, stream, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(event, "event_record", as: "event")
            let lane = try unsafe objects.find(stream, "event_record", as: "stream")
            try checkSameDevice(object, lane, "event_record")
            let inner = try objects.table(of: object)
            let step = objects.step(in: lane.number)
            try unsafe inner.call(inner.functions.pointee.event_record, "event_record") {
                unsafe $0(object.inner, lane.inner, correlation, $1)
            }
            objects.update(object.number) {
                $0.kind = .event(isRecorded: true)
                $0.recordStream = lane.number
                $0.recordCount = step
            }
        }
    }
    unsafe table.event_query = { event, complete, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe recorded(event, "event_query")
            let target = try unsafe place(complete, "event_query")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.event_query, "event_query") {
                unsafe $0(object.inner, target, $1)
            }
            if unsafe target.pointee != 0 { objects.reach(object) }
        }
    }
    unsafe table.event_synchronize = { event, milliseconds, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe recorded(event, "event_synchronize")
            try checkTimeout(milliseconds, "event_synchronize")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.event_synchronize, "event_synchronize") {
                unsafe $0(object.inner, milliseconds, $1)
            }
            objects.reach(object)
        }
    }
    unsafe table.event_elapsed = { start, end, milliseconds, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let from = try unsafe recorded(start, "event_elapsed")
            let to = try unsafe recorded(end, "event_elapsed")
            try checkSameDevice(from, to, "event_elapsed")
            let target = try unsafe place(milliseconds, "event_elapsed")
            let inner = try objects.table(of: from)
            try unsafe inner.call(inner.functions.pointee.event_elapsed, "event_elapsed") {
                unsafe $0(from.inner, to.inner, target, $1)
            }
            objects.reach(from)
            objects.reach(to)
        }
    }
}

private func addBufferFunctions(_ table: inout heng_accelerator_table) {
    unsafe table.buffer_allocate = { context, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "buffer_allocate", as: "context")
            try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_BUFFER_ARGUMENTS, "buffer_allocate")
            let size = unsafe StructCrossing.read(arguments, zero: heng_buffer_arguments())?.size ?? 0
            guard size > 0 else { throw invalid("buffer_allocate", "A buffer needs at least one byte.") }
            let target = try unsafe place(result, "buffer_allocate")
            let inner = try objects.table(of: object)
            var made: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.buffer_allocate, "buffer_allocate") {
                unsafe $0(object.inner, arguments, &made, $1)
            }
            unsafe target.pointee = try unsafe register(
                .buffer(size: size), made, in: context, "buffer_allocate")
        }
    }
    unsafe table.buffer_free = { buffer, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(buffer, "buffer_free", as: "buffer")
            guard !objects.isInUse(object) else {
                throw DeviceError(
                    .misuse, operation: "buffer_free",
                    text: "A buffer is freed while work in a stream may still use it.")
            }
            let inner = try objects.table(of: object)
            unsafe objects.remove(checkedNumber(buffer))
            try unsafe inner.call(inner.functions.pointee.buffer_free, "buffer_free") {
                unsafe $0(object.inner, $1)
            }
        }
    }
    unsafe table.buffer_host_address = { buffer, address, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(buffer, "buffer_host_address", as: "buffer")
            let target = try unsafe place(address, "buffer_host_address")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.buffer_host_address, "buffer_host_address") {
                unsafe $0(object.inner, target, $1)
            }
        }
    }
}
