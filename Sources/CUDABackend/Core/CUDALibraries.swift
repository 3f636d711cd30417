internal import CCUDA
internal import Essentials
internal import Synchronization

/// NVIDIA's libraries as far as they are here; all but the driver are opened when first used.
@safe final class CUDALibraries: @unchecked Sendable {
    // Unchecked: the tables are written once by the C side, and which are open is locked.
    let driver: UnsafePointer<hcu_driver>
    let settings: CUDASettings
    private let opened = Mutex(Opened())

    /// Addresses of tables; 0: looked for and not found.
    private struct Opened {
        var compiler: UInt?
        var blas: UInt?
        var management: UInt?
        var blasHandles: [UInt] = []
        var hasStartedManagement = false
    }

    /// Nil where there is no driver.
    init?(_ settings: CUDASettings) {
        let table = unsafe settings.withFolders { unsafe hcu_open_driver($0, $1, nil) }
        guard let table = unsafe table else { return nil }
        unsafe driver = unsafe table
        self.settings = settings
    }

    /// The run-time compiler; nil where it is not installed.
    var compiler: UnsafePointer<hcu_compiler>? {
        unsafe open(\.compiler) { unsafe UInt(bitPattern: hcu_open_compiler($0, $1, nil)) }
    }

    /// The library of products; nil where it is not installed.
    var blas: UnsafePointer<hcu_blas>? {
        unsafe open(\.blas) { unsafe UInt(bitPattern: hcu_open_blas($0, $1, nil)) }
    }

    /// The management library, started; nil where it is not installed or does not start.
    var management: UnsafePointer<hcu_management>? {
        let table: UnsafePointer<hcu_management>? = unsafe open(\.management) { folders, only in
            guard let table = unsafe hcu_open_management(folders, only, nil) else { return 0 }
            return unsafe table.pointee.nvmlInit() == 0 ? UInt(bitPattern: table) : 0
        }
        if unsafe table != nil { opened.withLock { $0.hasStartedManagement = true } }
        return unsafe table
    }

    /// The compiler's version as "13.0"; nil where it is not installed.
    var compilerVersion: String? {
        guard let compiler = unsafe compiler else { return nil }
        var (major, minor): (Int32, Int32) = (0, 0)
        guard unsafe compiler.pointee.nvrtcVersion(&major, &minor) == 0 else { return nil }
        return "\(major).\(minor)"
    }

    /// Ends what was started.
    func close() {
        let management = opened.withLock { opened -> UInt in
            defer { opened.hasStartedManagement = false }
            defer { opened.management = nil }
            return opened.hasStartedManagement ? opened.management ?? 0 : 0
        }
        guard let table = unsafe UnsafePointer<hcu_management>(bitPattern: management) else { return }
        _ = unsafe table.pointee.nvmlShutdown()
    }

    private func open<Table>(
        _ place: WritableKeyPath<Opened, UInt?>, _ body: (UnsafePointer<CChar>?, Int32) -> UInt
    ) -> UnsafePointer<Table>? {
        let address = opened.withLock { opened -> UInt in
            if let known = opened[keyPath: place] { return known }
            let address = unsafe settings.withFolders { unsafe body($0, $1) }
            opened[keyPath: place] = address
            return address
        }
        return unsafe UnsafePointer(bitPattern: address)
    }
}

extension CUDASettings {
    func withFolders<Value>(_ body: (UnsafePointer<CChar>?, Int32) -> Value) -> Value {
        guard let folders else { return body(nil, 0) }
        return unsafe folders.withCString { unsafe body($0, searchesOnlyFolders ? 1 : 0) }
    }
}
