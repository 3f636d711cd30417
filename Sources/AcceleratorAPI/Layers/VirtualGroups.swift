// The groups of functions on a virtual device.

internal import CHengAccelerator
internal import Essentials

/// The groups of a share: the base's own, with its device in place of the share's where a function takes one.
///
/// Models are left out of a share with a quota, since the memory that their maker takes for them is not counted; graphs,
/// since they become models; and selections, since they are of whole devices.
enum VirtualGroups {
    static func all(over base: DeviceTable, hasQuota: Bool) -> [Int: UnsafePointer<heng_header>] {
        var groups: [Int: UnsafePointer<heng_header>] = unsafe [:]
        for kind in [HENG_KIND_RECORDING_TABLE, HENG_KIND_PROFILE_TABLE, HENG_KIND_CALLBACK_TABLE] {
            unsafe groups[kind] = unsafe base.group(kind)
        }
        unsafe groups[HENG_KIND_OPERATOR_TABLE] = unsafe operators.table(over: base, addOperators)
        unsafe groups[HENG_KIND_KERNEL_TABLE] = unsafe kernels.table(over: base, addKernels)
        unsafe groups[HENG_KIND_INTERCHANGE_TABLE] = unsafe tensors.table(over: base, addInterchange)
        unsafe groups[HENG_KIND_COLLECTIVE_TABLE] = unsafe collectives.table(over: base, addCollectives)
        unsafe groups[HENG_KIND_MEDIA_TABLE] = unsafe media.table(over: base, addMedia)
        if !hasQuota { unsafe groups[HENG_KIND_MODEL_TABLE] = unsafe models.table(over: base, addModels) }
        return unsafe groups
    }

    private static let operators = unsafe VirtualGroup(kind: HENG_KIND_OPERATOR_TABLE) {
        unsafe heng_operator_table()
    }
    private static let kernels = unsafe VirtualGroup(kind: HENG_KIND_KERNEL_TABLE) {
        unsafe heng_kernel_table()
    }
    private static let models = unsafe VirtualGroup(kind: HENG_KIND_MODEL_TABLE) { unsafe heng_model_table() }
    private static let tensors = unsafe VirtualGroup(kind: HENG_KIND_INTERCHANGE_TABLE) {
        unsafe heng_interchange_table()
    }
    private static let collectives = unsafe VirtualGroup(kind: HENG_KIND_COLLECTIVE_TABLE) {
        unsafe heng_collective_table()
    }
    private static let media = unsafe VirtualGroup(kind: HENG_KIND_MEDIA_TABLE) { unsafe heng_media_table() }
}

// The functions that take a device.
extension VirtualGroups {
    private static func addOperators(_ table: inout heng_operator_table) {
        unsafe table.operator_list = { device, index, listing, error in
            unsafe VirtualGroups.operators.ask(device, "operator_list", error, \.operator_list) {
                unsafe $0($1, index, listing, $2)
            }
        }
        unsafe table.operator_supports = { device, description, refusal, error in
            unsafe VirtualGroups.operators.ask(device, "operator_supports", error, \.operator_supports) {
                unsafe $0($1, description, refusal, $2)
            }
        }
        unsafe table.operator_infer = { device, description, outputs, count, error in
            unsafe VirtualGroups.operators.ask(device, "operator_infer", error, \.operator_infer) {
                unsafe $0($1, description, outputs, count, $2)
            }
        }
    }

    private static func addKernels(_ table: inout heng_kernel_table) {
        unsafe table.code_supported = { device, code, supported, error in
            unsafe VirtualGroups.kernels.ask(device, "code_supported", error, \.code_supported) {
                unsafe $0($1, code, supported, $2)
            }
        }
    }

    private static func addModels(_ table: inout heng_model_table) {
        unsafe table.model_query = { device, arguments, info, error in
            unsafe VirtualGroups.models.ask(device, "model_query", error, \.model_query) {
                unsafe $0($1, arguments, info, $2)
            }
        }
        unsafe table.model_compatibility = { device, arguments, compatibility, error in
            unsafe VirtualGroups.models.ask(device, "model_compatibility", error, \.model_compatibility) {
                unsafe $0($1, arguments, compatibility, $2)
            }
        }
        unsafe table.model_signature = { device, arguments, output, index, tensor, name, capacity, error in
            unsafe VirtualGroups.models.ask(device, "model_signature", error, \.model_signature) {
                unsafe $0($1, arguments, output, index, tensor, name, capacity, $2)
            }
        }
    }

    private static func addInterchange(_ table: inout heng_interchange_table) {
        unsafe table.tensor_export = { device, range, description, tensor, error in
            unsafe VirtualGroups.tensors.ask(device, "tensor_export", error, \.tensor_export) {
                unsafe $0($1, range, description, tensor, $2)
            }
        }
        // The memory is another library's: the quota does not count it, but buffer_free must know the buffer.
        unsafe table.tensor_import = { context, tensor, buffer, description, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let share = try unsafe virtualOwner(context, "tensor_import").share
                let target = try unsafe place(buffer, "tensor_import")
                try unsafe VirtualGroups.tensors.call(share, "tensor_import", \.tensor_import) {
                    unsafe $0(context, tensor, target, description, $1)
                }
                unsafe rememberVirtual(target.pointee, VirtualOwner(share: share))
            }
        }
    }

    private static func addCollectives(_ table: inout heng_collective_table) {
        unsafe table.communicator_identity = { device, identity, size, error in
            unsafe VirtualGroups.collectives.ask(
                device, "communicator_identity", error, \.communicator_identity
            ) {
                unsafe $0($1, identity, size, $2)
            }
        }
    }

    private static func addMedia(_ table: inout heng_media_table) {
        unsafe table.image_describe = { device, bytes, size, image, error in
            unsafe VirtualGroups.media.ask(device, "image_describe", error, \.image_describe) {
                unsafe $0($1, bytes, size, image, $2)
            }
        }
    }
}

/// A group of the base's, as a share calls it.
private struct VirtualGroup<Table>: Sendable {
    let kind: Int
    let zero: @Sendable () -> Table

    private func functions(of base: DeviceTable) -> Table? {
        guard let found = unsafe base.group(kind) else { return nil }
        return unsafe StructCrossing.read(
            UnsafeRawPointer(found).assumingMemoryBound(to: Table.self), zero: zero())
    }

    /// A table of the share's own, with the base's functions but for those that are added; nil where the base has none.
    func table(over base: DeviceTable, _ add: (inout Table) -> Void) -> UnsafePointer<heng_header>? {
        guard var table = functions(of: base) else { return nil }
        unsafe withUnsafeMutableBytes(of: &table) {
            unsafe $0.storeBytes(of: StructCrossing.header(kind, of: Table.self), as: heng_header.self)
        }
        add(&table)
        return unsafe GroupTable(table).header
    }

    /// Calls the base's function.
    func call<Function>(
        _ share: VirtualShare, _ operation: StaticString, _ function: KeyPath<Table, Function?>,
        _ body: (Function, ErrorPlace) -> Int32
    ) throws(DeviceError) {
        guard let full = functions(of: share.base.table) else {
            throw DeviceError(
                .unsupported, operation: "\(operation)",
                text: "The backend \(share.base.table.name) does not offer \(operation).")
        }
        try unsafe share.base.table.call(full[keyPath: function], operation, body)
    }

    /// Calls it with the base's device in place of the share's.
    func ask<Function>(
        _ device: OpaquePointer?, _ operation: StaticString, _ error: ErrorPlace?,
        _ function: KeyPath<Table, Function?>,
        _ body: (Function, OpaquePointer, ErrorPlace) -> Int32
    ) -> Int32 {
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let share = try unsafe object(device, VirtualShare.self, operation)
            try unsafe call(share, operation, function) { unsafe body($0, share.base.handle, $1) }
        }
    }
}
