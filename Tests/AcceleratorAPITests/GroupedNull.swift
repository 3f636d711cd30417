import AcceleratorAPI
import CHengAccelerator
import Essentials
import Synchronization
import Testing

/// A maker of all groups over the null device: it makes handles, runs nothing, and knows which handles are its own.
@safe struct GroupedNull {
    /// The device behind the checking layer, and its groups there.
    let raw: RawTable
    let layer: Device
    /// The device without the layer.
    let bare: Device

    init() throws {
        let base = try nullDevice()
        let table = unsafe DeviceTable(owning: base.table.functions.pointee, layerGroups: GroupedNull.groups)
        bare = try unsafe Device(table: table, handle: base.handle, index: 0)
        layer = try CheckingLayer.wrap(bare)
        raw = RawTable(layer)
    }

    func group<Table>(_ kind: Int, _ zero: Table) throws -> Table {
        let found = unsafe try #require(layer.table.group(kind))
        return unsafe try #require(
            StructCrossing.read(UnsafeRawPointer(found).assumingMemoryBound(to: Table.self), zero: zero))
    }

    nonisolated(unsafe) private static let groups: [Int: UnsafePointer<heng_header>] = unsafe [
        HENG_KIND_KERNEL_TABLE: GroupTable(kernels()).header,
        HENG_KIND_RECORDING_TABLE: GroupTable(recordings()).header,
        HENG_KIND_PROFILE_TABLE: GroupTable(profiles()).header,
        HENG_KIND_MODEL_TABLE: GroupTable(models()).header,
        HENG_KIND_CALLBACK_TABLE: GroupTable(callbacks()).header,
        HENG_KIND_COLLECTIVE_TABLE: GroupTable(collectives()).header,
        HENG_KIND_GRAPH_TABLE: GroupTable(heng_graph_table()).header,
        HENG_KIND_SELECTION_TABLE: GroupTable(heng_selection_table()).header,
    ]

    /// What the maker made and has not ended.
    private static let made = Mutex<Set<UInt>>([])
    private final class Thing {}

    /// 0 for a handle of the maker's own; what a table that does not look would crash with otherwise.
    static func known(_ handle: OpaquePointer?) -> Int32 {
        let number = UInt(bitPattern: handle)
        return made.withLock { $0.contains(number) } ? 0 : Int32(HENG_ERROR_GENERAL)
    }

    static func make(_ place: UnsafeMutablePointer<OpaquePointer?>?) -> Int32 {
        let object = unsafe handle(Thing())
        let number = UInt(bitPattern: object)
        _ = made.withLock { $0.insert(number) }
        unsafe place?.pointee = unsafe object
        return 0
    }

    static func end(_ handle: OpaquePointer?) -> Int32 {
        let number = UInt(bitPattern: handle)
        guard made.withLock({ $0.remove(number) }) != nil else { return Int32(HENG_ERROR_GENERAL) }
        unsafe release(handle, Thing.self)
        return 0
    }
}

extension GroupedNull {
    private static func kernels() -> heng_kernel_table {
        var table = unsafe heng_kernel_table()
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_KERNEL_TABLE, of: heng_kernel_table.self)
        unsafe table.code_supported = { _, _, supported, _ in
            unsafe supported?.pointee = 1
            return 0
        }
        unsafe table.module_load = { _, _, module, _ in unsafe GroupedNull.make(module) }
        unsafe table.module_unload = { module, _ in unsafe GroupedNull.end(module) }
        unsafe table.module_binary = { module, _, _, _ in unsafe GroupedNull.known(module) }
        // The kernel of any name is the module itself, so that it is the same each time.
        unsafe table.kernel_get = { module, _, kernel, _ in
            unsafe kernel?.pointee = unsafe module
            return unsafe GroupedNull.known(module)
        }
        unsafe table.kernel_describe = { kernel, _, _ in unsafe GroupedNull.known(kernel) }
        unsafe table.kernel_launch = { kernel, _, _, _, _, _, _ in unsafe GroupedNull.known(kernel) }
        return unsafe table
    }

    private static func recordings() -> heng_recording_table {
        var table = unsafe heng_recording_table()
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_RECORDING_TABLE, of: heng_recording_table.self)
        unsafe table.recording_begin = { _, _ in 0 }
        unsafe table.recording_end = { _, recording, _ in unsafe GroupedNull.make(recording) }
        unsafe table.recording_count = { recording, count, _ in
            unsafe count?.pointee = 0
            return unsafe GroupedNull.known(recording)
        }
        unsafe table.recording_submit = { recording, _, _, _ in unsafe GroupedNull.known(recording) }
        unsafe table.recording_destroy = { recording, _ in unsafe GroupedNull.end(recording) }
        return unsafe table
    }

    private static func profiles() -> heng_profile_table {
        var table = unsafe heng_profile_table()
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_PROFILE_TABLE, of: heng_profile_table.self)
        unsafe table.profile_start = { _, _, _ in 0 }
        unsafe table.profile_stop = { _, _ in 0 }
        unsafe table.profile_read = { _, _, _, count, _, _ in
            unsafe count?.pointee = 0
            return 0
        }
        unsafe table.range_begin = { _, _, _, _ in 0 }
        unsafe table.range_end = { _, _ in 0 }
        unsafe table.mark = { _, _, _, _ in 0 }
        return unsafe table
    }

    private static func models() -> heng_model_table {
        var table = unsafe heng_model_table()
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_MODEL_TABLE, of: heng_model_table.self)
        unsafe table.model_load = { _, _, model, _ in unsafe GroupedNull.make(model) }
        unsafe table.model_unload = { model, _ in unsafe GroupedNull.end(model) }
        unsafe table.model_submit = { model, _, _, _, _, _, _, _ in unsafe GroupedNull.known(model) }
        return unsafe table
    }

    private static func callbacks() -> heng_callback_table {
        var table = unsafe heng_callback_table()
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_CALLBACK_TABLE, of: heng_callback_table.self)
        unsafe table.callback_subscribe = { _, _ in 0 }
        unsafe table.callback_unsubscribe = { _, _ in 0 }
        unsafe table.callback_launch = { _, _, _, _, _, _ in 0 }
        unsafe table.callback_process = { _, _ in 0 }
        return unsafe table
    }

    private static func collectives() -> heng_collective_table {
        var table = unsafe heng_collective_table()
        unsafe table.header = unsafe StructCrossing.header(
            HENG_KIND_COLLECTIVE_TABLE, of: heng_collective_table.self)
        unsafe table.communicator_create = { _, _, communicator, _ in unsafe GroupedNull.make(communicator) }
        unsafe table.communicator_destroy = { communicator, _ in unsafe GroupedNull.end(communicator) }
        unsafe table.all_reduce = { communicator, _, _, _, _, _, _, _, _ in
            unsafe GroupedNull.known(communicator)
        }
        return unsafe table
    }
}
