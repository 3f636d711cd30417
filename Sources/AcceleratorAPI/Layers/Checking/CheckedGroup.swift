internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared

/// A group of makers' functions, as the checking layer calls it.
struct CheckedGroup<Table>: Sendable {
    let kind: Int
    /// What it offers, for texts: `kernels`.
    let name: String
    let zero: @Sendable () -> Table

    /// The maker's own group behind an object.
    func functions(of object: CheckedObject) throws(DeviceError) -> (DeviceTable, Table) {
        let inner = try objects.table(of: object)
        guard let found = unsafe inner.group(kind),
            let full = unsafe StructCrossing.read(
                UnsafeRawPointer(found).assumingMemoryBound(to: Table.self), zero: zero())
        else {
            throw DeviceError(
                .unsupported, operation: "group", text: "The backend \(inner.name) has no \(name).")
        }
        return (inner, full)
    }

    /// Calls the maker's function for an object.
    func call<Function>(
        _ object: CheckedObject, _ operation: StaticString, _ function: KeyPath<Table, Function?>,
        _ body: (Function, ErrorPlace) -> Int32
    ) throws(DeviceError) {
        let (inner, functions) = try functions(of: object)
        try unsafe inner.call(functions[keyPath: function], operation, body)
    }

    /// Calls it for a living object of a kind, where there is nothing else to check.
    func forward<Function>(
        _ handle: OpaquePointer?, as kind: String, _ operation: StaticString, to error: ErrorPlace?,
        _ function: KeyPath<Table, Function?>, _ body: (Function, OpaquePointer, ErrorPlace) -> Int32
    ) -> Int32 {
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(handle, operation, as: kind)
            try unsafe call(object, operation, function) { unsafe body($0, object.inner, $1) }
        }
    }
}

/// The groups that the layer can check, by their kinds.
///
/// Graphs and selections are not among them: their functions name no device, so a layer over one cannot tell whose
/// they are.
enum CheckedGroups {
    static let kinds = [
        HENG_KIND_OPERATOR_TABLE, HENG_KIND_KERNEL_TABLE, HENG_KIND_MODEL_TABLE, HENG_KIND_RECORDING_TABLE,
        HENG_KIND_PROFILE_TABLE, HENG_KIND_CALLBACK_TABLE, HENG_KIND_INTERCHANGE_TABLE,
        HENG_KIND_COLLECTIVE_TABLE, HENG_KIND_MEDIA_TABLE,
    ]

    static func table(_ kind: Int) -> UnsafePointer<heng_header>? {
        switch kind {
        case HENG_KIND_OPERATOR_TABLE: unsafe operators.header
        case HENG_KIND_KERNEL_TABLE: unsafe kernels.header
        case HENG_KIND_MODEL_TABLE: unsafe models.header
        case HENG_KIND_RECORDING_TABLE: unsafe recordings.header
        case HENG_KIND_PROFILE_TABLE: unsafe profiles.header
        case HENG_KIND_CALLBACK_TABLE: unsafe callbacks.header
        case HENG_KIND_INTERCHANGE_TABLE: unsafe interchange.header
        case HENG_KIND_COLLECTIVE_TABLE: unsafe collectives.header
        case HENG_KIND_MEDIA_TABLE: unsafe media.header
        default: nil
        }
    }

    private static let operators = unsafe GroupTable(makeCheckedOperators())
    private static let kernels = unsafe GroupTable(makeCheckedKernels())
    private static let models = unsafe GroupTable(makeCheckedModels())
    private static let recordings = unsafe GroupTable(makeCheckedRecordings())
    private static let profiles = unsafe GroupTable(makeCheckedProfiles())
    private static let callbacks = unsafe GroupTable(makeCheckedCallbacks())
    private static let interchange = unsafe GroupTable(makeCheckedInterchange())
    private static let collectives = unsafe GroupTable(makeCheckedCollectives())
    private static let media = unsafe GroupTable(makeCheckedMedia())
}

/// A name that a call needs.
func checkName(_ name: UnsafePointer<CChar>?, _ operation: StaticString) throws(DeviceError) {
    if unsafe name == nil { throw invalid("\(operation)", "\(operation) got no name.") }
}

/// Refuses what cannot be done while the stream's work is recorded.
func refuseWhileRecording(_ stream: CheckedObject, _ operation: StaticString) throws(DeviceError) {
    guard case .on = stream.recording else { return }
    throw DeviceError(
        .misuse, operation: "\(operation)",
        text: "\(operation) was called for a stream whose work is being recorded; end the recording first.")
}
