internal import AcceleratorAPI
internal import CHengAccelerator

extension SimulatedTable {
    static func addWorkFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_launch = { stream, function, arguments, size, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.launch(
                    stream, unsafeBitCast(function, to: UInt.self), arguments, size, correlation,
                    isFallible: false)
            }
        }
        unsafe table.stream_launch_fallible = { stream, function, arguments, size, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.launch(
                    stream, unsafeBitCast(function, to: UInt.self), arguments, size, correlation,
                    isFallible: true)
            }
        }
        unsafe table.stream_wait_event = { stream, event, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let event = try unsafe Handles.find(event, SimulatedEvent.self, "stream_wait_event")
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_wait_event") {
                    stream throws(DeviceError) in
                    try stream.wait(for: event, correlation)
                }
            }
        }
        unsafe table.stream_allocate = { stream, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_allocate") {
                    stream throws(DeviceError) in
                    try stream.device.require(.allocateInStreams, "stream_allocate")
                    let size = try unsafe Arguments.size(arguments, "stream_allocate")
                    let target = try unsafe place(result, "stream_allocate")
                    try stream.refuseWhileRecording("stream_allocate")
                    _ = try stream.device.strike("stream_allocate", on: stream)
                    try stream.device.check(stream, "stream_allocate")
                    unsafe target.pointee = Handles.add(try stream.context.buffer(size, "stream_allocate"))
                }
            }
        }
        unsafe table.stream_free = { stream, handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let buffer = try unsafe Handles.find(handle, SimulatedBuffer.self, "stream_free")
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_free") {
                    stream throws(DeviceError) in
                    try stream.device.require(.allocateInStreams, "stream_free")
                    try stream.refuseWhileRecording("stream_free")
                    let faults = try stream.enterWork("stream_free", 0)
                    try stream.device.checkOwner(buffer, "stream_free")
                    try stream.device.check(buffer, "stream_free")
                    try stream.submit(
                        Command(kind: .free(buffer), function: "stream_free", name: "free", faults: faults))
                    unsafe Handles.remove(handle)
                }
            }
        }
    }

    private static func launch(
        _ stream: OpaquePointer?, _ function: UInt, _ arguments: UnsafeRawPointer?, _ size: UInt32,
        _ correlation: UInt64, isFallible: Bool
    ) throws(DeviceError) {
        let operation = isFallible ? "stream_launch_fallible" : "stream_launch"
        guard function != 0, size <= HENG_ARGUMENT_LIMIT, unsafe size == 0 || arguments != nil else {
            throw invalid(
                operation,
                "A launch needs a function, and at most \(HENG_ARGUMENT_LIMIT) bytes of arguments that are there."
            )
        }
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: arguments, count: Int(size)))
        try unsafe SimulatedTable.with(stream, SimulatedStream.self, operation) {
            stream throws(DeviceError) in
            try stream.device.require(.runHostFunctions, operation)
            let faults = try stream.enterWork(operation, correlation)
            try stream.submit(
                Command(
                    kind: .launch(HostCall(function: function, isFallible: isFallible, arguments: bytes)),
                    function: operation, correlation: correlation, name: "launch", faults: faults))
        }
    }

    static func addCopyFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.stream_copy = { stream, destination, source, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_copy") {
                    stream throws(DeviceError) in
                    guard let to = unsafe destination?.pointee, let from = unsafe source?.pointee else {
                        throw invalid("stream_copy", "stream_copy got no range.")
                    }
                    try unsafe stream.copy(to, from, bytes, correlation)
                }
            }
        }
        unsafe table.stream_fill = { stream, destination, value, bytes, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_fill") {
                    stream throws(DeviceError) in
                    guard let to = unsafe destination?.pointee else {
                        throw invalid("stream_fill", "stream_fill got no range.")
                    }
                    try unsafe stream.fill(to, value, bytes, correlation)
                }
            }
        }
        unsafe table.stream_copy_block = {
            stream, destination, source, width, height, depth, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "stream_copy_block") {
                    stream throws(DeviceError) in
                    try stream.device.require(.copyBlocks, "stream_copy_block")
                    guard let to = unsafe destination?.pointee, let from = unsafe source?.pointee else {
                        throw invalid("stream_copy_block", "stream_copy_block got no block.")
                    }
                    try unsafe stream.copyBlock(to, from, (width, height, depth), correlation)
                }
            }
        }
    }
}

// What the functions do. The monitor is held.
extension SimulatedStream {
    /// What calls that submit something do first; returns what goes wrong with it.
    func enterWork(
        _ operation: String, _ correlation: UInt64, operatorName: String? = nil, node: String? = nil
    ) throws(DeviceError) -> [Fault.Action] {
        let faults = try device.strike(
            operation, on: self, correlation: correlation, operatorName: operatorName, node: node)
        try device.check(self, operation)
        return faults
    }

    func wait(for event: SimulatedEvent, _ correlation: UInt64) throws(DeviceError) {
        let operation = "stream_wait_event"
        try refuseWhileRecording(operation)
        _ = try enterWork(operation, correlation)
        try device.checkOwner(event, operation)
        try device.check(event, operation)
        try submit(
            Command(
                kind: .wait(try event.recorded(operation), event), function: operation,
                correlation: correlation, name: "wait"))
    }

    func copy(
        _ destination: heng_range, _ source: heng_range, _ bytes: UInt64, _ correlation: UInt64
    ) throws(DeviceError) {
        let faults = try enterWork("stream_copy", correlation)
        guard bytes > 0 else { return }
        let to = try unsafe device.span(destination, bytes: bytes, "stream_copy")
        let from = try unsafe device.span(source, bytes: bytes, "stream_copy")
        guard !to.overlaps(from) else {
            throw invalid("stream_copy", "The two ranges of a copy overlap.")
        }
        try submit(
            Command(
                kind: .copy(to: to, from: from), function: "stream_copy", correlation: correlation,
                name: "copy", bytes: Int(bytes), faults: faults))
    }

    func fill(
        _ destination: heng_range, _ value: UInt8, _ bytes: UInt64, _ correlation: UInt64
    ) throws(DeviceError) {
        let faults = try enterWork("stream_fill", correlation)
        guard bytes > 0 else { return }
        let to = try unsafe device.span(destination, bytes: bytes, "stream_fill")
        try submit(
            Command(
                kind: .fill(to, value), function: "stream_fill", correlation: correlation, name: "fill",
                bytes: Int(bytes), faults: faults))
    }

    func copyBlock(
        _ destination: heng_block, _ source: heng_block,
        _ size: (width: UInt64, height: UInt64, depth: UInt64), _ correlation: UInt64
    ) throws(DeviceError) {
        let operation = "stream_copy_block"
        let faults = try enterWork(operation, correlation)
        guard size.width > 0, size.height > 0, size.depth > 0 else { return }
        let to = try unsafe block(destination, size, operation)
        let from = try unsafe block(source, size, operation)
        guard !to.span.overlaps(from.span) else {
            throw invalid(operation, "The two blocks of a copy overlap.")
        }
        let extents = BlockSize(width: Int(size.width), height: Int(size.height), depth: Int(size.depth))
        try submit(
            Command(
                kind: .block(to: to, from: from, extents), function: operation, correlation: correlation,
                name: "copy block", bytes: extents.width * extents.height * extents.depth, faults: faults))
    }

    /// A block with all its rows inside its range.
    private func block(
        _ block: heng_block, _ size: (width: UInt64, height: UInt64, depth: UInt64), _ operation: String
    ) throws(DeviceError) -> BlockSpan {
        var block = unsafe block
        let bytes = try unsafe block.settle(width: size.width, height: size.height, depth: size.depth)
        let span = try unsafe device.span(block.range, bytes: bytes, operation)
        return BlockSpan(
            span: span, rowPitch: Int(clamping: unsafe block.row_pitch),
            planePitch: Int(clamping: unsafe block.plane_pitch))
    }
}
