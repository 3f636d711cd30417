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

    private enum State {
        case fresh
        case initialized([OpenCLDevice])
        case finalized
    }

    private static let state = Mutex(State.fresh)
    /// Devices of all times, because handles of a time before finalize may still be looked at.
    private static let everFound = Mutex<[OpenCLDevice]>([])
    private static let table = unsafe DeviceTable(owning: OpenCLTable.make())

    static func initialize(_ arguments: UnsafePointer<heng_initialize_arguments>?) throws(DeviceError) {
        guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_initialize_arguments()) else {
            throw invalid("initialize", "The arguments are null or shorter than a header.")
        }
        guard unsafe arguments.abi_major == HENG_ACCELERATOR_MAJOR else {
            throw DeviceError(
                .version, operation: "initialize",
                text: "The caller wants interface version \(unsafe arguments.abi_major); this is version "
                    + "\(HENG_ACCELERATOR_MAJOR).")
        }
        if let kind = unsafe StructCrossing.unknownMandatory(after: arguments.header) {
            throw DeviceError(
                .unsupported, operation: "initialize",
                text: "The OpenCL backend does not know the mandatory extension \(kind).")
        }
        let isFirst = state.withLock { state in
            if case .initialized = state { return false }
            let devices = find()
            everFound.withLock { $0 += devices }
            state = .initialized(devices)
            return true
        }
        guard isFirst else {
            throw DeviceError(
                .repeatedInitialize, operation: "initialize",
                text: "The OpenCL backend is initialized already.")
        }
    }

    static func finalize() throws(DeviceError) {
        let problem = state.withLock { state -> DeviceError? in
            switch state {
            case .fresh: return notInitialized("finalize")
            case .finalized:
                return DeviceError(
                    .repeatedFinalize, operation: "finalize",
                    text: "The OpenCL backend is finalized already.")
            case .initialized(let devices):
                let living = Parts.livingContexts + devices.reduce(0) { $0 + $1.livingContexts }
                guard living == 0 else {
                    return DeviceError(
                        .notReleased, operation: "finalize",
                        text: "\(living) contexts of the OpenCL backend still live.")
                }
                for device in devices { device.close() }
                state = .finalized
                return nil
            }
        }
        if let problem { throw problem }
    }

    static func devices(_ operation: String) throws(DeviceError) -> [OpenCLDevice] {
        let devices = state.withLock { state -> [OpenCLDevice]? in
            if case .initialized(let devices) = state { devices } else { nil }
        }
        guard let devices else { throw notInitialized(operation) }
        return devices
    }

    private static func notInitialized(_ operation: String) -> DeviceError {
        DeviceError(.notInitialized, operation: operation, text: "The OpenCL backend is not initialized.")
    }

    private static func find() -> [OpenCLDevice] {
        let library = ProgramFile.environment("HENG_OPENCL_LIBRARY")
        let isThere =
            if let library { unsafe library.withCString { unsafe opencl_open($0) } } else { opencl_open(nil) }
        guard isThere == 1 else { return [] }
        return unsafe list { unsafe opencl_platforms($0, $1) }.flatMap { platform in
            let name = platformName(platform)
            return unsafe list { unsafe opencl_devices(platform, $0, $1) }.compactMap { handle in
                DeviceFacts(of: handle, platform: name).map { OpenCLDevice(raw: handle, facts: $0) }
            }
        }
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

    static var livingContexts: Int { living.withLock { $0.values.reduce(0) { $0 + $1.livingContexts } } }
    static func add(_ part: OpenCLDevice) { living.withLock { $0[ObjectIdentifier(part)] = part } }

    static func release(_ part: OpenCLDevice) throws(DeviceError) {
        guard part.whole != nil else {
            throw DeviceError(
                .invalidDevice, operation: "device_release",
                text: "\(part.facts.name) is not what device_partition made.")
        }
        guard part.livingContexts == 0 else {
            throw DeviceError(
                .notReleased, operation: "device_release",
                text: "\(part.livingContexts) contexts still live on a part of \(part.facts.name).")
        }
        guard living.withLock({ $0.removeValue(forKey: ObjectIdentifier(part)) }) != nil else {
            throw DeviceError(
                .invalidDevice, operation: "device_release", text: "The part is released already.")
        }
        part.close()
        _ = opencl_release_device(part.raw)
    }
}
