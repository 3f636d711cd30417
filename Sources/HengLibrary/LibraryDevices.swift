internal import AcceleratorAPI
internal import Backends
internal import CHengAccelerator
internal import CHengForwarding
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The devices that libheng.so serves, and the way from a handle back to one.
enum LibraryDevices {
    @safe private struct State: @unchecked Sendable {
        // Unchecked: the handles are only compared.
        var listed: [Device] = []
        var byHandle: [OpaquePointer: Device] = unsafe [:]
    }

    private static let state = Mutex(State())

    /// Gives device number `index` to the forwarding layer; 1 where there is one, 0 behind the last.
    static func give(_ index: UInt32, to place: UnsafeMutablePointer<heng_forwarded_device>?) throws -> Int32
    {
        if index == 0 { try wake() }
        let listed = state.withLock { $0.listed }
        guard let place = unsafe place, index < listed.count else { return 0 }
        let device = listed[Int(index)]
        unsafe place.pointee.table = unsafe device.table.functions
        unsafe place.pointee.device = unsafe device.handle
        unsafe withUnsafeMutableBytes(of: &place.pointee.groups) { bytes in
            let groups = unsafe bytes.bindMemory(to: UnsafePointer<heng_header>?.self)
            for slot in groups.indices {
                unsafe groups[slot] = device.table.group(HENG_KIND_OPERATOR_TABLE + slot)
            }
        }
        return 1
    }

    /// Asks all backends; the null device, which computes nothing, is listed for measuring only.
    private static func wake() throws {
        var devices = try Backends.devices()
        if unsafe getenv("HENG_NULL_DEVICE").map({ unsafe String(cString: $0) }) == "1" {
            devices += try DeviceRegistry.shared.devices(of: NullDevice.backend)
        }
        state.withLock { state in
            state.listed = devices
            for device in devices { unsafe state.byHandle[device.handle] = device }
        }
    }

    /// The device of a looked-up object; parts of devices become known here.
    static func device(of found: heng_forwarded) throws -> Device {
        guard let handle = unsafe found.maker_device, let table = unsafe found.table else {
            throw DeviceError(.general, operation: "device", text: "The object is of no device.")
        }
        if let known = state.withLock({ unsafe $0.byHandle[handle] }) { return known }
        let part = try unsafe Device(table: DeviceTable(copying: table), handle: handle, index: 0)
        state.withLock { unsafe $0.byHandle[handle] = part }
        return part
    }

    /// The device of an object that lives in a context, with everything made in that context.
    static func deviceInContext(of found: heng_forwarded) throws -> Device {
        let device = try unsafe device(of: found)
        guard let context = unsafe found.maker_context else { return device }
        return unsafe Device(device, lending: context)
    }
}
