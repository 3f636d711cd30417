internal import AcceleratorAPI
internal import CHengAccelerator

extension SimulatedTable {
    static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.device_describe = { device, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_describe") {
                    device throws(DeviceError) in
                    try unsafe Arguments.fill(
                        description, HENG_KIND_DEVICE_DESCRIPTION, with: device.describe(), "device_describe")
                }
            }
        }
        unsafe table.device_synchronize = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_synchronize") {
                    device throws(DeviceError) in
                    try device.synchronize()
                }
            }
        }
        unsafe table.device_attribute = { device, index, key, value, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_attribute") {
                    device throws(DeviceError) in
                    try unsafe device.texts.attributes.read(index, key, value)
                }
            }
        }
        unsafe table.device_status = { device, status, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_status") {
                    device throws(DeviceError) in
                    try device.require(.reportStatus, "device_status")
                    _ = try device.strike("device_status")
                    device.see()
                    try unsafe Arguments.fill(
                        status, HENG_KIND_DEVICE_STATUS, with: device.status(), "device_status")
                }
            }
        }
        unsafe table.device_reset = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_reset") { device throws(DeviceError) in
                    try device.require(.reset, "device_reset")
                    try device.refuseFromHostFunction("device_reset")
                    _ = try device.strike("device_reset")
                    device.settle()
                    device.reset()
                }
            }
        }
        unsafe table.device_clock = { device, deviceTime, hostTime, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_clock") { device throws(DeviceError) in
                    try device.require(.correlateClocks, "device_clock")
                    let own = try unsafe place(deviceTime, "device_clock")
                    let host = try unsafe place(hostTime, "device_clock")
                    _ = try device.strike("device_clock")
                    try device.check("device_clock")
                    unsafe own.pointee = device.machine.now
                    unsafe host.pointee = monotonicNanoseconds()
                }
            }
        }
    }

    static func addPartitionFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.device_partition = { device, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "device_partition") {
                    device throws(DeviceError) in
                    try device.require(.partition, "device_partition")
                    let arguments = try unsafe Arguments.read(
                        arguments, HENG_KIND_PARTITION_ARGUMENTS, heng_partition_arguments(),
                        "device_partition")
                    let target = try unsafe place(result, "device_partition")
                    _ = try device.strike("device_partition")
                    try device.check("device_partition")
                    let part = try device.part(
                        units: unsafe Int(arguments.compute_units), memory: unsafe arguments.memory_bytes)
                    unsafe target.pointee = Handles.add(part)
                }
            }
        }
        unsafe table.device_release = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: handle, "device_release") { part throws(DeviceError) in
                    _ = try part.strike("device_release")
                    try part.release()
                    unsafe Handles.remove(handle)
                }
            }
        }
    }
}
