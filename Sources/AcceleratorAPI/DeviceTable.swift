package import CHengAccelerator
internal import Essentials
internal import Synchronization

/// A backend's function table, checked and completed once, and shared by everything opened through it.
///
/// The backend's own table may be shorter than ours (an older maker) or longer; the copy kept here has exactly
/// our size, with nil for what the backend does not offer. It is never freed: tables live as long as the process.
@safe package struct DeviceTable: @unchecked Sendable {
    // Unchecked: the table is written once, before anyone else sees it.
    package let functions: UnsafePointer<heng_accelerator_table>
    /// The groups of a layer's table, which stand for those of the backend below; nil where the table is a backend's.
    ///
    /// Behind a pointer, like the functions, so that passing a table around counts no references.
    private let layerGroups: UnsafePointer<[Int: UnsafePointer<heng_header>]>?

    /// Copies a table, or refuses one of another major number.
    package init(copying source: UnsafePointer<heng_accelerator_table>) throws(DeviceError) {
        guard let full = unsafe StructCrossing.read(source, zero: heng_accelerator_table()),
            unsafe full.abi_major == HENG_ACCELERATOR_MAJOR
        else {
            throw DeviceError(
                .version, operation: "get", text: "The backend's table is not of interface version 1.")
        }
        unsafe self.init(owning: full, layerGroups: DeviceTable.layerGroups(at: source))
    }

    /// Keeps a table made by our own code; a layer gives the groups that it has.
    package init(
        owning table: heng_accelerator_table, layerGroups: [Int: UnsafePointer<heng_header>]? = nil
    ) {
        let place = UnsafeMutablePointer<heng_accelerator_table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        unsafe place.pointee.header.struct_size = UInt32(MemoryLayout<heng_accelerator_table>.size)
        unsafe functions = UnsafePointer(place)
        unsafe self.layerGroups = unsafe layerGroups.map { groups in
            let place = UnsafeMutablePointer<[Int: UnsafePointer<heng_header>]>.allocate(capacity: 1)
            unsafe place.initialize(to: groups)
            return unsafe UnsafePointer(place)
        }
        guard let groups = unsafe self.layerGroups else { return }
        DeviceTable.layers.withLock { unsafe $0[UInt(bitPattern: functions)] = UInt(bitPattern: groups) }
    }

    /// The groups of layers' tables, by the addresses of their functions: who has only these can find them again.
    private static let layers = Mutex<[UInt: UInt]>([:])

    private static func layerGroups(
        at functions: UnsafePointer<heng_accelerator_table>
    ) -> [Int: UnsafePointer<heng_header>]? {
        let address = layers.withLock { $0[UInt(bitPattern: functions)] }
        guard let place = unsafe address.flatMap({ unsafe UnsafeRawPointer(bitPattern: $0) }) else {
            return nil
        }
        return unsafe place.load(as: [Int: UnsafePointer<heng_header>].self)
    }

    package var name: String { unsafe functions.pointee.name.map { unsafe String(cString: $0) } ?? "unnamed" }

    /// The table of a group by its kind; nil where the backend has none.
    package func group(_ kind: Int) -> UnsafePointer<heng_header>? {
        if let layerGroups = unsafe layerGroups { return unsafe layerGroups.pointee[kind] }
        var found: UnsafePointer<heng_header>?
        var error: OpaquePointer?
        guard let function = unsafe functions.pointee.group else { return nil }
        let status = unsafe function(UInt32(kind), &found, &error)
        if let error = unsafe error { unsafe functions.pointee.error_destroy?(error) }
        return status == 0 ? unsafe found : nil
    }

    /// Whether the table's errors are the objects of `ErrorCrossing`.
    package var hasOurErrors: Bool {
        unsafe unsafeBitCast(functions.pointee.error_destroy, to: UInt.self)
            == unsafeBitCast(ErrorCrossing.destroy, to: UInt.self)
    }

    /// Calls a function of the table: throws where it is missing, and what it reports otherwise.
    @inline(__always)
    package func call<Function>(
        _ function: Function?, _ operation: StaticString, _ body: (Function, ErrorPlace) -> Int32
    ) throws(DeviceError) {
        guard let function else { throw missing(operation) }
        var error: OpaquePointer?
        let status = unsafe body(function, &error)
        try unsafe check(status, error, operation)
    }

    @inline(never)
    private func missing(_ operation: StaticString) -> DeviceError {
        DeviceError(
            .unsupported, operation: "\(operation)",
            text: "The backend \(name) does not offer \(operation).")
    }

    /// Turns a status and its error object into a thrown error, and destroys the object.
    ///
    /// No other function of the Swift side knows the numbers.
    @inline(__always)
    package func check(
        _ status: Int32, _ error: OpaquePointer?, _ operation: StaticString
    ) throws(DeviceError) {
        if status != 0 { throw unsafe describe(status, error, operation) }
    }

    @inline(never)
    private func describe(_ status: Int32, _ error: OpaquePointer?, _ operation: StaticString) -> DeviceError
    {
        // Codes are negative; a backend that returns anything else has broken its promise, whatever it means by it.
        let code = status < 0 ? DeviceError.Code(rawValue: status) : .general
        let plain = DeviceError(
            code, operation: "\(operation)",
            text: "\(operation) of the backend \(name) failed with code \(status).")
        guard let error = unsafe error, let function = unsafe functions.pointee.error_describe else {
            return plain
        }
        defer { unsafe functions.pointee.error_destroy?(error) }
        var description = unsafe heng_error_description()
        unsafe description.header =
            StructCrossing.header(HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
        guard unsafe function(error, &description) == 0 else { return plain }
        let isAboutMemory = unsafe description.requested != 0
        return unsafe DeviceError(
            description.code < 0 ? DeviceError.Code(rawValue: description.code) : code,
            scope: DeviceError.Scope(rawValue: description.scope) ?? .device,
            operation: description.operation.map { unsafe String(cString: $0) } ?? plain.operation,
            text: description.text.map { unsafe String(cString: $0) } ?? plain.text,
            nativeCode: Int(description.native_code),
            requested: isAboutMemory ? ByteCount(bytes: Int(clamping: description.requested)) : nil,
            available: isAboutMemory ? ByteCount(bytes: Int(clamping: description.available)) : nil,
            isRetriable: description.retriable != 0, correlation: description.correlation,
            node: description.node.map { unsafe String(cString: $0) },
            operatorName: description.operator_name.map { unsafe String(cString: $0) })
    }
}
