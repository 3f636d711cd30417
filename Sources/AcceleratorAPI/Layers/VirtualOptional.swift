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
