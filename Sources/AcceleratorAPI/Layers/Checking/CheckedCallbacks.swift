// The callbacks group through the checking layer. callback_process names no stream, so the layer knows which threads
// serve whose streams.

internal import CHengAccelerator
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

private let objects = CheckedObjects.shared
private let group = unsafe CheckedGroup(kind: HENG_KIND_CALLBACK_TABLE, name: "callbacks") {
    unsafe heng_callback_table()
}

/// The streams that each thread serves, by the layer's numbers.
private enum Servers {
    private static let state = Mutex<[UInt: [UInt]]>([:])

    static var streamsOfThisThread: [UInt] { state.withLock { $0[thread] ?? [] } }
    static func add(_ stream: UInt) { state.withLock { $0[thread, default: []].append(stream) } }
    static func remove(_ stream: UInt) {
        state.withLock { state in
            state = state.mapValues { $0.filter { $0 != stream } }.filter { !$0.value.isEmpty }
        }
    }

    private static var thread: UInt { UInt(pthread_self()) }
}

func makeCheckedCallbacks() -> heng_callback_table {
    var table = unsafe heng_callback_table()
    unsafe table.header = unsafe StructCrossing.header(HENG_KIND_CALLBACK_TABLE, of: heng_callback_table.self)
    unsafe addSubscribing(&table)
    unsafe table.callback_launch = { stream, callback, user, blocking, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "callback_launch", as: "stream")
            guard unsafe callback != nil else {
                throw invalid("callback_launch", "callback_launch got no function.")
            }
            guard blocking <= 1 else {
                throw invalid("callback_launch", "A callback blocks (1) or not (0), and not \(blocking).")
            }
            try unsafe group.call(object, "callback_launch", \.callback_launch) {
                unsafe $0(object.inner, callback, user, blocking, correlation, $1)
            }
        }
    }
    unsafe table.callback_process = { milliseconds, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            try checkTimeout(milliseconds, "callback_process")
            let served = try server("callback_process")
            guard let served else {
                throw DeviceError(
                    .subscriptionThread, operation: "callback_process",
                    text: "The calling thread serves the callbacks of no stream.")
            }
            try unsafe group.call(served, "callback_process", \.callback_process) {
                unsafe $0(milliseconds, $1)
            }
        }
    }
    return unsafe table
}

/// A living stream that the calling thread serves.
private func server(_ operation: StaticString) throws(DeviceError) -> CheckedObject? {
    for number in Servers.streamsOfThisThread where objects.areLiving([number]) {
        return try unsafe objects.find(OpaquePointer(bitPattern: number), operation, as: "stream")
    }
    return nil
}

private func addSubscribing(_ table: inout heng_callback_table) {
    unsafe table.callback_subscribe = { stream, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "callback_subscribe", as: "stream")
            let own = try objects.table(of: object)
            if let other = try server("callback_subscribe"),
                unsafe try objects.table(of: other).functions != own.functions
            {
                throw DeviceError(
                    .unsupported, operation: "callback_subscribe",
                    text: "A thread serves the callbacks of one backend, and this one serves another's.")
            }
            try unsafe group.call(object, "callback_subscribe", \.callback_subscribe) {
                unsafe $0(object.inner, $1)
            }
            Servers.add(object.number)
        }
    }
    unsafe table.callback_unsubscribe = { stream, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(stream, "callback_unsubscribe", as: "stream")
            try unsafe group.call(object, "callback_unsubscribe", \.callback_unsubscribe) {
                unsafe $0(object.inner, $1)
            }
            Servers.remove(object.number)
        }
    }
}
