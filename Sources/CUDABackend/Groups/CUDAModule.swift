internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// Code that is loaded into a context, with its kernels.
@safe final class CUDAModule: @unchecked Sendable {
    // Unchecked: the handle never changes; the kernels are locked.
    let context: CUDAContext
    let generation: Int
    /// The code as the driver loaded it; it lives as long as the module.
    let image: UnsafeBufferPointer<UInt8>
    private let native: OpaquePointer
    /// Whether the caller owns it, and not the context.
    private let isCounted: Bool
    private let kernels = Mutex<[String: CUDAKernel]>([:])

    /// Loads code for the device itself, or code in between, which the driver's own compiler finishes.
    init(
        _ context: CUDAContext, _ code: CUDACompiler.Image, _ operation: StaticString, isCounted: Bool = true
    ) throws(DeviceError) {
        try context.enter(operation)
        let device = context.device
        let bytes = code.isIntermediate ? try CUDAModule.link(code.bytes, device, operation) : code.bytes
        // Room for a zero at the end, which the driver wants behind text.
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count + 1)
        _ = unsafe copy.initialize(from: bytes + [0])
        var native: OpaquePointer?
        let result = unsafe device.libraries.driver.pointee.cuModuleLoadData(&native, copy.baseAddress)
        guard result == 0, let native = unsafe native else {
            unsafe copy.deallocate()
            throw device.failure(result, operation)
        }
        unsafe self.native = unsafe native
        unsafe image = unsafe UnsafeBufferPointer(start: copy.baseAddress, count: bytes.count)
        self.context = context
        generation = context.generation
        self.isCounted = isCounted
        if isCounted { context.living.count(\.modules, 1) }
    }

    /// Finishes code in between for the device; the driver's messages are the error's text.
    private static func link(
        _ bytes: [UInt8], _ device: CUDADevice, _ operation: StaticString
    ) throws(DeviceError) -> [UInt8] {
        let driver = unsafe device.libraries.driver
        var log = [CChar](repeating: 0, count: 8192)
        var options = [Int32(HCU_JIT_ERROR_LOG), Int32(HCU_JIT_ERROR_LOG_BYTES)]
        var source = bytes + [0]
        let outcome: (result: Int32, image: [UInt8]) = unsafe log.withUnsafeMutableBytes { logBytes in
            var values: [UnsafeMutableRawPointer?] = unsafe [
                logBytes.baseAddress, UnsafeMutableRawPointer(bitPattern: UInt(logBytes.count)),
            ]
            var link: OpaquePointer?
            var result = unsafe driver.pointee.cuLinkCreate(2, &options, &values, &link)
            guard result == 0 else { return (result, []) }
            defer { _ = unsafe driver.pointee.cuLinkDestroy(link) }
            result = unsafe driver.pointee.cuLinkAddData(
                link, Int32(HCU_INPUT_PTX), &source, source.count, "kernel.ptx", 0, nil, nil)
            guard result == 0 else { return (result, []) }
            var (place, size): (UnsafeMutableRawPointer?, Int) = (nil, 0)
            result = unsafe driver.pointee.cuLinkComplete(link, &place, &size)
            guard result == 0, let place = unsafe place else { return (result, []) }
            return unsafe (0, Array(UnsafeRawBufferPointer(start: place, count: size)))
        }
        guard outcome.result == 0 else {
            var error = device.failure(outcome.result, operation)
            let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if !text.isEmpty { error.text = text }
            throw error
        }
        return outcome.image
    }

    deinit { unsafe image.deallocate() }

    func kernel(_ name: String, _ operation: StaticString) throws(DeviceError) -> CUDAKernel {
        if let known = kernels.withLock({ $0[name] }) { return known }
        let device = context.device
        guard generation == device.generation else {
            throw device.deadError(operation, generation: generation, isContext: false)
        }
        try context.enter(operation)
        var function: OpaquePointer?
        let result = unsafe device.libraries.driver.pointee.cuModuleGetFunction(&function, native, name)
        guard result == 0, let function = unsafe function else {
            var error = device.failure(result, operation)
            if result == HCU_NOT_FOUND { error.text = "The module has no kernel \(name)." }
            throw error
        }
        let made = unsafe CUDAKernel(context, generation, unsafe function, name)
        return kernels.withLock { kernels in
            if let known = kernels[name] { return known }
            kernels[name] = made
            return made
        }
    }

    func close() {
        if generation == context.device.generation, (try? context.enter("module_unload")) != nil {
            _ = unsafe context.device.libraries.driver.pointee.cuModuleUnload(native)
        }
        if isCounted { context.living.count(\.modules, -1) }
    }
}

/// A kernel of a module, which owns it.
@safe final class CUDAKernel: @unchecked Sendable {
    // Unchecked: nothing changes after init.
    let context: CUDAContext
    let generation: Int
    let function: OpaquePointer
    let name: String
    /// The size of each parameter; nil where the driver does not tell.
    let parameters: [Int]?

    fileprivate init(_ context: CUDAContext, _ generation: Int, _ function: OpaquePointer, _ name: String) {
        self.context = context
        self.generation = generation
        unsafe self.function = unsafe function
        self.name = name
        parameters = unsafe CUDAKernel.parameters(context.device, function)
    }

    private static func parameters(_ device: CUDADevice, _ function: OpaquePointer) -> [Int]? {
        guard let ask = unsafe device.libraries.driver.pointee.cuFuncGetParamInfo else { return nil }
        var sizes: [Int] = []
        while sizes.count < 4096 {
            var (offset, size) = (0, 0)
            guard unsafe ask(function, sizes.count, &offset, &size) == 0 else { break }
            sizes.append(size)
        }
        return sizes
    }

    func attribute(_ number: Int, _ operation: StaticString) throws(DeviceError) -> Int {
        try context.enter(operation)
        var value: Int32 = 0
        try context.device.check(
            unsafe context.device.libraries.driver.pointee.cuFuncGetAttribute(
                &value, Int32(number), function),
            operation)
        return Int(value)
    }

    /// Allows launches with more shared memory than the usual limit.
    func allow(sharedBytes: Int, _ operation: StaticString) throws(DeviceError) {
        guard sharedBytes > 48 << 10 else { return }
        let number = Int32(HCU_FUNCTION_MAX_DYNAMIC_SHARED)
        try context.device.check(
            unsafe context.device.libraries.driver.pointee.cuFuncSetAttribute(
                function, number, Int32(sharedBytes)),
            operation)
    }

    /// Puts the kernel into a stream; each parameter points to its value.
    func launch(
        _ stream: CUDAStream, groups: (UInt32, UInt32, UInt32), items: (UInt32, UInt32, UInt32),
        sharedBytes: UInt32, _ parameters: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        _ operation: StaticString
    ) throws(DeviceError) {
        try context.device.check(
            unsafe context.device.libraries.driver.pointee.cuLaunchKernel(
                function, groups.0, groups.1, groups.2, items.0, items.1, items.2, sharedBytes, stream.native,
                parameters, nil), operation, on: stream)
    }
}
