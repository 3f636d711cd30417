// The functions that a maker may leave out, checked: handles, structs and ranges as in the required ones. What the
// maker lacks is refused by the call itself.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared

func addOptionalCheckedFunctions(_ table: inout heng_accelerator_table) {
    unsafe addDeviceState(&table)
    unsafe addParts(&table)
    unsafe addContextState(&table)
    unsafe addStreamState(&table)
    unsafe addStreamMemory(&table)
    unsafe addEventState(&table)
    unsafe addHostMemory(&table)
}

/// Runs a call of the maker's function on a living object of a kind.
private func forward<Function>(
    _ handle: OpaquePointer?, as kind: String, _ operation: StaticString, to error: ErrorPlace?,
    _ function: KeyPath<heng_accelerator_table, Function?>,
    _ body: (Function, OpaquePointer, ErrorPlace) -> Int32
) -> Int32 {
    unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
        let object = try unsafe objects.find(handle, operation, as: kind)
        let inner = try objects.table(of: object)
        try unsafe inner.call(inner.functions.pointee[keyPath: function], operation) {
            unsafe body($0, object.inner, $1)
        }
    }
}

private func addDeviceState(_ table: inout heng_accelerator_table) {
    unsafe table.device_attribute = { device, index, key, value, error in
        unsafe forward(device, as: "device", "device_attribute", to: error, \.device_attribute) {
            unsafe $0($1, index, key, value, $2)
        }
    }
    unsafe table.device_status = { device, status, error in
        unsafe forward(device, as: "device", "device_status", to: error, \.device_status) {
            unsafe $0($1, status, $2)
        }
    }
    unsafe table.device_reset = { device, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "device_reset", as: "device")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.device_reset, "device_reset") {
                unsafe $0(object.inner, $1)
            }
            endWork(of: object)
        }
    }
    unsafe table.device_clock = { device, own, host, error in
        unsafe forward(device, as: "device", "device_clock", to: error, \.device_clock) {
            unsafe $0($1, own, host, $2)
        }
    }
}

private func addParts(_ table: inout heng_accelerator_table) {
    unsafe table.device_partition = { device, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "device_partition", as: "device")
            try unsafe StructCrossing.checkHeader(
                arguments, HENG_KIND_PARTITION_ARGUMENTS, "device_partition")
            let target = try unsafe place(result, "device_partition")
            let inner = try objects.table(of: object)
            var made: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.device_partition, "device_partition") {
                unsafe $0(object.inner, arguments, &made, $1)
            }
            let part = try unsafe Device(
                table: inner, handle: AcceleratorAPI.made(made, "device_partition", inner), index: 0)
            unsafe target.pointee = try unsafe register(.device(part), made, in: device, "device_partition")
        }
    }
    unsafe table.device_release = { part, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(part, "device_release", as: "device")
            guard object.owner != 0 else {
                throw DeviceError(
                    .invalidDevice, operation: "device_release",
                    text: "device_release got a device that device_partition did not make.")
            }
            if let leaks = objects.leaks(of: object.number) {
                throw DeviceError(
                    .notReleased, operation: "device_release",
                    text: "A part of a device is released that still owns \(leaks).")
            }
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.device_release, "device_release") {
                unsafe $0(object.inner, $1)
            }
            objects.remove(object.number)
        }
    }
}

private func addContextState(_ table: inout heng_accelerator_table) {
    unsafe table.context_keep_memory = { context, bytes, error in
        unsafe forward(context, as: "context", "context_keep_memory", to: error, \.context_keep_memory) {
            unsafe $0($1, bytes, $2)
        }
    }
    unsafe table.context_state = { context, epoch, cause, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "context_state", as: "context")
            let inner = try objects.table(of: object)
            var found: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.context_state, "context_state") {
                unsafe $0(object.inner, epoch, &found, $1)
            }
            // The cause becomes an error of this table, so that its own functions read and destroy it.
            var failure: DeviceError?
            if let found = unsafe found {
                do throws(DeviceError) { try unsafe inner.check(-1, found, "context_state") } catch {
                    failure = error
                }
            }
            guard let cause = unsafe cause else { return }
            unsafe cause.pointee = nil
            if let failure { _ = unsafe ErrorCrossing.store(failure, at: cause) }
        }
    }
    unsafe table.context_rebuild = { context, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "context_rebuild", as: "context")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.context_rebuild, "context_rebuild") {
                unsafe $0(object.inner, $1)
            }
            endWork(of: object)
        }
    }
}

/// What was in an owner's streams has ended, and these run nothing any more.
private func endWork(of owner: CheckedObject) {
    for (stream, _) in objects.streams(of: owner) { objects.reach(stream, .max) }
}

private func addStreamState(_ table: inout heng_accelerator_table) {
    unsafe table.stream_query = { stream, idle, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_query", as: "stream")
            let target = try unsafe place(idle, "stream_query")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_query, "stream_query") {
                unsafe $0(object.inner, target, $1)
            }
            if unsafe target.pointee != 0 { objects.reach(object.number, object.submitted) }
        }
    }
    unsafe table.stream_abort = { stream, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_abort", as: "stream")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_abort, "stream_abort") {
                unsafe $0(object.inner, $1)
            }
            // Nothing runs any more.
            objects.reach(object.number, object.submitted)
        }
    }
    unsafe table.stream_copy_block = {
        stream, destination, source, width, height, depth, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_copy_block", as: "stream")
            var (to, target) = try unsafe checkedBlock(destination, (width, height, depth), object)
            var (from, origin) = try unsafe checkedBlock(source, (width, height, depth), object)
            unsafe objects.noteWork(in: stream, using: [target, origin])
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_copy_block, "stream_copy_block") {
                unsafe $0(object.inner, &to, &from, width, height, depth, correlation, $1)
            }
        }
    }
}

/// A block whose last byte lies in its range, in the maker's terms.
private func checkedBlock(
    _ block: UnsafePointer<heng_block>?, _ size: (width: UInt64, height: UInt64, depth: UInt64),
    _ stream: CheckedObject
) throws(DeviceError) -> (block: heng_block, buffer: UInt) {
    guard var block = unsafe block?.pointee else {
        throw invalid("stream_copy_block", "stream_copy_block got no block.")
    }
    let bytes = try unsafe block.settle(width: size.width, height: size.height, depth: size.depth)
    let (range, buffer) = try unsafe withUnsafePointer(to: block.range) { range throws(DeviceError) in
        try unsafe checkedRange(range, bytes, stream, "stream_copy_block")
    }
    unsafe block.range = unsafe range
    return unsafe (block, buffer)
}

private func addStreamMemory(_ table: inout heng_accelerator_table) {
    unsafe table.stream_allocate = { stream, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_allocate", as: "stream")
            try refuseWhileRecording(object, "stream_allocate")
            try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_BUFFER_ARGUMENTS, "stream_allocate")
            let size = unsafe StructCrossing.read(arguments, zero: heng_buffer_arguments())?.size ?? 0
            guard size > 0 else { throw invalid("stream_allocate", "A buffer needs at least one byte.") }
            let target = try unsafe place(result, "stream_allocate")
            let inner = try objects.table(of: object)
            var made: OpaquePointer?
            try unsafe inner.call(inner.functions.pointee.stream_allocate, "stream_allocate") {
                unsafe $0(object.inner, arguments, &made, $1)
            }
            unsafe target.pointee = try unsafe register(
                .buffer(size: size), made, in: OpaquePointer(bitPattern: object.owner), "stream_allocate")
        }
    }
    unsafe table.stream_free = { stream, buffer, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "stream_free", as: "stream")
            let memory = try unsafe objects.find(buffer, "stream_free", as: "buffer")
            try checkSameDevice(object, memory, "stream_free")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.stream_free, "stream_free") {
                unsafe $0(object.inner, memory.inner, $1)
            }
            unsafe objects.remove(checkedNumber(buffer))
        }
    }
}

private func addEventState(_ table: inout heng_accelerator_table) {
    unsafe table.event_reset = { event, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(event, "event_reset", as: "event")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.event_reset, "event_reset") {
                unsafe $0(object.inner, $1)
            }
            objects.reach(object)
            objects.update(object.number) { $0.kind = .event(isRecorded: false) }
        }
    }
    unsafe table.event_query_waits = { event, complete, error in
        unsafe forward(event, as: "event", "event_query_waits", to: error, \.event_query_waits) {
            unsafe $0($1, complete, $2)
        }
    }
}

private func addHostMemory(_ table: inout heng_accelerator_table) {
    unsafe table.host_allocate = { context, arguments, address, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "host_allocate", as: "context")
            try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_BUFFER_ARGUMENTS, "host_allocate")
            _ = try unsafe place(address, "host_allocate")
            let inner = try objects.table(of: object)
            try unsafe inner.call(inner.functions.pointee.host_allocate, "host_allocate") {
                unsafe $0(object.inner, arguments, address, $1)
            }
        }
    }
    unsafe table.host_free = { context, address, error in
        unsafe forward(context, as: "context", "host_free", to: error, \.host_free) {
            unsafe $0($1, address, $2)
        }
    }
}
