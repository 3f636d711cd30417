internal import AcceleratorAPI
internal import CHengAccelerator

/// The group of profiling.
enum SimulatedProfiling {
    static func make() -> heng_profile_table {
        var table = unsafe heng_profile_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_PROFILE_TABLE, of: heng_profile_table.self)
        unsafe addRecords(&table)
        unsafe addNames(&table)
        return unsafe table
    }

    private static func addRecords(_ table: inout heng_profile_table) {
        unsafe table.profile_start = { context, arguments, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let arguments = try unsafe Arguments.read(
                    arguments, HENG_KIND_PROFILE_ARGUMENTS, heng_profile_arguments(), "profile_start")
                try unsafe SimulatedTable.with(context: context, "profile_start") {
                    context throws(DeviceError) in
                    try context.enter([], "profile_start")
                    // What was submitted before is not part of it.
                    context.device.settle()
                    try context.profile.start(
                        capacity: unsafe arguments.capacity, offset: context.device.machine.base)
                }
            }
        }
        unsafe table.profile_stop = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "profile_stop") {
                    context throws(DeviceError) in
                    try context.enter([], "profile_stop")
                    try context.profile.stop()
                }
            }
        }
        unsafe table.profile_read = { context, records, capacity, count, dropped, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "profile_read") {
                    context throws(DeviceError) in
                    try context.enter([], "profile_read")
                    context.device.settle()
                    let machine = context.device.machine
                    try unsafe context.profile.read(
                        records, capacity, count, dropped, until: machine.hostTime(machine.now))
                }
            }
        }
    }

    private static func addNames(_ table: inout heng_profile_table) {
        unsafe table.range_begin = { stream, name, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let name = try unsafe SimulatedProfiling.text(name, "range_begin")
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "range_begin") {
                    stream throws(DeviceError) in
                    _ = try stream.enterWork("range_begin", correlation)
                    try stream.submit(
                        Command(
                            kind: .rangeBegin(name), function: "range_begin", correlation: correlation,
                            name: name))
                    stream.rangeDepth += 1
                }
            }
        }
        unsafe table.range_end = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "range_end") {
                    stream throws(DeviceError) in
                    _ = try stream.enterWork("range_end", 0)
                    guard stream.rangeDepth > 0 else {
                        throw DeviceError(
                            .misuse, operation: "range_end",
                            text: "A stream of \(stream.device.name) has no range that could end.")
                    }
                    try stream.submit(Command(kind: .rangeEnd, function: "range_end", name: "range"))
                    stream.rangeDepth -= 1
                }
            }
        }
        unsafe table.mark = { stream, name, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let name = try unsafe SimulatedProfiling.text(name, "mark")
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "mark") {
                    stream throws(DeviceError) in
                    _ = try stream.enterWork("mark", correlation)
                    try stream.submit(
                        Command(kind: .mark(name), function: "mark", correlation: correlation, name: name))
                }
            }
        }
    }

    private static func text(
        _ name: UnsafePointer<CChar>?, _ operation: String
    ) throws(DeviceError) -> String {
        guard let name = unsafe name else { throw invalid(operation, "\(operation) got no name.") }
        return unsafe String(cString: name)
    }
}
