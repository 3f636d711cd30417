internal import AcceleratorAPI
internal import CHengAccelerator

/// The checks that a plugin's table passes before anything in it is called.
enum TableCheck {
    /// What is wrong with a table, or nil.
    static func problem(
        of table: UnsafePointer<heng_accelerator_table>?, plugin: String
    ) -> PluginError? {
        guard let table = unsafe table else {
            return PluginError(
                .version, plugin: plugin,
                "It does not serve interface version \(HENG_ACCELERATOR_MAJOR): its table is null.")
        }
        let header = unsafe UnsafeRawPointer(table).load(as: heng_header.self)
        guard unsafe header.struct_kind == UInt32(HENG_KIND_TABLE), unsafe header.struct_size >= leastSize
        else {
            return unsafe PluginError(
                .version, plugin: plugin,
                "Its table is of kind \(header.struct_kind) and has \(header.struct_size) bytes; one of kind "
                    + "\(HENG_KIND_TABLE) with \(leastSize) or more is needed.")
        }
        guard let full = unsafe StructCrossing.read(table, zero: heng_accelerator_table()),
            unsafe full.abi_major == HENG_ACCELERATOR_MAJOR
        else {
            return PluginError(
                .version, plugin: plugin,
                "Its table is of interface version \(unsafe table.pointee.abi_major), not "
                    + "\(HENG_ACCELERATOR_MAJOR).")
        }
        return unsafe contentProblem(full, plugin)
    }

    private static func contentProblem(_ table: heng_accelerator_table, _ plugin: String) -> PluginError? {
        guard let name = unsafe table.name, unsafe name.pointee != 0 else {
            return PluginError(.general, plugin: plugin, "Its table has no name.")
        }
        let missing = unsafe missingFunctions(of: table)
        guard missing.isEmpty else {
            return PluginError(
                .general, plugin: plugin,
                "Its table lacks required functions: \(missing.joined(separator: ", ")).")
        }
        return nil
    }

    /// A table must reach up to the last required function.
    private static let leastSize = UInt32(
        unsafe MemoryLayout<heng_accelerator_table>.offset(of: \.group)
            ?? MemoryLayout<heng_accelerator_table>.size)

    /// The functions that the header calls required and the table lacks, in the header's order.
    static func missingFunctions(of table: heng_accelerator_table) -> [String] {
        let functions: [(name: String, isThere: Bool)] = unsafe [
            ("initialize", table.initialize != nil),
            ("finalize", table.finalize != nil),
            ("device_count", table.device_count != nil),
            ("device_get", table.device_get != nil),
            ("device_describe", table.device_describe != nil),
            ("device_synchronize", table.device_synchronize != nil),
            ("context_create", table.context_create != nil),
            ("context_destroy", table.context_destroy != nil),
            ("stream_create", table.stream_create != nil),
            ("stream_destroy", table.stream_destroy != nil),
            ("stream_synchronize", table.stream_synchronize != nil),
            ("stream_wait_event", table.stream_wait_event != nil),
            ("stream_copy", table.stream_copy != nil),
            ("stream_fill", table.stream_fill != nil),
            ("event_create", table.event_create != nil),
            ("event_destroy", table.event_destroy != nil),
            ("event_record", table.event_record != nil),
            ("event_query", table.event_query != nil),
            ("event_synchronize", table.event_synchronize != nil),
            ("buffer_allocate", table.buffer_allocate != nil),
            ("buffer_free", table.buffer_free != nil),
            ("error_describe", table.error_describe != nil),
            ("error_destroy", table.error_destroy != nil),
        ]
        return functions.filter { !$0.isThere }.map(\.name)
    }
}
