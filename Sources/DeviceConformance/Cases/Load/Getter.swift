internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

extension DeviceCases {
    static let getter: [DeviceCase] = [
        .load("getter/version", "the getter serves its major number and refuses others", 3) { trial in
            let major = UInt32(HENG_ACCELERATOR_MAJOR)
            try unsafe trial.require(
                trial.target.getter(major) != nil, "There is no table for version \(major).")
            for other in [0, major + 1, 1000, UInt32.max] {
                try unsafe trial.require(
                    trial.target.getter(other) == nil, "There is a table for version \(other), which is none."
                )
            }
        },
        .load("getter/repeated", "the getter gives the same table each time, also from many threads") {
            trial in
            let first = unsafe UInt(bitPattern: trial.target.getter(HENG_ACCELERATOR_MAJOR))
            let target = trial.target
            let wrong = Atomic<Int>(0)
            let counter = ThreadCounter()
            for _ in 0..<8 {
                try startThread {
                    for _ in 0..<1000
                    where unsafe UInt(bitPattern: target.getter(HENG_ACCELERATOR_MAJOR)) != first {
                        counter.count(1)
                    }
                    counter.leave()
                }
            }
            counter.wait(for: 8)
            wrong.store(counter.counted, ordering: .relaxed)
            try trial.require(
                wrong.load(ordering: .relaxed) == 0, "The getter gives different tables.")
        },
        .load("table/header", "the table says its size, kind and version, and has a name", 3) { trial in
            let table = try unsafe trial.table()
            let least = unsafe MemoryLayout<heng_accelerator_table>.offset(of: \.group) ?? 0
            let size = unsafe Int(table.header.struct_size)
            try trial.require(size >= least, "The table has \(size) bytes; what is required needs \(least).")
            try unsafe trial.require(
                table.header.struct_kind == UInt32(HENG_KIND_TABLE),
                "The table's struct_kind is \(table.header.struct_kind).")
            try unsafe trial.require(
                table.abi_major == HENG_ACCELERATOR_MAJOR, "The table's abi_major is \(table.abi_major).")
            let name = unsafe table.name.map { unsafe String(cString: $0) } ?? ""
            try trial.require(
                !name.isEmpty && name == name.lowercased(),
                "The table's name is “\(name)”, not a lower-case word.")
        },
        .load("table/required", "every required function is there", 66) { trial in
            let missing = try unsafe RequiredFunctions.missing(in: trial.table())
            try trial.require(
                missing.isEmpty, "Required functions are missing: \(missing.joined(separator: ", ")).")
        },
        .load(
            "group/unknown",
            "an unknown group and an unknown procedure are not supported, also before initialize"
        ) {
            trial in
            let table = try unsafe trial.table()
            let rig = unsafe Rig(table, device: .null)
            if let group = unsafe table.group {
                var place: UnsafePointer<heng_header>?
                let answer = unsafe rig.call(group, "group") { unsafe $0(0x7777, &place, $1) }
                try answer.gives(.unsupported, when: "for a kind that is none")
            }
            if let procedure = unsafe table.procedure {
                var found: (@convention(c) () -> Void)?
                let answer = unsafe rig.call(procedure, "procedure") {
                    unsafe $0("heng_no_such_thing_1", &found, $1)
                }
                try answer.gives(.unsupported, when: "for a name that is none")
            }
            try trial.require(rig.broken.isEmpty, rig.broken.first ?? "")
        },
        .load("group/tables", "each group's table says its kind and size, the same each time") { trial in
            let table = try unsafe trial.table()
            guard let group = unsafe table.group else { throw CaseEnd.outside("The table has no group.") }
            let rig = unsafe Rig(table, device: .null)
            for kind in UInt32(HENG_KIND_OPERATOR_TABLE)...UInt32(HENG_KIND_MEDIA_TABLE) {
                var (first, second): (UnsafePointer<heng_header>?, UnsafePointer<heng_header>?) = (nil, nil)
                let answer = unsafe rig.call(group, "group") { unsafe $0(kind, &first, $1) }
                guard answer.code == 0 else {
                    try answer.gives(.unsupported, when: "for a group that is not offered")
                    continue
                }
                _ = unsafe rig.call(group, "group") { unsafe $0(kind, &second, $1) }
                guard let header = unsafe first?.pointee else { try trial.fail("Group \(kind) is null.") }
                try unsafe trial.require(first == second, "Group \(kind) gives another table each time.")
                try unsafe trial.require(
                    header.struct_kind == kind, "The table of group \(kind) says kind \(header.struct_kind).")
                try unsafe trial.require(
                    Int(header.struct_size) > MemoryLayout<heng_header>.size,
                    "The table of group \(kind) has no size.")
            }
        },
    ]
}

/// Threads that tell the case something.
final class ThreadCounter: Sendable {
    private let left = Atomic<Int>(0)
    private let sum = Atomic<Int>(0)

    func count(_ value: Int) { sum.wrappingAdd(value, ordering: .relaxed) }
    func leave() { left.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    var counted: Int { sum.load(ordering: .relaxed) }

    func wait(for count: Int) {
        let deadline = TimePoint.monotonicNow() + .seconds(30)
        while left.load(ordering: .acquiring) < count, TimePoint.monotonicNow() < deadline {
            ProcessTraces.pause()
        }
    }
}

/// What the header marks as required.
enum RequiredFunctions {
    static func missing(in table: heng_accelerator_table) -> [String] {
        let present: [(String, Bool)] = unsafe [
            ("initialize", table.initialize != nil), ("finalize", table.finalize != nil),
            ("device_count", table.device_count != nil), ("device_get", table.device_get != nil),
            ("device_describe", table.device_describe != nil),
            ("device_synchronize", table.device_synchronize != nil),
            ("context_create", table.context_create != nil),
            ("context_destroy", table.context_destroy != nil),
            ("stream_create", table.stream_create != nil), ("stream_destroy", table.stream_destroy != nil),
            ("stream_synchronize", table.stream_synchronize != nil),
            ("stream_wait_event", table.stream_wait_event != nil), ("stream_copy", table.stream_copy != nil),
            ("stream_fill", table.stream_fill != nil), ("event_create", table.event_create != nil),
            ("event_destroy", table.event_destroy != nil), ("event_record", table.event_record != nil),
            ("event_query", table.event_query != nil), ("event_synchronize", table.event_synchronize != nil),
            ("buffer_allocate", table.buffer_allocate != nil), ("buffer_free", table.buffer_free != nil),
            ("error_describe", table.error_describe != nil), ("error_destroy", table.error_destroy != nil),
        ]
        return present.filter { !$0.1 }.map(\.0)
    }

    /// The functions that a device's claims promise and its table does not have.
    static func promised(_ claims: DeviceCapabilities, missingIn table: heng_accelerator_table) -> [String] {
        let promises: [(DeviceCapabilities, String, Bool)] = unsafe [
            (.runHostFunctions, "stream_launch", table.stream_launch != nil),
            (.runHostFunctions, "stream_launch_fallible", table.stream_launch_fallible != nil),
            (.addressBuffers, "buffer_host_address", table.buffer_host_address != nil),
            (.countMemory, "context_memory_info", table.context_memory_info != nil),
            (.limitMemory, "context_limit_memory", table.context_limit_memory != nil),
            (.trimMemory, "context_trim_memory", table.context_trim_memory != nil),
            (.trimMemory, "context_keep_memory", table.context_keep_memory != nil),
            (.timeEvents, "event_elapsed", table.event_elapsed != nil),
            (.allocateHostMemory, "host_allocate", table.host_allocate != nil),
            (.allocateHostMemory, "host_free", table.host_free != nil),
            (.allocateInStreams, "stream_allocate", table.stream_allocate != nil),
            (.allocateInStreams, "stream_free", table.stream_free != nil),
            (.copyBlocks, "stream_copy_block", table.stream_copy_block != nil),
            (.abort, "stream_abort", table.stream_abort != nil),
            (.reset, "device_reset", table.device_reset != nil),
            (.rebuild, "context_rebuild", table.context_rebuild != nil),
            (.partition, "device_partition", table.device_partition != nil),
            (.partition, "device_release", table.device_release != nil),
            (.reportStatus, "device_status", table.device_status != nil),
            (.correlateClocks, "device_clock", table.device_clock != nil),
        ]
        return promises.filter { claims.contains($0.0) && !$0.2 }.map(\.1)
    }
}
