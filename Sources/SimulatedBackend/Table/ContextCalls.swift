internal import AcceleratorAPI
internal import CHengAccelerator

extension SimulatedTable {
    static func addContextFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_create = { device, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "context_create") {
                    device throws(DeviceError) in
                    let target = try unsafe place(result, "context_create")
                    _ = try device.strike("context_create")
                    unsafe target.pointee = Handles.add(try device.makeContext())
                }
            }
        }
        unsafe table.context_destroy = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: handle, "context_destroy") {
                    context throws(DeviceError) in
                    _ = try context.device.strike("context_destroy")
                    try context.destroy()
                    unsafe Handles.remove(handle)
                }
            }
        }
        unsafe table.context_state = { context, epoch, cause, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "context_state") {
                    context throws(DeviceError) in
                    let device = context.device
                    try device.require(.rebuild, "context_state")
                    _ = try device.strike("context_state")
                    device.see()
                    try context.checkAlive("context_state")
                    if let epoch = unsafe epoch { unsafe epoch.pointee = context.epoch }
                    guard let cause = unsafe cause else { return }
                    unsafe cause.pointee = nil
                    let sticky = device.machine.lost ?? context.broken
                    if let sticky, sticky.isSeen { _ = unsafe ErrorCrossing.store(sticky.error, at: cause) }
                }
            }
        }
        unsafe table.context_rebuild = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "context_rebuild") {
                    context throws(DeviceError) in
                    let device = context.device
                    try device.require(.rebuild, "context_rebuild")
                    try device.refuseFromHostFunction("context_rebuild")
                    _ = try device.strike("context_rebuild")
                    device.see()
                    try context.checkAlive("context_rebuild")
                    try device.check("context_rebuild")
                    guard context.broken?.isSeen == true else {
                        throw DeviceError(
                            .misuse, operation: "context_rebuild",
                            text: "A context of \(device.name) is not broken, so it is not rebuilt.")
                    }
                    context.rebuild()
                }
            }
        }
    }

    static func addMemoryFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_memory_info = { context, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "context_memory_info") {
                    context throws(DeviceError) in
                    try context.enter(.countMemory, "context_memory_info")
                    context.device.settle()
                    try unsafe Arguments.fill(
                        info, HENG_KIND_MEMORY_INFO, with: context.pool.info, "context_memory_info")
                }
            }
        }
        unsafe table.context_limit_memory = { context, limit, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "context_limit_memory") {
                    context throws(DeviceError) in
                    try context.enter(.limitMemory, "context_limit_memory")
                    context.pool.limit(to: limit)
                }
            }
        }
        unsafe table.context_trim_memory = { context, released, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "context_trim_memory") {
                    context throws(DeviceError) in
                    try context.enter(.trimMemory, "context_trim_memory")
                    context.device.settle()
                    let bytes = context.pool.trim()
                    context.device.reserve(-bytes)
                    if let released = unsafe released { unsafe released.pointee = UInt64(bytes) }
                }
            }
        }
        unsafe table.context_keep_memory = { context, bytes, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(context: context, "context_keep_memory") {
                    context throws(DeviceError) in
                    try context.enter(.trimMemory, "context_keep_memory")
                    context.pool.keepLimit = Int(clamping: bytes)
                    context.device.reserve(-context.pool.trim(to: context.pool.keepLimit))
                }
            }
        }
    }
}

// What the functions do. The monitor is held.
extension SimulatedDevice {
    func makeContext() throws(DeviceError) -> SimulatedContext {
        try check("context_create")
        guard settings.contextLimit == 0 || contexts.count < settings.contextLimit else {
            let owners = contexts.map { "context \($0.number) owns \($0.owned ?? "nothing")" }
            throw DeviceError(
                .outOfResources, operation: "context_create",
                text: "\(name) has \(settings.contextLimit) contexts, and all of them live: "
                    + owners.joined(separator: "; ") + ".", isRetriable: true)
        }
        let context = SimulatedContext(on: self)
        contexts.append(context)
        return context
    }
}

extension SimulatedContext {
    /// What every call on a context does first.
    func enter(_ capability: DeviceCapabilities, _ operation: String) throws(DeviceError) {
        try device.require(capability, operation)
        _ = try device.strike(operation, in: self)
        try device.check(self, operation)
    }

    func checkAlive(_ operation: String) throws(DeviceError) {
        guard !isDead else {
            throw DeviceError(
                .context, scope: .context, operation: operation,
                text: "A context of \(device.name) is unusable: the device was reset.")
        }
    }

    func destroy() throws(DeviceError) {
        if let owned {
            throw DeviceError(
                .notReleased, operation: "context_destroy",
                text: "A context of \(device.name) still owns \(owned).")
        }
        device.reserve(-pool.empty())
        device.contexts.removeAll { $0 === self }
    }
}
