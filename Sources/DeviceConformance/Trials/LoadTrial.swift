internal import AcceleratorAPI
package import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Where the table under test comes from, and which of its devices is meant.
@safe package struct KitTarget: Sendable {
    /// The device as users name it, or the plugin's file and number.
    package let name: String
    /// The library's getter, or that of a compiled-in backend.
    package let getter: @Sendable (UInt32) -> UnsafePointer<heng_accelerator_table>?
    package let index: UInt32
    /// The file of the plugin; nil for what is compiled in.
    package let library: String?

    package init(
        name: String, index: UInt32, library: String? = nil,
        getter: @escaping @Sendable (UInt32) -> UnsafePointer<heng_accelerator_table>?
    ) {
        self.name = name
        self.index = index
        self.library = library
        unsafe self.getter = unsafe getter
    }

    /// Loads a plugin's library, and finds its getter.
    package init(library: String, index: UInt32) throws {
        guard let handle = unsafe dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
            let why = unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given"
            throw Failure(
                "The plugin \(library) cannot be loaded: \(why).",
                nextStep: "Build it for this machine, with all libraries that it needs.",
                exitCode: .setupMissing)
        }
        guard let symbol = unsafe dlsym(handle, HENG_ACCELERATOR_GETTER_NAME) else {
            throw Failure(
                "The plugin \(library) does not export \(HENG_ACCELERATOR_GETTER_NAME).",
                nextStep: "Mark that function with HENG_EXPORT.", exitCode: .setupMissing)
        }
        let getter = unsafe unsafeBitCast(
            symbol, to: (@convention(c) (UInt32) -> UnsafePointer<heng_accelerator_table>?).self)
        unsafe self.init(name: "\(library):\(index)", index: index, library: library) { unsafe getter($0) }
    }
}

/// What a case of level L0 works with: the library as it is before anybody has called it.
package final class LoadTrial {
    let target: KitTarget

    init(_ target: KitTarget) { self.target = target }

    func fail(_ sentence: String) throws -> Never { throw CaseEnd.failed(sentence) }

    func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
        if !holds { throw CaseEnd.failed(otherwise()) }
    }

    /// The library's table, as far as it reaches.
    func table() throws -> heng_accelerator_table {
        guard let source = unsafe target.getter(HENG_ACCELERATOR_MAJOR),
            let table = unsafe StructCrossing.read(source, zero: heng_accelerator_table())
        else { throw CaseEnd.failed("The getter gives no table for version \(HENG_ACCELERATOR_MAJOR).") }
        return unsafe table
    }

    /// The table for calls that need no device.
    func rig() throws -> Rig { try unsafe Rig(table(), device: .null) }

    /// Initializes, opens the device, and gives the table with it.
    func opened() throws -> Rig {
        let rig = try rig()
        try rig.initialize().done()
        let device = try rig.deviceGet(target.index).made()
        return try unsafe Rig(table(), device: device)
    }
}

// MARK: - The process calls

extension Rig {
    /// What an initialize call may be given beside the usual.
    struct Start {
        var major = UInt32(HENG_ACCELERATOR_MAJOR)
        var minor = UInt32(HENG_ACCELERATOR_MINOR)
        var size: UInt32?
        var extensionKind: UInt32?
    }

    func initialize(_ start: Start = Start()) -> Answer {
        // Room for a caller that is newer than we are: what lies behind our struct is not zero.
        let room = UnsafeMutableRawPointer.allocate(byteCount: 512, alignment: 16)
        defer { unsafe room.deallocate() }
        unsafe room.initializeMemory(as: UInt8.self, repeating: 0x5A, count: 512)
        var raw = unsafe heng_initialize_arguments()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        if let size = start.size { unsafe raw.header.struct_size = size }
        unsafe raw.abi_major = start.major
        unsafe raw.abi_minor = start.minor
        var link = unsafe heng_header(
            struct_size: UInt32(MemoryLayout<heng_header>.size), struct_kind: start.extensionKind ?? 0,
            next: nil)
        return unsafe withUnsafePointer(to: &link) { link in
            if start.extensionKind != nil { unsafe raw.header.next = UnsafeRawPointer(link) }
            unsafe room.storeBytes(of: raw, as: heng_initialize_arguments.self)
            let size = min(512, Int(start.size ?? 512))
            if unsafe size < MemoryLayout<heng_initialize_arguments>.size, size >= 0 {
                // Beyond what the caller says there is, a reader may find anything.
                unsafe (room + size).initializeMemory(as: UInt8.self, repeating: 0x5A, count: 512 - size)
                unsafe room.storeBytes(of: raw.header, as: heng_header.self)
            }
            return unsafe call(functions.initialize, "initialize") {
                unsafe $0(UnsafePointer(room.assumingMemoryBound(to: heng_initialize_arguments.self)), $1)
            }
        }
    }

    /// Initializes with services of the host.
    func initialize(services: inout heng_host_services) -> Answer {
        var raw = unsafe heng_initialize_arguments()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
        unsafe raw.abi_major = HENG_ACCELERATOR_MAJOR
        unsafe raw.abi_minor = HENG_ACCELERATOR_MINOR
        return unsafe withUnsafePointer(to: &services) { services in
            unsafe raw.header.next = UnsafeRawPointer(services)
            return unsafe call(functions.initialize, "initialize") { unsafe $0(&raw, $1) }
        }
    }

    func finalize() -> Answer { unsafe call(functions.finalize, "finalize") { unsafe $0($1) } }
}
