// The OpenCL devices behind the C table: each function turns handles into objects, calls one method, and turns a
// thrown error into a code. Handles are retained references; create retains, destroy releases.

internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

enum OpenCLTable {
    static func make() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table.named("opencl", vendor: "Heng")
        unsafe addProcessFunctions(&table)
        unsafe addDeviceFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addMemoryFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addWorkFunctions(&table)
        unsafe addCopyFunctions(&table)
        unsafe addEventFunctions(&table)
        return unsafe table
    }

    private static func addProcessFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe OpenCLDevices.initialize(arguments)
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in try OpenCLDevices.finalize() }
        }
        unsafe table.group = { kind, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let target = try unsafe place(result, "group")
                guard let group = unsafe OpenCLGroups.table(kind) else {
                    throw DeviceError(
                        .unsupported, operation: "group", text: "The OpenCL backend has no group \(kind).")
                }
                unsafe target.pointee = unsafe group
            }
        }
        unsafe table.procedure = { name, _, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let name = unsafe name.map { unsafe String(cString: $0) } ?? ""
                throw DeviceError(
                    .unsupported, operation: "procedure",
                    text: "The OpenCL backend has no function of the name \"\(name)\".")
            }
        }
    }

    private static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.device_count = { count, error in unsafe OpenCLDevices.life.count(count, error) }
        unsafe table.device_get = { index, result, error in
            unsafe OpenCLDevices.life.get(index, result, error)
        }
        unsafe table.device_describe = { device, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "device_describe")
                try unsafe deliver(device.describe(), to: description, "device_describe")
            }
        }
        unsafe table.device_status = { device, status, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "device_status")
                try unsafe deliver(device.status(), to: status, "device_status")
            }
        }
        unsafe table.device_attribute = { device, index, key, value, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, OpenCLDevice.self, "device_attribute").attributes.read(
                    index, key, value)
            }
        }
        unsafe table.device_synchronize = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, OpenCLDevice.self, "device_synchronize").synchronize()
            }
        }
        unsafe table.device_partition = { device, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "device_partition")
                let target = try unsafe place(result, "device_partition")
                guard
                    let arguments = unsafe StructCrossing.read(arguments, zero: heng_partition_arguments())
                else {
                    throw invalid("device_partition", "The arguments are null or shorter than a header.")
                }
                let part = try device.part(
                    units: unsafe Int(arguments.compute_units),
                    memory: unsafe Int(clamping: arguments.memory_bytes))
                Parts.add(part)
                unsafe target.pointee = unsafe handle(part)
            }
        }
        unsafe table.device_release = { part, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try Parts.release(try unsafe object(part, OpenCLDevice.self, "device_release"))
                unsafe release(part, OpenCLDevice.self)
            }
        }
    }

    private static func addContextFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_create = { device, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "context_create")
                let target = try unsafe place(result, "context_create")
                unsafe target.pointee = unsafe handle(try OpenCLContext(on: device))
            }
        }
        unsafe table.context_destroy = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, OpenCLContext.self, "context_destroy").close()
                unsafe release(context, OpenCLContext.self)
            }
        }
        unsafe table.context_memory_info = { context, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let account = try unsafe object(context, OpenCLContext.self, "context_memory_info").account
                try unsafe deliver(account.raw, to: info, "context_memory_info")
            }
        }
        unsafe table.context_limit_memory = { context, limit, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, OpenCLContext.self, "context_limit_memory").limitMemory(to: limit)
            }
        }
        unsafe table.context_state = { context, epoch, cause, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(context, OpenCLContext.self, "context_state")
                if let epoch = unsafe epoch { unsafe epoch.pointee = 0 }
                if let cause = unsafe cause { unsafe cause.pointee = nil }
            }
        }
    }
}
