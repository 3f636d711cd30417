// The functions that a maker may leave out, on a virtual device: those that take a device get the base's, and memory
// made in a stream counts against the quota. Contexts, streams and events are the base's own.

internal import CHengAccelerator
internal import Essentials

extension VirtualDevice {
    /// Puts functions of the share's own in place of those that the base offers.
    static func addOptionalFunctions(
        _ table: inout heng_accelerator_table, over base: heng_accelerator_table
    ) {
        unsafe table.group = nil
        unsafe table.procedure = nil
        unsafe table.device_attribute = unsafe base.device_attribute == nil ? nil : attribute
        unsafe table.device_status = unsafe base.device_status == nil ? nil : status
        unsafe table.device_clock = unsafe base.device_clock == nil ? nil : clock
        // A share may not end the work of others, nor be cut up behind the back of who made it.
        unsafe table.device_reset = nil
        unsafe table.device_partition = nil
        unsafe table.device_release = nil
        unsafe table.stream_allocate = unsafe base.stream_allocate == nil ? nil : allocate
        unsafe table.stream_free = unsafe base.stream_free == nil ? nil : free
    }

    private static let attribute:
        @convention(c) (
            OpaquePointer?, UInt32, UnsafeMutablePointer<UnsafePointer<CChar>?>?,
            UnsafeMutablePointer<UnsafePointer<CChar>?>?, ErrorPlace?
        ) -> Int32 = { device, index, key, value, error in
            unsafe VirtualDevice.onBase(device, "device_attribute", error, \.device_attribute) {
                unsafe $0($1, index, key, value, $2)
            }
        }

    private static let status:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<heng_device_status>?, ErrorPlace?
        ) -> Int32 = { device, status, error in
            unsafe VirtualDevice.onBase(device, "device_status", error, \.device_status) {
                unsafe $0($1, status, $2)
            }
        }

    private static let clock:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<Int64>?, UnsafeMutablePointer<Int64>?, ErrorPlace?
        ) -> Int32 = { device, own, host, error in
            unsafe VirtualDevice.onBase(device, "device_clock", error, \.device_clock) {
                unsafe $0($1, own, host, $2)
            }
        }

    private static func onBase<Function>(
        _ device: OpaquePointer?, _ operation: StaticString, _ error: ErrorPlace?,
        _ function: KeyPath<heng_accelerator_table, Function?>,
        _ body: (Function, OpaquePointer, ErrorPlace) -> Int32
    ) -> Int32 {
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let base = try unsafe object(device, VirtualShare.self, operation).base
            try unsafe base.table.call(base.table.functions.pointee[keyPath: function], operation) {
                unsafe body($0, base.handle, $1)
            }
        }
    }

    private static let allocate:
        @convention(c) (
            OpaquePointer?, UnsafePointer<heng_buffer_arguments>?, UnsafeMutablePointer<OpaquePointer?>?,
            ErrorPlace?
        ) -> Int32 = { stream, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe VirtualDevice.allocate(from: stream, arguments, result, "stream_allocate") {
                    table, target, place in
                    unsafe table.stream_allocate?(stream, arguments, target, place)
                        ?? DeviceError.Code.unsupported.rawValue
                }
            }
        }

    private static let free: @convention(c) (OpaquePointer?, OpaquePointer?, ErrorPlace?) -> Int32 = {
        stream, buffer, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let owner = try unsafe virtualOwner(buffer, "stream_free")
            let table = owner.share.base.table
            try unsafe table.call(table.functions.pointee.stream_free, "stream_free") {
                unsafe $0(stream, buffer, $1)
            }
            unsafe forgetVirtual(buffer)
            owner.share.unreserve(owner.bytes)
        }
    }
}

/// The groups of a share: the base's own where no function takes a device, and its operators asked about its device.
enum VirtualGroups {
    static func all(over base: DeviceTable) -> [Int: UnsafePointer<heng_header>] {
        var groups = unsafe operators(over: base)
        for kind in [HENG_KIND_RECORDING_TABLE, HENG_KIND_PROFILE_TABLE] {
            unsafe groups[kind] = unsafe base.group(kind)
        }
        return unsafe groups
    }

    /// A table of the share's own, with the base's functions where they do not take a device.
    private static func operators(over base: DeviceTable) -> [Int: UnsafePointer<heng_header>] {
        guard let found = unsafe base.group(HENG_KIND_OPERATOR_TABLE),
            var table = unsafe StructCrossing.read(
                UnsafeRawPointer(found).assumingMemoryBound(to: heng_operator_table.self),
                zero: heng_operator_table())
        else { return unsafe [:] }
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
        unsafe table.operator_list = { device, index, listing, error in
            unsafe VirtualGroups.ask(device, "operator_list", error, \.operator_list) {
                unsafe $0($1, index, listing, $2)
            }
        }
        unsafe table.operator_supports = { device, description, refusal, error in
            unsafe VirtualGroups.ask(device, "operator_supports", error, \.operator_supports) {
                unsafe $0($1, description, refusal, $2)
            }
        }
        unsafe table.operator_infer = { device, description, outputs, count, error in
            unsafe VirtualGroups.ask(device, "operator_infer", error, \.operator_infer) {
                unsafe $0($1, description, outputs, count, $2)
            }
        }
        // Never freed: tables live as long as the process.
        let place = UnsafeMutablePointer<heng_operator_table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        return unsafe [
            HENG_KIND_OPERATOR_TABLE: UnsafeRawPointer(place).assumingMemoryBound(to: heng_header.self)
        ]
    }

    private static func ask<Function>(
        _ device: OpaquePointer?, _ operation: StaticString, _ error: ErrorPlace?,
        _ function: KeyPath<heng_operator_table, Function?>,
        _ body: (Function, OpaquePointer, ErrorPlace) -> Int32
    ) -> Int32 {
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let base = try unsafe object(device, VirtualShare.self, operation).base
            guard let found = unsafe base.table.group(HENG_KIND_OPERATOR_TABLE),
                let full = unsafe StructCrossing.read(
                    UnsafeRawPointer(found).assumingMemoryBound(to: heng_operator_table.self),
                    zero: heng_operator_table())
            else {
                throw DeviceError(
                    .unsupported, operation: "\(operation)",
                    text: "The backend \(base.table.name) has no operators.")
            }
            try unsafe base.table.call(full[keyPath: function], operation) {
                unsafe body($0, base.handle, $1)
            }
        }
    }
}
