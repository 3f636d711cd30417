import AcceleratorAPI
import CHengAccelerator
import CPUBackend
import DeviceConformance
import Essentials

/// The CPU device's table, which faults are planted into.
nonisolated(unsafe) let cpu: heng_accelerator_table = {
    guard let table = unsafe CPUDevices.backend.getter(HENG_ACCELERATOR_MAJOR)?.pointee else {
        preconditionFailure("the CPU backend has no table")
    }
    // The registry initializes it, once for all tests of this process.
    guard (try? DeviceRegistry.shared.devices(of: CPUDevices.backend, checked: false)) != nil else {
        preconditionFailure("the CPU backend does not start")
    }
    return unsafe table
}()

/// A wrong function in an otherwise right table, and the case that must notice.
@safe struct PlantedFault: Sendable, CustomStringConvertible {
    var name: String
    var caught: String
    var plant: @Sendable (inout heng_accelerator_table) -> Void
    var description: String { name }

    init(
        _ name: String, caughtBy caught: String,
        _ plant: @escaping @Sendable (inout heng_accelerator_table) -> Void
    ) {
        self.name = name
        self.caught = caught
        unsafe self.plant = unsafe plant
    }

    /// The table with the fault in it, as a target of its own.
    var target: KitTarget {
        var table = unsafe cpu
        unsafe plant(&table)
        return unsafe PlantedFault.target(of: table)
    }

    static func target(of table: heng_accelerator_table, index: UInt32 = 0) -> KitTarget {
        // Tables live as long as the process.
        let place = UnsafeMutablePointer<heng_accelerator_table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        let address = UInt(bitPattern: place)
        return unsafe KitTarget(name: "planted", index: index) { major in
            unsafe major == HENG_ACCELERATOR_MAJOR ? UnsafePointer(bitPattern: address) : nil
        }
    }
}

extension PlantedFault {
    static let all = loading + describing + ordering + copying + timing + launching + remembering + telling

    static let loading = [
        unsafe PlantedFault("a table without event_query", caughtBy: "load/table/required") {
            unsafe $0.event_query = nil
        },
        unsafe PlantedFault("a table of another kind", caughtBy: "load/table/header") {
            unsafe $0.header.struct_kind = 4711
        },
        unsafe PlantedFault("a name in capitals", caughtBy: "load/table/header") {
            unsafe $0.name = UnsafePointer(strong)
        },
        unsafe PlantedFault("any major number is welcome", caughtBy: "load/initialize/version") {
            unsafe $0.initialize = { _, _ in 0 }
        },
        unsafe PlantedFault("initialize may be repeated", caughtBy: "load/initialize/repeated") {
            unsafe $0.initialize = { _, _ in 0 }
        },
        unsafe PlantedFault("mandatory extensions are skipped", caughtBy: "load/extension/mandatory") {
            unsafe $0.initialize = { _, _ in 0 }
        },
        unsafe PlantedFault("tiny structs are welcome", caughtBy: "load/struct/tiny") {
            unsafe $0.initialize = { _, _ in 0 }
        },
        unsafe PlantedFault("finalize looks at nothing", caughtBy: "load/finalize/living") { table in
            unsafe table.initialize = { _, _ in 0 }
            unsafe table.finalize = { _ in 0 }
        },
        unsafe PlantedFault("finalize may be repeated", caughtBy: "load/finalize/repeated") { table in
            unsafe table.initialize = { _, _ in 0 }
            unsafe table.finalize = { _ in 0 }
        },
        unsafe PlantedFault("devices are there before initialize", caughtBy: "load/initialize/before") {
            table in
            unsafe table.device_count = { count, _ in
                unsafe count?.pointee = 1
                return 0
            }
        },
    ]

    static let describing = [
        unsafe PlantedFault("a wrong index is a wrong argument", caughtBy: "runtime/device/index") {
            unsafe $0.device_get = { index, device, error in
                guard index > 0 else { return unsafe cpu.device_get(index, device, error) }
                return code(HENG_ERROR_INVALID_ARGUMENT)
            }
        },
        unsafe PlantedFault(
            "the description is written whole, whatever its size",
            caughtBy: "runtime/device/description-older"
        ) {
            unsafe $0.device_describe = { device, description, error in
                let size = unsafe description?.pointee.header.struct_size ?? 0
                unsafe description?.pointee.header.struct_size = UInt32(
                    unsafe MemoryLayout<heng_device_description>.size)
                defer { unsafe description?.pointee.header.struct_size = size }
                return unsafe cpu.device_describe(device, description, error)
            }
        },
        unsafe PlantedFault("a description without a name", caughtBy: "runtime/device/description") {
            unsafe $0.device_describe = { device, description, error in
                let code = unsafe cpu.device_describe(device, description, error)
                unsafe description?.pointee.name = nil
                return code
            }
        },
        unsafe PlantedFault("an alignment that is no power of two", caughtBy: "runtime/device/description") {
            unsafe $0.device_describe = { device, description, error in
                let code = unsafe cpu.device_describe(device, description, error)
                unsafe description?.pointee.buffer_alignment = 48
                return code
            }
        },
        unsafe PlantedFault("a claim without its function", caughtBy: "runtime/device/claims") { table in
            unsafe table.context_memory_info = nil
        },
        unsafe PlantedFault("a device that synchronizes nothing", caughtBy: "runtime/device/synchronize") {
            unsafe $0.device_synchronize = { _, _ in 0 }
        },
        unsafe PlantedFault("contexts go while they own something", caughtBy: "runtime/context/not-released")
        {
            unsafe $0.context_destroy = { context, error in
                let code = unsafe cpu.context_destroy(context, nil)
                return code == HENG_ERROR_NOT_RELEASED ? 0 : code
            }
        },
    ]

    static let ordering = [
        unsafe PlantedFault("waits for events are forgotten", caughtBy: "runtime/stream/wait-held") {
            unsafe $0.stream_wait_event = { _, _, _, _ in 0 }
        },
        unsafe PlantedFault(
            "nothing need be recorded to be waited for", caughtBy: "runtime/stream/wait-unrecorded"
        ) {
            unsafe $0.stream_wait_event = { _, _, _, _ in 0 }
        },
        unsafe PlantedFault("synchronizing returns at once", caughtBy: "runtime/stream/timeout") {
            unsafe $0.stream_synchronize = { _, _, _ in 0 }
        },
        unsafe PlantedFault(
            "stream arguments without a size are welcome", caughtBy: "runtime/stream/arguments-tiny"
        ) {
            unsafe $0.stream_create = { context, _, stream, error in
                unsafe cpu.stream_create(context, nil, stream, error)
            }
        },
        unsafe PlantedFault("stream extensions are skipped", caughtBy: "runtime/stream/extension-mandatory") {
            unsafe $0.stream_create = { context, _, stream, error in
                unsafe cpu.stream_create(context, nil, stream, error)
            }
        },
    ]

    static let copying = [
        unsafe PlantedFault("recordings are forgotten", caughtBy: "runtime/recording/not-released") {
            unsafe $0.context_destroy = { context, error in
                let code = unsafe cpu.context_destroy(context, nil)
                return code == HENG_ERROR_NOT_RELEASED ? 0 : code
            }
        },
        unsafe PlantedFault("rows may overlap", caughtBy: "runtime/block/pitch") {
            unsafe $0.stream_copy_block = { stream, to, from, width, height, depth, number, error in
                guard var wide = unsafe to?.pointee, var narrow = unsafe from?.pointee else { return -1 }
                unsafe wide.row_pitch = unsafe max(wide.row_pitch, width)
                unsafe narrow.row_pitch = unsafe max(narrow.row_pitch, width)
                return unsafe cpu.stream_copy_block(
                    stream, &wide, &narrow, width, height, depth, number, error)
            }
        },
        unsafe PlantedFault("one row has a distance too", caughtBy: "runtime/block/single") {
            unsafe $0.stream_copy_block = { stream, to, from, width, height, depth, number, error in
                guard unsafe (to?.pointee.row_pitch ?? 0) >= width else {
                    return code(HENG_ERROR_INVALID_ARGUMENT)
                }
                return unsafe cpu.stream_copy_block(stream, to, from, width, height, depth, number, error)
            }
        },
        unsafe PlantedFault("copies leave out the last byte", caughtBy: "runtime/copy/round-trip") {
            unsafe $0.stream_copy = { stream, to, from, bytes, number, error in
                unsafe cpu.stream_copy(stream, to, from, bytes > 0 ? bytes - 1 : 0, number, error)
            }
        },
        unsafe PlantedFault("copies ignore the offset", caughtBy: "runtime/copy/alignments") {
            unsafe $0.stream_copy = { stream, to, from, bytes, number, error in
                guard var place = unsafe to?.pointee else { return code(HENG_ERROR_INVALID_ARGUMENT) }
                unsafe place.offset = 0
                return unsafe cpu.stream_copy(stream, &place, from, bytes, number, error)
            }
        },
        unsafe PlantedFault("a capacity is not looked at", caughtBy: "runtime/copy/capacity") {
            unsafe $0.stream_copy = { stream, to, from, bytes, number, error in
                guard var place = unsafe to?.pointee, bytes < 1 << 40 else {
                    return unsafe cpu.stream_copy(stream, to, from, bytes, number, error)
                }
                unsafe place.size = max(place.size, bytes)
                return unsafe cpu.stream_copy(stream, &place, from, bytes, number, error)
            }
        },
        unsafe PlantedFault("copies of nothing are refused", caughtBy: "runtime/copy/zero") {
            unsafe $0.stream_copy = { stream, to, from, bytes, number, error in
                guard bytes > 0 else { return code(HENG_ERROR_INVALID_ARGUMENT) }
                return unsafe cpu.stream_copy(stream, to, from, bytes, number, error)
            }
        },
        unsafe PlantedFault("fills know seven bits", caughtBy: "runtime/fill/values") {
            unsafe $0.stream_fill = { stream, to, value, bytes, number, error in
                unsafe cpu.stream_fill(stream, to, value & 0x7F, bytes, number, error)
            }
        },
        unsafe PlantedFault("fills go one byte too far", caughtBy: "runtime/fill/edges") {
            unsafe $0.stream_fill = { stream, to, value, bytes, number, error in
                let room = unsafe to?.pointee.size ?? 0
                return unsafe cpu.stream_fill(
                    stream, to, value, min(bytes + 1, max(room, bytes)), number, error)
            }
        },
        unsafe PlantedFault("a null range is fine", caughtBy: "runtime/wrong/null-buffer") {
            unsafe $0.stream_fill = { stream, to, value, bytes, number, error in
                guard unsafe to != nil else { return 0 }
                return unsafe cpu.stream_fill(stream, to, value, bytes, number, error)
            }
        },
    ]

    static let timing = [
        unsafe PlantedFault("events are complete at once", caughtBy: "runtime/event/pending") {
            unsafe $0.event_query = { _, complete, _ in
                unsafe complete?.pointee = 1
                return 0
            }
        },
        unsafe PlantedFault("events are never complete", caughtBy: "runtime/event/record") {
            unsafe $0.event_query = { _, complete, _ in
                unsafe complete?.pointee = 0
                return 0
            }
        },
        unsafe PlantedFault("waiting for an event returns at once", caughtBy: "runtime/event/timeout") {
            unsafe $0.event_synchronize = { _, _, _ in 0 }
        },
        unsafe PlantedFault("times are in seconds", caughtBy: "runtime/event/elapsed") {
            unsafe $0.event_elapsed = { start, end, time, error in
                let code = unsafe cpu.event_elapsed(start, end, time, error)
                unsafe time?.pointee /= 1000
                return code
            }
        },
        unsafe PlantedFault("times that are not there are zero", caughtBy: "runtime/event/elapsed-unrecorded")
        {
            unsafe $0.event_elapsed = { _, _, time, _ in
                unsafe time?.pointee = 0
                return 0
            }
        },
        unsafe PlantedFault("events are all the same object", caughtBy: "runtime/event/create") {
            unsafe $0.event_create = { _, event, _ in
                unsafe event?.pointee = OpaquePointer(bitPattern: 0x1000)
                return 0
            }
            unsafe $0.event_destroy = { _, _ in 0 }
        },
    ]

    static let launching = [
        unsafe PlantedFault("functions run twice", caughtBy: "runtime/launch/order") {
            unsafe $0.stream_launch = { stream, function, arguments, size, number, error in
                _ = unsafe cpu.stream_launch(stream, function, arguments, size, number, nil)
                return unsafe cpu.stream_launch(stream, function, arguments, size, number, error)
            }
        },
        unsafe PlantedFault("arguments are cut to 64 bytes", caughtBy: "runtime/launch/arguments") {
            unsafe $0.stream_launch = { stream, function, arguments, size, number, error in
                unsafe cpu.stream_launch(stream, function, arguments, min(size, 64), number, error)
            }
        },
        unsafe PlantedFault("correlations are lost", caughtBy: "runtime/launch/failure") {
            unsafe $0.stream_launch_fallible = { stream, function, arguments, size, _, error in
                unsafe cpu.stream_launch_fallible(stream, function, arguments, size, 0, error)
            }
        },
        unsafe PlantedFault("failures are swallowed", caughtBy: "runtime/launch/failure-event") {
            unsafe $0.event_synchronize = { event, time, error in
                let code = unsafe cpu.event_synchronize(event, time, nil)
                return code == HENG_ERROR_EXECUTION ? 0 : code
            }
        },
    ]

    static let remembering = [
        unsafe PlantedFault("buffers of nothing are made", caughtBy: "runtime/buffer/zero") {
            unsafe $0.buffer_allocate = { context, arguments, buffer, error in
                guard var wish = unsafe arguments?.pointee else {
                    return unsafe cpu.buffer_allocate(context, arguments, buffer, error)
                }
                unsafe wish.size = max(1, wish.size)
                return unsafe cpu.buffer_allocate(context, &wish, buffer, error)
            }
        },
        unsafe PlantedFault("what is too much is a wrong argument", caughtBy: "runtime/buffer/huge") {
            unsafe $0.buffer_allocate = { context, arguments, buffer, error in
                let result = unsafe cpu.buffer_allocate(context, arguments, buffer, nil)
                return result == HENG_ERROR_OUT_OF_DEVICE_MEMORY ? code(HENG_ERROR_INVALID_ARGUMENT) : result
            }
        },
        unsafe PlantedFault("addresses are off by one", caughtBy: "runtime/buffer/address") {
            unsafe $0.buffer_host_address = { buffer, address, error in
                let code = unsafe cpu.buffer_host_address(buffer, address, error)
                if let place = unsafe address?.pointee { unsafe address?.pointee = place + 1 }
                return code
            }
        },
        unsafe PlantedFault("the account stands still", caughtBy: "runtime/memory/account") {
            unsafe $0.context_memory_info = { context, info, error in
                let code = unsafe cpu.context_memory_info(context, info, error)
                unsafe info?.pointee.in_use = 0
                return code
            }
        },
        unsafe PlantedFault("limits are ignored", caughtBy: "robustness/memory/nth") {
            unsafe $0.context_limit_memory = { _, _, _ in 0 }
        },
        unsafe PlantedFault("limits are half of what they say", caughtBy: "robustness/memory/nth") {
            unsafe $0.context_limit_memory = { context, limit, error in
                unsafe cpu.context_limit_memory(context, limit / 2, error)
            }
        },
    ]

    static let telling = [
        unsafe PlantedFault("errors say another class than the call", caughtBy: "runtime/error/object") {
            unsafe $0.error_describe = { error, description in
                let code = unsafe cpu.error_describe(error, description)
                unsafe description?.pointee.code = -1
                return code
            }
        },
        unsafe PlantedFault("errors have no text", caughtBy: "runtime/error/object") {
            unsafe $0.error_describe = { error, description in
                let code = unsafe cpu.error_describe(error, description)
                unsafe description?.pointee.text = nil
                return code
            }
        },
        unsafe PlantedFault("error descriptions are written whole", caughtBy: "runtime/error/older") {
            unsafe $0.error_describe = { error, description in
                let size = unsafe description?.pointee.header.struct_size ?? 0
                unsafe description?.pointee.header.struct_size = UInt32(
                    unsafe MemoryLayout<heng_error_description>.size)
                defer { unsafe description?.pointee.header.struct_size = size }
                return unsafe cpu.error_describe(error, description)
            }
        },
        unsafe PlantedFault("codes are positive", caughtBy: "runtime/device/count") {
            unsafe $0.device_count = { count, error in
                _ = unsafe cpu.device_count(count, error)
                return 7
            }
        },
        unsafe PlantedFault("success comes with an error object", caughtBy: "runtime/device/count") {
            unsafe $0.device_count = { count, error in
                var device: OpaquePointer?
                _ = unsafe cpu.device_get(UInt32.max, &device, error)
                return unsafe cpu.device_count(count, nil)
            }
        },
        unsafe PlantedFault("failures write a result", caughtBy: "runtime/device/index") {
            unsafe $0.device_get = { index, device, error in
                let code = unsafe cpu.device_get(index, device, error)
                if code != 0 { unsafe device?.pointee = OpaquePointer(bitPattern: 0x1000) }
                return code
            }
        },
    ]
}

/// A name that is no lower-case word, for ever.
nonisolated(unsafe) private let strong: UnsafeMutablePointer<CChar> = {
    let bytes = Array("LOUD".utf8CString)
    let place = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    unsafe place.initialize(from: bytes, count: bytes.count)
    return unsafe place
}()
