internal import AcceleratorAPI
internal import CHengAccelerator

/// The table of simulated devices: each function finds its objects and calls one function with the lock held.
enum SimulatedTable {
    static func make() -> heng_accelerator_table {
        var table = unsafe heng_accelerator_table.named("simdev", vendor: "Heng", version: "1.0")
        unsafe addProcessFunctions(&table)
        unsafe addDeviceFunctions(&table)
        unsafe addPartitionFunctions(&table)
        unsafe addContextFunctions(&table)
        unsafe addMemoryFunctions(&table)
        unsafe addStreamFunctions(&table)
        unsafe addWorkFunctions(&table)
        unsafe addCopyFunctions(&table)
        unsafe addEventFunctions(&table)
        unsafe addEventQuestions(&table)
        unsafe addBufferFunctions(&table)
        unsafe addHostMemoryFunctions(&table)
        return unsafe table
    }

    private static func addProcessFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.initialize = { arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedDevices.initialize(arguments)
            }
        }
        unsafe table.finalize = { error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try SimulatedDevices.finalize()
            }
        }
        unsafe table.device_count = { count, error in unsafe SimulatedDevices.count(count, error) }
        unsafe table.device_get = { index, result, error in
            unsafe SimulatedDevices.get(index, result, error)
        }
        unsafe table.group = { kind, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let target = try unsafe place(result, "group")
                guard let found = unsafe SimulatedGroups.table(Int(kind)) else {
                    throw DeviceError(
                        .unsupported, operation: "group", text: "Simulated devices have no group \(kind).")
                }
                unsafe target.pointee = unsafe found
            }
        }
        unsafe table.procedure = { name, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                guard let result = unsafe result, let name = unsafe name else {
                    throw invalid("procedure", "procedure wants a name and a place for its result.")
                }
                unsafe result.pointee = try SimulatedProcedures.find(unsafe String(cString: name))
            }
        }
    }

    /// Finds an object and runs the body with the lock of its device.
    static func with<Object: OwnedObject>(
        _ handle: OpaquePointer?, _ type: Object.Type, _ operation: String,
        _ body: (Object) throws(DeviceError) -> Void
    ) throws(DeviceError) {
        let object = try unsafe Handles.find(handle, type, operation)
        try object.context.device.monitor.locked { () throws(DeviceError) in try body(object) }
    }

    static func with(
        context handle: OpaquePointer?, _ operation: String,
        _ body: (SimulatedContext) throws(DeviceError) -> Void
    ) throws(DeviceError) {
        let context = try unsafe Handles.find(handle, SimulatedContext.self, operation)
        try context.device.monitor.locked { () throws(DeviceError) in try body(context) }
    }

    static func with(
        device handle: OpaquePointer?, _ operation: String,
        _ body: (SimulatedDevice) throws(DeviceError) -> Void
    ) throws(DeviceError) {
        let device = try unsafe Handles.find(handle, SimulatedDevice.self, operation)
        try device.monitor.locked { () throws(DeviceError) in try body(device) }
    }
}
