// The collectives group through the checking layer.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared
private let group = unsafe CheckedGroup(kind: HENG_KIND_COLLECTIVE_TABLE, name: "collectives") {
    unsafe heng_collective_table()
}

func makeCheckedCollectives() -> heng_collective_table {
    var table = unsafe heng_collective_table()
    unsafe table.header = unsafe StructCrossing.header(
        HENG_KIND_COLLECTIVE_TABLE, of: heng_collective_table.self)
    unsafe addCommunicators(&table)
    unsafe addReductions(&table)
    unsafe addTransfers(&table)
    return unsafe table
}

private func addCommunicators(_ table: inout heng_collective_table) {
    unsafe table.communicator_identity = { device, identity, size, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "communicator_identity", as: "device")
            let room = try unsafe place(size, "communicator_identity")
            guard unsafe room.pointee == 0 || identity != nil else {
                throw invalid("communicator_identity", "There is no place for the identity.")
            }
            try unsafe group.call(object, "communicator_identity", \.communicator_identity) {
                unsafe $0(object.inner, identity, room, $1)
            }
        }
    }
    unsafe table.communicator_create = { context, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "communicator_create", as: "context")
            try unsafe StructCrossing.checkHeader(
                arguments, HENG_KIND_COMMUNICATOR_ARGUMENTS, "communicator_create")
            let full = try unsafe StructCrossing.demand(
                arguments, heng_communicator_arguments(), "communicator_create")
            guard unsafe full.rank < full.count, unsafe full.identity_size == 0 || full.identity != nil else {
                throw invalid(
                    "communicator_create",
                    "Rank \(unsafe full.rank) of \(unsafe full.count) cannot be, or the identity is null.")
            }
            let target = try unsafe place(result, "communicator_create")
            var made: OpaquePointer?
            try unsafe group.call(object, "communicator_create", \.communicator_create) {
                unsafe $0(object.inner, arguments, &made, $1)
            }
            unsafe target.pointee = try unsafe register(
                .communicator, made, in: context, "communicator_create")
        }
    }
    unsafe table.communicator_destroy = { communicator, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(communicator, "communicator_destroy", as: "communicator")
            try unsafe group.call(object, "communicator_destroy", \.communicator_destroy) {
                unsafe $0(object.inner, $1)
            }
            objects.remove(object.number)
        }
    }
}

/// A piece of work of a communicator in a stream, after all checks.
@safe private struct Exchange {
    let communicator: CheckedObject
    let stream: CheckedObject

    init(
        _ communicator: OpaquePointer?, _ stream: OpaquePointer?, _ operation: StaticString
    ) throws(DeviceError) {
        self.communicator = try unsafe objects.find(communicator, operation, as: "communicator")
        self.stream = try unsafe objects.find(stream, operation, as: "stream")
        try checkSameDevice(self.communicator, self.stream, operation)
    }

    /// Ranges that hold at least `bytes` each, in the maker's terms; the work counts as using them.
    func ranges(
        _ given: [UnsafePointer<heng_range>?], _ bytes: UInt64, _ operation: StaticString
    ) throws(DeviceError) -> [heng_range] {
        var inner: [heng_range] = unsafe []
        var buffers: [UInt] = []
        for index in unsafe given.indices {
            let found = try unsafe checkedRange(given[index], bytes, stream, operation, isCopy: false)
            unsafe inner.append(found.range)
            unsafe buffers.append(found.buffer)
        }
        unsafe objects.noteWork(
            in: OpaquePointer(bitPattern: stream.number), using: buffers + [communicator.number])
        return unsafe inner
    }

    func call<Function>(
        _ operation: StaticString, _ function: KeyPath<heng_collective_table, Function?>,
        _ body: (Function, ErrorPlace) -> Int32
    ) throws(DeviceError) {
        try unsafe group.call(communicator, operation, function, body)
    }
}

/// The bytes of so many elements of a type.
private func bytes(
    _ count: UInt64, _ type: Int32, _ operation: StaticString
) throws(DeviceError) -> UInt64 {
    let size = heng_type_size(type)
    guard size > 0 else {
        throw DeviceError(
            .dataType, operation: "\(operation)", text: "There are no elements of type \(type) in memory.")
    }
    let bytes = count.multipliedReportingOverflow(by: size)
    guard !bytes.overflow else {
        throw DeviceError(
            .outOfRange, operation: "\(operation)", text: "\(count) elements are more than memory can hold.")
    }
    return bytes.partialValue
}

private func addReductions(_ table: inout heng_collective_table) {
    unsafe table.all_reduce = {
        communicator, stream, destination, source, count, type, reduction, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let work = try unsafe Exchange(communicator, stream, "all_reduce")
            let size = try bytes(count, type, "all_reduce")
            let ranges = try unsafe work.ranges([destination, source], size, "all_reduce")
            var (to, from) = unsafe (ranges[0], ranges[1])
            try unsafe work.call("all_reduce", \.all_reduce) {
                unsafe $0(
                    work.communicator.inner, work.stream.inner, &to, &from, count, type, reduction,
                    correlation, $1)
            }
        }
    }
    unsafe table.reduce_scatter = {
        communicator, stream, destination, source, count, type, reduction, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let work = try unsafe Exchange(communicator, stream, "reduce_scatter")
            let size = try bytes(count, type, "reduce_scatter")
            let ranges = try unsafe work.ranges([destination, source], size, "reduce_scatter")
            var (to, from) = unsafe (ranges[0], ranges[1])
            try unsafe work.call("reduce_scatter", \.reduce_scatter) {
                unsafe $0(
                    work.communicator.inner, work.stream.inner, &to, &from, count, type, reduction,
                    correlation, $1)
            }
        }
    }
    unsafe table.all_gather = { communicator, stream, destination, source, size, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let work = try unsafe Exchange(communicator, stream, "all_gather")
            let ranges = try unsafe work.ranges([destination, source], size, "all_gather")
            var (to, from) = unsafe (ranges[0], ranges[1])
            try unsafe work.call("all_gather", \.all_gather) {
                unsafe $0(work.communicator.inner, work.stream.inner, &to, &from, size, correlation, $1)
            }
        }
    }
}

private func addTransfers(_ table: inout heng_collective_table) {
    unsafe table.broadcast = { communicator, stream, range, size, root, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let work = try unsafe Exchange(communicator, stream, "broadcast")
            var inner = try unsafe work.ranges([range], size, "broadcast")[0]
            try unsafe work.call("broadcast", \.broadcast) {
                unsafe $0(work.communicator.inner, work.stream.inner, &inner, size, root, correlation, $1)
            }
        }
    }
    unsafe table.send = { communicator, stream, source, size, peer, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let work = try unsafe Exchange(communicator, stream, "send")
            var inner = try unsafe work.ranges([source], size, "send")[0]
            try unsafe work.call("send", \.send) {
                unsafe $0(work.communicator.inner, work.stream.inner, &inner, size, peer, correlation, $1)
            }
        }
    }
    unsafe table.receive = { communicator, stream, destination, size, peer, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let work = try unsafe Exchange(communicator, stream, "receive")
            var inner = try unsafe work.ranges([destination], size, "receive")[0]
            try unsafe work.call("receive", \.receive) {
                unsafe $0(work.communicator.inner, work.stream.inner, &inner, size, peer, correlation, $1)
            }
        }
    }
}
