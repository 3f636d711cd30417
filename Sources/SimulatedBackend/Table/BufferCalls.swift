internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension SimulatedTable {
    static func addBufferFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.buffer_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "buffer_allocate") {
                    context throws(DeviceError) in
                    let size = try unsafe Arguments.size(arguments, "buffer_allocate")
                    let target = try unsafe place(result, "buffer_allocate")
                    _ = try context.device.strike("buffer_allocate", in: context)
                    try context.device.check(context, "buffer_allocate")
                    unsafe target.pointee = Handles.add(try context.buffer(size, "buffer_allocate"))
                }
            }
        }
        unsafe table.buffer_free = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(handle, SimulatedBuffer.self, "buffer_free") {
                    buffer throws(DeviceError) in
                    let actions = try buffer.context.device.strike("buffer_free")
                    buffer.free(isLeak: actions.contains(.leak))
                    unsafe Handles.remove(handle)
                }
            }
        }
        unsafe table.buffer_host_address = { buffer, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(buffer, SimulatedBuffer.self, "buffer_host_address") {
                    buffer throws(DeviceError) in
                    let target = try unsafe place(address, "buffer_host_address")
                    let device = buffer.context.device
                    try device.require(.addressBuffers, "buffer_host_address")
                    _ = try device.strike("buffer_host_address", in: buffer.context)
                    try device.check(buffer, "buffer_host_address")
                    unsafe target.pointee = unsafe buffer.storage?.address
                }
            }
        }
    }

    static func addHostMemoryFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.host_allocate = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "host_allocate") {
                    context throws(DeviceError) in
                    let size = try unsafe Arguments.size(arguments, "host_allocate")
                    let target = try unsafe place(result, "host_allocate")
                    try context.enter(.allocateHostMemory, "host_allocate")
                    unsafe target.pointee = unsafe try context.hostBlock(size).address
                }
            }
        }
        unsafe table.host_free = { context, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "host_free") { context throws(DeviceError) in
                    try context.device.require(.allocateHostMemory, "host_free")
                    let actions = try context.device.strike("host_free")
                    let key = UInt(bitPattern: address)
                    guard context.pool.hostBlocks[key] != nil else {
                        throw DeviceError(
                            .free, operation: "host_free",
                            text:
                                "The address given to host_free is not one that host_allocate of this context "
                                + "gave, or it was freed already.")
                    }
                    if !actions.contains(.leak) { context.pool.hostBlocks[key] = nil }
                }
            }
        }
    }
}

// What the functions do. The monitor is held.
extension SimulatedContext {
    func buffer(_ size: UInt64, _ operation: String) throws(DeviceError) -> SimulatedBuffer {
        device.settle()
        let limit = device.settings.bufferLimit
        guard limit == 0 || device.livingBuffers < limit else {
            throw DeviceError(
                .outOfResources, operation: operation,
                text: "\(device.name) has \(limit) buffers, and all of them live: "
                    + device.holders { $0.living.buffers } + ".", isRetriable: true)
        }
        let storage = try allocate(size, operation)
        return SimulatedBuffer(in: self, size: Int(size), storage: storage)
    }

    fileprivate func hostBlock(_ size: UInt64) throws(DeviceError) -> Storage {
        guard size <= 1 << 46, let block = Storage(size: Int(size)) else {
            let wanted = ByteCount(bytes: Int(clamping: size))
            throw DeviceError(
                .outOfHostMemory, operation: "host_allocate",
                text: "The host has no \(wanted) for \(device.name).", requested: wanted, available: .zero,
                isRetriable: true)
        }
        pool.hostBlocks[unsafe UInt(bitPattern: block.address)] = block
        return block
    }
}
