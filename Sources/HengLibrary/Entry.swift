internal import AcceleratorAPI
internal import CHengAccelerator
internal import CHengForwarding

/// The one symbol of libheng.so, as `heng_accelerator.h` declares it.
@_cdecl("heng_accelerator_get")
public func hengAcceleratorGet(_ major: UInt32) -> UnsafeRawPointer? {
    guard major == HENG_ACCELERATOR_MAJOR else { return nil }
    return unsafe UnsafeRawPointer(heng_forwarding_table(LibraryServices.services))
}

/// What the forwarding layer needs from Swift; made once and never freed.
enum LibraryServices {
    static let version = "0.1.0"

    nonisolated(unsafe) static let services: UnsafePointer<heng_forwarding_services> = {
        let place = UnsafeMutablePointer<heng_forwarding_services>.allocate(capacity: 1)
        unsafe place.initialize(to: heng_forwarding_services())
        unsafe place.pointee.version = unsafe cString(version)
        unsafe place.pointee.device = { index, place, error in
            unsafe guardedNumber("initialize", error) { try unsafe LibraryDevices.give(index, to: place) }
        }
        unsafe place.pointee.operators = unsafe kept(makeOperatorTable())
        unsafe place.pointee.models = unsafe kept(makeModelTable())
        unsafe place.pointee.graphs = unsafe kept(makeGraphTable())
        return unsafe UnsafePointer(place)
    }()

    private static func kept<Table>(_ table: Table) -> UnsafePointer<Table> {
        let place = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        return unsafe UnsafePointer(place)
    }
}
