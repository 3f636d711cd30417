internal import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials
internal import Synchronization

/// Code of the caller's, built for a device.
@safe final class OpenCLModule: @unchecked Sendable {
    // Unchecked: what changes is locked, and the binary is written once.
    let context: OpenCLContext
    private let program: UInt
    private let state = Mutex(State())

    @safe private struct State: @unchecked Sendable {
        // Unchecked: the bytes are written once, before anyone sees them.
        var kernels: [String: OpenCLKernel] = [:]
        var binary: UnsafeMutableRawBufferPointer?
    }

    init(_ code: Int32, _ bytes: [UInt8], _ options: String, in context: OpenCLContext) throws(DeviceError) {
        let device = context.device.raw
        switch Int(code) {
        case HENG_CODE_OPENCL_C:
            program = try Program.ofSource(bytes, options, device: device, context: context.raw)
        case HENG_CODE_BINARY:
            guard let binary = SealedProgram.open(bytes, for: Array(context.device.facts.programKey.utf8))
            else {
                throw DeviceError(
                    .operatorLoad, operation: "module_load",
                    text:
                        "The bytes are not what module_binary gave on this device and driver, or not all of it."
                )
            }
            program = try Program.ofBinary(binary, device: device, context: context.raw)
        default:
            throw DeviceError(
                .unsupported, operation: "module_load",
                text: "OpenCL devices take OpenCL C and binaries of their own, not code of kind \(code).")
        }
        self.context = context
        context.living.count(\.modules, 1)
    }

    deinit {
        _ = opencl_release_program(program)
        state.withLock { state in unsafe state.binary?.deallocate() }
    }

    func kernel(_ name: String) throws(DeviceError) -> OpenCLKernel {
        let outcome = state.withLock { state -> Result<OpenCLKernel, DeviceError> in
            if let kernel = state.kernels[name] { return .success(kernel) }
            let made = unsafe name.withCString { unsafe opencl_kernel(program, $0) }
            guard made.status == 0 else {
                return .failure(
                    OpenCLStatus.error(made.status, "kernel_get", "No kernel \"\(name)\" in the module"))
            }
            let kernel = OpenCLKernel(KernelObject(raw: made.handle, name: name), in: context)
            state.kernels[name] = kernel
            return .success(kernel)
        }
        return try outcome.get()
    }

    /// The bytes live as long as the module.
    func binary() throws(DeviceError) -> UnsafeRawBufferPointer {
        let bytes = unsafe state.withLock { state -> UnsafeRawBufferPointer? in
            if let binary = unsafe state.binary { return UnsafeRawBufferPointer(binary) }
            guard let binary = Program.binary(of: program) else { return nil }
            let bytes = SealedProgram.seal(binary, for: Array(context.device.facts.programKey.utf8))
            let kept = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
            unsafe kept.copyBytes(from: bytes)
            unsafe state.binary = unsafe kept
            return UnsafeRawBufferPointer(kept)
        }
        guard let bytes = unsafe bytes else {
            throw DeviceError(
                .unsupported, operation: "module_binary", text: "The driver gives no binary of the module.")
        }
        return unsafe bytes
    }
}

/// A kernel of a module.
final class OpenCLKernel: Sendable {
    let object: KernelObject
    let context: OpenCLContext
    let argumentCount: Int

    init(_ object: KernelObject, in context: OpenCLContext) {
        self.object = object
        self.context = context
        let count = opencl_kernel_argument_count(object.raw)
        argumentCount = count.status == 0 ? Int(count.value & 0xFFFF_FFFF) : 0
    }

    func describe() -> heng_kernel_info {
        func number(_ parameter: UInt32) -> UInt64 {
            let answer = opencl_kernel_number(object.raw, context.device.raw, parameter)
            return answer.status == 0 ? answer.value : 0
        }
        var info = unsafe heng_kernel_info()
        unsafe info.group_limit = UInt32(clamping: number(UInt32(OPENCL_KERNEL_WORK_GROUP_SIZE)))
        unsafe info.group_multiple = UInt32(
            clamping: number(UInt32(OPENCL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE)))
        unsafe info.local_bytes = number(UInt32(OPENCL_KERNEL_LOCAL_MEM_SIZE))
        unsafe info.private_bytes = number(UInt32(OPENCL_KERNEL_PRIVATE_MEM_SIZE))
        return unsafe info
    }
}

enum KernelFunctions {
    static func make() -> heng_kernel_table {
        var table = unsafe heng_kernel_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_KERNEL_TABLE, of: heng_kernel_table.self)
        unsafe addModules(&table)
        unsafe addKernels(&table)
        return unsafe table
    }

    private static func addModules(_ table: inout heng_kernel_table) {
        unsafe table.code_supported = { device, code, supported, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(device, OpenCLDevice.self, "code_supported")
                let target = try unsafe place(supported, "code_supported")
                unsafe target.pointee = [HENG_CODE_OPENCL_C, HENG_CODE_BINARY].contains(Int(code)) ? 1 : 0
            }
        }
        unsafe table.module_load = { context, arguments, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "module_load")
                let target = try unsafe place(result, "module_load")
                guard let arguments = unsafe StructCrossing.read(arguments, zero: heng_module_arguments()),
                    let bytes = unsafe arguments.bytes, unsafe arguments.size > 0,
                    unsafe arguments.size < 1 << 32
                else {
                    throw invalid("module_load", "A module needs arguments with struct_size set, and code.")
                }
                let code = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(arguments.size)))
                let options = unsafe arguments.options.map { unsafe String(cString: $0) } ?? ""
                let module = try OpenCLModule(unsafe arguments.code, code, options, in: context)
                unsafe target.pointee = unsafe handle(module)
            }
        }
        unsafe table.module_unload = { module, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(module, OpenCLModule.self, "module_unload").context.living.count(
                    \.modules, -1)
                unsafe release(module, OpenCLModule.self)
            }
        }
        unsafe table.module_binary = { module, bytes, size, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let module = try unsafe object(module, OpenCLModule.self, "module_binary")
                let (target, count) = try unsafe (place(bytes, "module_binary"), place(size, "module_binary"))
                let binary = try unsafe module.binary()
                unsafe target.pointee = binary.baseAddress
                unsafe count.pointee = UInt64(binary.count)
            }
        }
    }

    private static func addKernels(_ table: inout heng_kernel_table) {
        unsafe table.kernel_get = { module, name, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let module = try unsafe object(module, OpenCLModule.self, "kernel_get")
                let target = try unsafe place(result, "kernel_get")
                guard let name = unsafe name else { throw invalid("kernel_get", "A kernel needs a name.") }
                let kernel = try module.kernel(unsafe String(cString: name))
                // Not retained for the caller: the module owns its kernels.
                unsafe target.pointee = OpaquePointer(Unmanaged.passUnretained(kernel).toOpaque())
            }
        }
        unsafe table.kernel_describe = { kernel, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let kernel = try unsafe object(kernel, OpenCLKernel.self, "kernel_describe")
                try unsafe deliver(kernel.describe(), to: info, "kernel_describe")
            }
        }
        unsafe table.kernel_launch = { kernel, stream, grid, arguments, count, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let kernel = try unsafe object(kernel, OpenCLKernel.self, "kernel_launch")
                let stream = try unsafe object(stream, OpenCLStream.self, "kernel_launch")
                guard kernel.context.device === stream.context.device else {
                    throw DeviceError(
                        .wrongOwner, operation: "kernel_launch",
                        text: "The kernel belongs to another device than the stream.")
                }
                guard let grid = unsafe grid?.pointee else {
                    throw invalid("kernel_launch", "The grid is null.")
                }
                let range = try unsafe KernelFunctions.range(of: grid)
                let values = try unsafe KernelFunctions.values(
                    UnsafeBufferPointer(start: arguments, count: arguments == nil ? 0 : Int(count)), grid,
                    kernel, stream)
                try stream.submit(
                    .kernel(KernelLaunch(kernel: kernel.object, arguments: values, range: range)),
                    correlation, "kernel_launch")
            }
        }
    }

    private static func range(of grid: heng_grid) throws(DeviceError) -> opencl_range {
        let groups = unsafe [grid.groups.0, grid.groups.1, grid.groups.2].map { Int($0) }
        let items = unsafe [grid.items.0, grid.items.1, grid.items.2].map { Int($0) }
        guard (groups + items).allSatisfy({ $0 > 0 }) else {
            throw invalid(
                "kernel_launch", "A grid needs at least one group and one work item along each axis.")
        }
        return opencl_range(
            global: (groups[0] * items[0], groups[1] * items[1], groups[2] * items[2]),
            local: (items[0], items[1], items[2]))
    }

    private static func values(
        _ arguments: UnsafeBufferPointer<heng_kernel_argument>, _ grid: heng_grid, _ kernel: OpenCLKernel,
        _ stream: OpenCLStream
    ) throws(DeviceError) -> [(index: Int, value: KernelArgument)] {
        // Memory that a group shares is the last argument, where the launch adds some.
        let added = unsafe grid.local_bytes
        guard arguments.count + (added > 0 ? 1 : 0) == kernel.argumentCount else {
            throw invalid(
                "kernel_launch",
                "\(kernel.object.name) takes \(kernel.argumentCount) arguments, and \(arguments.count) are given."
            )
        }
        var values: [(index: Int, value: KernelArgument)] = []
        values.reserveCapacity(kernel.argumentCount)
        for index in 0..<arguments.count {
            values.append((index, try unsafe value(arguments[index], stream)))
        }
        if added > 0 { values.append((arguments.count, .local(Int(clamping: added)))) }
        return values
    }

    private static func value(
        _ argument: heng_kernel_argument, _ stream: OpenCLStream
    ) throws(DeviceError) -> KernelArgument {
        guard let bytes = unsafe argument.bytes else {
            let place = try unsafe RangePlace(argument.range, bytes: 0, in: stream.context, "kernel_launch")
            guard case .buffer(let buffer, let offset) = place else {
                throw DeviceError(
                    .memoryType, operation: "kernel_launch", text: "A kernel cannot reach memory of the host."
                )
            }
            guard offset == 0 else {
                throw DeviceError(
                    .unsupported, operation: "kernel_launch",
                    text:
                        "OpenCL kernels get whole buffers; give the offset \(offset) as an argument of its own."
                )
            }
            return .memory(buffer.raw)
        }
        let size = unsafe Int(clamping: argument.size)
        guard size > 0, size <= 4096 else {
            throw invalid("kernel_launch", "An argument by value has \(size) bytes, and not 1 to 4096.")
        }
        guard size <= 8 else {
            return unsafe .bytes(Array(UnsafeRawBufferPointer(start: bytes, count: size)))
        }
        var word: UInt64 = 0
        unsafe withUnsafeMutableBytes(of: &word) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: size))
        }
        return .word(word, size: size)
    }
}
