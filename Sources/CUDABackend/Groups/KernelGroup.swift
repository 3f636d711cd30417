internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

enum CUDAKernelGroup {
    private static let table = unsafe GroupTable(makeTable())
    static var header: UnsafePointer<heng_header> { unsafe table.header }

    private static func makeTable() -> heng_kernel_table {
        var table = unsafe heng_kernel_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_KERNEL_TABLE, of: heng_kernel_table.self)
        unsafe table.code_supported = { device, code, supported, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, CUDADevice.self, "code_supported")
                let target = try unsafe place(supported, "code_supported")
                let isSupported =
                    switch Int(code) {
                    case HENG_CODE_BINARY, HENG_CODE_PTX: true
                    case HENG_CODE_CUDA_C: unsafe device.libraries.compiler != nil
                    default: false
                    }
                unsafe target.pointee = isSupported ? 1 : 0
            }
        }
        unsafe addModules(&table)
        unsafe addKernels(&table)
        return unsafe table
    }

    private static func addModules(_ table: inout heng_kernel_table) {
        unsafe table.module_load = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "module_load")
                let target = try unsafe place(result, "module_load")
                let code = try unsafe CUDAKernelGroup.code(arguments, context.device)
                unsafe target.pointee = unsafe handle(try CUDAModule(context, code, "module_load"))
            }
        }
        unsafe table.module_unload = { module, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(module, CUDAModule.self, "module_unload").close()
                unsafe release(module, CUDAModule.self)
            }
        }
        unsafe table.module_binary = { module, bytes, size, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let module = try unsafe object(module, CUDAModule.self, "module_binary")
                let target = try unsafe place(bytes, "module_binary")
                try unsafe place(size, "module_binary").pointee = UInt64(module.image.count)
                unsafe target.pointee = unsafe UnsafeRawPointer(module.image.baseAddress)
            }
        }
    }

    /// The caller's code as the driver takes it.
    private static func code(
        _ arguments: UnsafePointer<heng_module_arguments>?, _ device: CUDADevice
    ) throws(DeviceError) -> CUDACompiler.Image {
        guard let given = unsafe StructCrossing.read(arguments, zero: heng_module_arguments()),
            let bytes = unsafe given.bytes, unsafe given.size > 0
        else {
            throw invalid("module_load", "A module needs arguments with struct_size set, and some bytes.")
        }
        let all = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(given.size)))
        switch unsafe Int(given.code) {
        case HENG_CODE_BINARY: return CUDACompiler.Image(bytes: all, isIntermediate: false)
        case HENG_CODE_PTX: return CUDACompiler.Image(bytes: all, isIntermediate: true)
        case HENG_CODE_CUDA_C:
            let options = unsafe given.options.map { unsafe String(cString: $0) } ?? ""
            let compiler = CUDACompiler(
                libraries: device.libraries, architecture: device.facts.architecture)
            let text = String(decoding: all.prefix { $0 != 0 }, as: UTF8.self)
            return try compiler.compile(
                text, options: options.split(separator: " ").map { String($0) }, "module_load")
        default:
            throw DeviceError(
                .unsupported, operation: "module_load",
                text: "CUDA devices take CUDA C, PTX and binaries of their own, not code of kind "
                    + "\(unsafe given.code).")
        }
    }

    private static func addKernels(_ table: inout heng_kernel_table) {
        unsafe table.kernel_get = { module, name, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let module = try unsafe object(module, CUDAModule.self, "kernel_get")
                let target = try unsafe place(result, "kernel_get")
                guard let name = unsafe name else {
                    throw invalid("kernel_get", "The kernel's name is null.")
                }
                let kernel = try module.kernel(unsafe String(cString: name), "kernel_get")
                // Not retained for the caller: the module owns its kernels.
                unsafe target.pointee = OpaquePointer(Unmanaged.passUnretained(kernel).toOpaque())
            }
        }
        unsafe table.kernel_describe = { kernel, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let kernel = try unsafe object(kernel, CUDAKernel.self, "kernel_describe")
                let target = try unsafe place(info, "kernel_describe")
                var full = unsafe heng_kernel_info()
                unsafe full.group_limit = UInt32(
                    try kernel.attribute(HCU_FUNCTION_MAX_THREADS, "kernel_describe"))
                unsafe full.group_multiple = UInt32(kernel.context.device.facts.warp)
                unsafe full.local_bytes = UInt64(
                    try kernel.attribute(HCU_FUNCTION_SHARED_BYTES, "kernel_describe"))
                unsafe full.private_bytes = UInt64(
                    try kernel.attribute(HCU_FUNCTION_LOCAL_BYTES, "kernel_describe"))
                try unsafe deliver(full, to: target, "kernel_describe")
            }
        }
        unsafe table.kernel_launch = { kernel, stream, grid, arguments, count, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let kernel = try unsafe object(kernel, CUDAKernel.self, "kernel_launch")
                let stream = try unsafe object(stream, CUDAStream.self, "kernel_launch")
                guard let grid = unsafe grid?.pointee else {
                    throw invalid("kernel_launch", "The grid is null.")
                }
                let given = unsafe UnsafeBufferPointer(start: arguments, count: Int(count))
                try unsafe CUDAKernelGroup.launch(kernel, stream, grid, given, correlation)
            }
        }
    }

    private static func launch(
        _ kernel: CUDAKernel, _ stream: CUDAStream, _ grid: heng_grid,
        _ arguments: UnsafeBufferPointer<heng_kernel_argument>, _ correlation: UInt64
    ) throws(DeviceError) {
        guard kernel.context.device === stream.context.device else {
            throw DeviceError(
                .wrongOwner, operation: "kernel_launch",
                text: "A kernel and a stream belong to different contexts.")
        }
        try stream.enter("kernel_launch")
        guard kernel.generation == stream.generation else {
            throw stream.device.deadError("kernel_launch", generation: kernel.generation, isContext: false)
        }
        try unsafe check(arguments, kernel)
        var addresses: [UInt64] = []
        for index in 0..<arguments.count {
            let argument = unsafe arguments[index]
            let isValue = unsafe argument.bytes != nil
            addresses.append(isValue ? 0 : try unsafe address(argument.range, stream))
        }
        let shared = unsafe grid.local_bytes
        guard shared <= UInt64(Int32.max) else {
            throw invalid("kernel_launch", "A group cannot share \(shared) bytes.")
        }
        try kernel.allow(sharedBytes: Int(shared), "kernel_launch")
        let work = CUDAWork(
            operation: "kernel_launch", kind: HENG_RECORD_KERNEL, correlation: correlation, name: kernel.name)
        try stream.submit(work) { () throws(DeviceError) in
            try unsafe addresses.withUnsafeMutableBufferPointer { places throws(DeviceError) in
                var parameters: [UnsafeMutableRawPointer?] = unsafe []
                for index in 0..<arguments.count {
                    let argument = unsafe arguments[index]
                    if let bytes = unsafe argument.bytes {
                        unsafe parameters.append(UnsafeMutableRawPointer(mutating: bytes))
                    } else {
                        unsafe parameters.append(
                            places.baseAddress.map { unsafe UnsafeMutableRawPointer($0 + index) })
                    }
                }
                try unsafe kernel.launch(
                    stream, groups: (grid.groups.0, grid.groups.1, grid.groups.2),
                    items: (grid.items.0, grid.items.1, grid.items.2), sharedBytes: UInt32(shared),
                    &parameters, "kernel_launch")
            }
        }
    }

    /// The number and sizes of arguments, where the driver tells what the kernel takes.
    private static func check(
        _ arguments: UnsafeBufferPointer<heng_kernel_argument>, _ kernel: CUDAKernel
    ) throws(DeviceError) {
        guard let sizes = kernel.parameters else { return }
        guard sizes.count == arguments.count else {
            throw invalid(
                "kernel_launch",
                "\(kernel.name) takes \(sizes.count) arguments, and was given \(arguments.count).")
        }
        for index in 0..<arguments.count {
            let argument = unsafe arguments[index]
            let size = unsafe argument.bytes == nil ? 8 : Int(clamping: argument.size)
            guard size == sizes[index] else {
                throw invalid(
                    "kernel_launch",
                    "Argument \(index) of \(kernel.name) has \(sizes[index]) bytes, and was given with \(size)."
                )
            }
        }
    }

    private static func address(_ range: heng_range, _ stream: CUDAStream) throws(DeviceError) -> UInt64 {
        if unsafe range.buffer == nil, unsafe range.host == nil, unsafe range.size == 0 { return 0 }
        guard let raw = unsafe range.buffer else {
            throw DeviceError(
                .memoryType, operation: "kernel_launch", text: "A kernel's range lies in host memory.")
        }
        let buffer = try unsafe object(raw, CUDABuffer.self, "kernel_launch")
        return try unsafe buffer.address(range.offset, range.size, for: stream, "kernel_launch")
    }
}
