internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension CUDADevices {
    static func addContextFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_create = { device, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CUDADevice.self, "context_create")
                let target = try unsafe place(result, "context_create")
                unsafe target.pointee = unsafe handle(try CUDAContext(on: device))
            }
        }
        unsafe table.context_destroy = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CUDAContext.self, "context_destroy").close()
                unsafe release(context, CUDAContext.self)
            }
        }
        unsafe table.context_state = { context, epoch, cause, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "context_state")
                if let epoch = unsafe epoch { unsafe epoch.pointee = context.epoch }
                guard let cause = unsafe cause else { return }
                unsafe cause.pointee = nil
                if let error = context.cause { _ = unsafe ErrorCrossing.store(error, at: cause) }
            }
        }
        unsafe table.context_rebuild = { context, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CUDAContext.self, "context_rebuild").rebuild()
            }
        }
        unsafe addMemoryFunctions(&table)
    }

    private static func addMemoryFunctions(_ table: inout heng_accelerator_table) {
        unsafe table.context_memory_info = { context, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "context_memory_info")
                let account = try context.enterMemory("context_memory_info").current
                try unsafe deliver(account.raw, to: info, "context_memory_info")
            }
        }
        unsafe table.context_limit_memory = { context, limit, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "context_limit_memory")
                try context.enterMemory("context_limit_memory").limit(to: limit)
            }
        }
        unsafe table.context_trim_memory = { context, released, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "context_trim_memory")
                let bytes = try context.enterMemory("context_trim_memory").trim()
                if let released = unsafe released { unsafe released.pointee = bytes }
            }
        }
        unsafe table.context_keep_memory = { context, bytes, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "context_keep_memory")
                try context.enterMemory("context_keep_memory").keep(bytes, "context_keep_memory")
            }
        }
        unsafe table.host_allocate = { context, arguments, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "host_allocate")
                let target = try unsafe place(address, "host_allocate")
                let size = try unsafe CUDADevices.size(arguments, "host_allocate")
                unsafe target.pointee = unsafe try context.allocateHost(size)
            }
        }
        unsafe table.host_free = { context, address, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(context, CUDAContext.self, "host_free").freeHost(address)
            }
        }
    }

    /// The size that a buffer's arguments ask for, after the checks of the rest.
    static func size(
        _ arguments: UnsafePointer<heng_buffer_arguments>?, _ operation: StaticString
    ) throws(DeviceError) -> UInt64 {
        guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_buffer_arguments()),
            unsafe arguments.size > 0
        else {
            throw invalid(
                "\(operation)", "\(operation) needs arguments with struct_size set and at least one byte.")
        }
        let pages = unsafe arguments.pages
        if Int(pages) & HENG_PAGES_PEER != 0 || Int(pages) == HENG_PAGES_NORMAL {
            throw DeviceError(
                .unsupported, operation: "\(operation)",
                text: "CUDA devices do not offer the page policy \(pages).")
        }
        switch Int(pages) {
        // The device's own pages are large.
        case HENG_PAGES_DEFAULT, HENG_PAGES_HUGE_FIRST, HENG_PAGES_HUGE_ONLY: return unsafe arguments.size
        default: throw invalid("\(operation)", "There is no page policy \(pages).")
        }
    }
}
