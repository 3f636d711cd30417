// A whole backend behind the checking layer: its process functions too, so that what drives a bare table, as the
// conformance kit does, drives the layer.

internal import CHengAccelerator
internal import Essentials
internal import Synchronization

private let objects = CheckedObjects.shared

extension CheckingLayer {
    /// The same backend with every call checked.
    ///
    /// Functions of a table know nothing but their arguments, so a process has one such backend at most; the getter
    /// gives no table for another.
    package static func wrap(_ base: Backend) -> Backend {
        unsafe Backend(name: base.name, key: "checked \(base.key)", services: base.services) { major in
            unsafe CheckedProcess.table(over: base, major)
        }
    }
}

/// The backend that this process has behind the layer.
private enum CheckedProcess {
    private struct State: Sendable {
        var base: DeviceTable?
        var key = ""
        var own: DeviceTable?
        /// The numbers of our handles of the backend's devices, by the backend's own.
        var devices: [UInt: UInt] = [:]
    }

    private static let state = Mutex(State())

    static func table(over backend: Backend, _ major: UInt32) -> UnsafePointer<heng_accelerator_table>? {
        guard let source = unsafe backend.getter(major),
            let base = try? unsafe DeviceTable(copying: source)
        else { return nil }
        let own = state.withLock { state -> DeviceTable? in
            if let own = state.own { return state.key == backend.key ? own : nil }
            let own = unsafe DeviceTable(owning: make(over: base.functions.pointee))
            (state.base, state.own, state.key) = (base, own, backend.key)
            return own
        }
        return unsafe own?.functions
    }

    /// The backend's own table; it is there before any function of ours can be called.
    static func base(_ operation: StaticString) throws(DeviceError) -> DeviceTable {
        guard let base = state.withLock({ $0.base }) else {
            throw DeviceError(
                .notInitialized, operation: "\(operation)", text: "No backend is behind the checking layer.")
        }
        return base
    }

    /// Our handle of a device, the same at each call.
    static func handle(
        of inner: OpaquePointer, _ index: UInt32, _ base: DeviceTable
    ) throws(DeviceError) -> OpaquePointer? {
        let key = UInt(bitPattern: inner)
        if let known = state.withLock({ $0.devices[key] }) { return unsafe OpaquePointer(bitPattern: known) }
        let device = try unsafe Device(table: base, handle: inner, index: Int(index))
        let number = unsafe checkedNumber(
            objects.add(CheckedObject(.device(device), inner: inner, owner: 0)))
        let first = state.withLock { state in
            let first = state.devices[key] ?? number
            state.devices[key] = first
            return first
        }
        if first != number { objects.remove(number) }
        return unsafe OpaquePointer(bitPattern: first)
    }

    /// Devices end with finalize.
    static func forgetDevices() {
        let ended = state.withLock { state in
            defer { state.devices = [:] }
            return Array(state.devices.values)
        }
        for number in ended { objects.remove(number) }
    }

    private static func make(over base: heng_accelerator_table) -> heng_accelerator_table {
        var table = unsafe makeCheckedTable()
        unsafe table.name = base.name
        unsafe table.vendor = base.vendor
        unsafe table.version = base.version
        unsafe addProcess(&table)
        return unsafe table
    }

    private static func addProcess(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let base = try CheckedProcess.base("initialize")
                try unsafe base.call(base.functions.pointee.initialize, "initialize") {
                    unsafe $0(arguments, $1)
                }
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let base = try CheckedProcess.base("finalize")
                try unsafe base.call(base.functions.pointee.finalize, "finalize") { unsafe $0($1) }
                CheckedProcess.forgetDevices()
            }
        }
        unsafe table.device_count = { count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let base = try CheckedProcess.base("device_count")
                let target = try unsafe place(count, "device_count")
                try unsafe base.call(base.functions.pointee.device_count, "device_count") {
                    unsafe $0(target, $1)
                }
            }
        }
        unsafe table.device_get = { index, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let base = try CheckedProcess.base("device_get")
                let target = try unsafe place(result, "device_get")
                var found: OpaquePointer?
                try unsafe base.call(base.functions.pointee.device_get, "device_get") {
                    unsafe $0(index, &found, $1)
                }
                unsafe target.pointee = try unsafe CheckedProcess.handle(
                    of: made(found, "device_get", base), index, base)
            }
        }
        unsafe table.group = { kind, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let base = try CheckedProcess.base("group")
                let target = try unsafe place(result, "group")
                guard unsafe base.group(Int(kind)) != nil, let own = unsafe CheckedGroups.table(Int(kind))
                else {
                    throw DeviceError(
                        .unsupported, operation: "group",
                        text: "The backend \(base.name) has no group \(kind) that can be checked.")
                }
                unsafe target.pointee = unsafe own
            }
        }
    }
}
