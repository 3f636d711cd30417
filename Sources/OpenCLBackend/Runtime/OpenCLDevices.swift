package import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials
internal import Synchronization

/// The OpenCL backend's entry: its table, and the devices it found.
///
/// The library is opened when the backend is initialized. A machine without it, or without a usable device, has no
/// devices of this kind; that is no error. HENG_OPENCL_LIBRARY names another library file.
package enum OpenCLDevices {
    /// What the registry lists.
    package static let backend = unsafe Backend(name: "opencl") { major in
        major == HENG_ACCELERATOR_MAJOR ? unsafe UnsafePointer(table.functions) : nil
    }

    static let life = DeviceLifecycle<OpenCLDevice>("OpenCL backend")
    /// Devices of all times, because handles of a time before finalize may still be looked at.
    private static let everFound = Mutex<[OpenCLDevice]>([])
    private static let table = unsafe DeviceTable(owning: OpenCLTable.make())

    static func initialize(_ arguments: UnsafePointer<heng_initialize_arguments>?) throws(DeviceError) {
        try unsafe life.initialize(arguments) { _ throws(DeviceError) in
            let devices = find()
            everFound.withLock { $0 += devices }
            return devices
        }
    }

    static func finalize() throws(DeviceError) {
        let devices = try life.finalize { devices in
            Parts.livingContexts + devices.reduce(0) { $0 + $1.living.counts.contexts }
        }
        for device in devices { device.close() }
    }

    private static func find() -> [OpenCLDevice] {
        let library = ProgramFile.environment("HENG_OPENCL_LIBRARY")
        let isThere =
            if let library { unsafe library.withCString { unsafe opencl_open($0) } } else { opencl_open(nil) }
        guard isThere == 1 else { return [] }
        return unsafe list { unsafe opencl_platforms($0, $1) }.flatMap { platform in
            let name = platformName(platform)
            let handles = unsafe list { unsafe opencl_devices(platform, $0, $1) }
            return handles.compactMap { handle -> OpenCLDevice? in
                guard let facts = DeviceFacts(of: handle, platform: name), isGranted(facts) else {
                    return nil
                }
                return OpenCLDevice(raw: handle, facts: facts)
            }
        }
    }

    /// A job that was given no accelerator sees none: `HENG_ACCELERATORS` is there and empty.
    ///
    /// Processors are held by what holds all of the job. Which of several is to be seen, their vendors' variables say.
    private static func isGranted(_ facts: DeviceFacts) -> Bool {
        facts.isCPU || !ProgramFile.isEmptyInEnvironment("HENG_ACCELERATORS")
    }

    private static func list(_ ask: (UnsafeMutablePointer<opencl_handle>?, UInt32) -> UInt32) -> [UInt] {
        var handles = [UInt](repeating: 0, count: 64)
        let count = unsafe handles.withUnsafeMutableBufferPointer {
            unsafe ask($0.baseAddress, UInt32($0.count))
        }
        return Array(handles.prefix(Int(count)))
    }

    private static func platformName(_ platform: UInt) -> String {
        guard let ask = unsafe opencl_get()?.pointee.clGetPlatformInfo else { return "" }
        var bytes = [UInt8](repeating: 0, count: 256)
        let status = unsafe bytes.withUnsafeMutableBytes {
            unsafe ask(platform, UInt32(OPENCL_PLATFORM_NAME), $0.count - 1, $0.baseAddress, nil)
        }
        return status == 0 ? String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) : ""
    }
}

/// The parts that device_partition made and nobody has released yet.
enum Parts {
    private static let living = Mutex<[ObjectIdentifier: OpenCLDevice]>([:])

    static var livingContexts: Int {
        living.withLock { $0.values.reduce(0) { $0 + $1.living.counts.contexts } }
    }
    static func add(_ part: OpenCLDevice) { living.withLock { $0[ObjectIdentifier(part)] = part } }

    static func release(_ part: OpenCLDevice) throws(DeviceError) {
        guard part.whole != nil else {
            throw DeviceError(
                .invalidDevice, operation: "device_release",
                text: "\(part.facts.name) is not what device_partition made.")
        }
        let contexts = part.living.counts.contexts
        guard contexts == 0 else {
            throw DeviceError(
                .notReleased, operation: "device_release",
                text: "\(contexts) contexts still live on a part of \(part.facts.name).")
        }
        guard living.withLock({ $0.removeValue(forKey: ObjectIdentifier(part)) }) != nil else {
            throw DeviceError(
                .invalidDevice, operation: "device_release", text: "The part is released already.")
        }
        part.close()
        _ = opencl_release_device(part.raw)
    }
}
