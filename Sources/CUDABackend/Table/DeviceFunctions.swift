internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

extension CUDADevices {
    static func addDeviceFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.device_describe = { device, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CUDADevice.self, "device_describe")
                try unsafe deliver(device.facts.describe(), to: description, "device_describe")
            }
        }
        unsafe table.device_synchronize = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, CUDADevice.self, "device_synchronize").synchronize()
            }
        }
        unsafe table.device_attribute = { device, index, key, value, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, CUDADevice.self, "device_attribute").facts.attributes.read(
                    index, key, value)
            }
        }
        unsafe table.device_status = { device, status, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CUDADevice.self, "device_status")
                try unsafe deliver(device.status(), to: status, "device_status")
            }
        }
        unsafe table.device_reset = { device, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(device, CUDADevice.self, "device_reset")
                    .resetPrimary("device_reset", wasAsked: true)
            }
        }
        unsafe table.device_clock = { device, deviceTime, hostTime, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CUDADevice.self, "device_clock")
                let first = try unsafe place(deviceTime, "device_clock")
                let second = try unsafe place(hostTime, "device_clock")
                let clock = try device.clock()
                unsafe first.pointee = clock.device
                unsafe second.pointee = clock.host
            }
        }
    }
}

extension CUDADevice {
    /// Waits for all streams; throws the first failure after all are done.
    func synchronize() throws(DeviceError) {
        if let error = brokenError("device_synchronize") { throw error }
        var first: DeviceError?
        for stream in streams where stream.generation == generation && !stream.isRecording {
            do throws(DeviceError) { try stream.synchronize(milliseconds: -1) } catch {
                first = first ?? error
            }
        }
        if let first { throw first }
    }
}
