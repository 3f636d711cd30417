internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials
internal import Synchronization

/// What the operators of a context share in one epoch: compiled sources, and the handle of the library of products.
@safe final class OperatorLibrary: @unchecked Sendable {
    // Unchecked: locked.
    private let context: CUDAContext
    private let modules = Mutex<[String: CUDAModule]>([:])
    private let blas = Mutex<UInt?>(nil)

    init(_ context: CUDAContext) { self.context = context }

    /// The kernel of a step, compiled when it is first asked for.
    func kernel(_ step: KernelStep) throws(DeviceError) -> CUDAKernel {
        let key = ([step.source.rawValue] + step.defines).joined(separator: " ")
        if let module = modules.withLock({ $0[key] }) {
            return try module.kernel(step.name, "operator_prepare")
        }
        let device = context.device
        let compiler = CUDACompiler(libraries: device.libraries, architecture: device.facts.architecture)
        let image = try compiler.compile(
            CUDAKernelSources.prelude + step.source.text, options: step.defines, "operator_prepare")
        let made = try CUDAModule(context, image, "operator_prepare", isCounted: false)
        let module = modules.withLock { modules in
            if let known = modules[key] { return known }
            modules[key] = made
            return made
        }
        if module !== made { made.close() }
        return try module.kernel(step.name, "operator_prepare")
    }

    /// The library of products; nil where it is not installed or does not start.
    func products() throws(DeviceError) -> (table: UnsafePointer<hcu_blas>, handle: OpaquePointer)? {
        guard let table = unsafe context.device.libraries.blas else { return nil }
        try context.enter("operator_prepare")
        let address = blas.withLock { blas -> UInt in
            if let blas { return blas }
            var handle: OpaquePointer?
            let address = unsafe table.pointee.cublasLtCreate(&handle) == 0 ? UInt(bitPattern: handle) : 0
            blas = address
            return address
        }
        guard let handle = unsafe OpaquePointer(bitPattern: address) else { return nil }
        return unsafe (table, handle)
    }

    /// Ends it; in a context that is dead there is nothing left to end.
    func close(isAlive: Bool) {
        for module in modules.withLock({ Array($0.values) }) { module.close() }
        guard isAlive, let table = unsafe context.device.libraries.blas else { return }
        let address = blas.withLock { $0 } ?? 0
        guard let handle = unsafe OpaquePointer(bitPattern: address) else { return }
        _ = unsafe table.pointee.cublasLtDestroy(handle)
    }
}

/// A product prepared by the vendor's library, with our own kernel for addresses that it does not take.
@safe final class PreparedProduct: @unchecked Sendable {
    // Unchecked: nothing changes after init.
    let step: ProductStep
    let handle: OpaquePointer
    let workspace: Int
    let substitute: (kernel: CUDAKernel, step: KernelStep)?

    init(_ step: ProductStep, _ handle: OpaquePointer, _ substitute: (kernel: CUDAKernel, step: KernelStep)?)
    {
        self.step = step
        unsafe self.handle = unsafe handle
        workspace = unsafe hcu_product_workspace(handle)
        self.substitute = substitute
    }

    deinit { unsafe hcu_product_destroy(handle) }
}

/// An operator that is ready to run many times.
@safe final class PreparedOperator: Sendable {
    enum Work: Sendable {
        case kernel(CUDAKernel, KernelStep)
        case copy(Operand, Operand, bytes: Int)
        case product(PreparedProduct)
    }

    let context: CUDAContext
    let generation: Int
    let name: String
    let plan: OperatorPlan
    let inputs: [TensorSpec?]
    let workspace: Int
    let algorithm: String
    let determinism: Int
    private let work: [Work]
    private let text: PermanentText

    /// The most scratch memory that products may ask for.
    private static let workspaceLimit = 32 << 20

    init(_ context: CUDAContext, _ request: OperatorRequest, _ plan: OperatorPlan) throws(DeviceError) {
        try context.enter("operator_prepare")
        self.context = context
        self.plan = plan
        generation = context.generation
        name = request.name
        inputs = request.inputs
        var work: [Work] = []
        var (workspace, usesLibrary) = (0, false)
        for step in plan.steps {
            let made = try PreparedOperator.prepare(step, context)
            if case .product(let product) = made {
                usesLibrary = true
                workspace = max(workspace, product.workspace)
            }
            work.append(made)
        }
        self.work = work
        self.workspace = workspace
        algorithm =
            plan.algorithm == "product" ? (usesLibrary ? "cuBLASLt" : "product of tiles") : plan.algorithm
        determinism = usesLibrary ? HENG_DETERMINISM_RUN : HENG_DETERMINISM_BATCH
        text = PermanentText(algorithm)
        context.living.count(\.operators, 1)
    }

    func close() { context.living.count(\.operators, -1) }

    private static func prepare(_ step: OperatorStep, _ context: CUDAContext) throws(DeviceError) -> Work {
        switch step {
        case .copy(let from, let to, let bytes): return .copy(from, to, bytes: bytes)
        case .kernel(let step): return .kernel(try context.library.kernel(step), step)
        case .product(let step):
            if let product = try library(step, context) { return .product(product) }
            let kernel = ownKernel(step)
            return .kernel(try context.library.kernel(kernel), kernel)
        }
    }

    /// The product through the vendor's library; nil where it is missing or does not take it.
    private static func library(_ step: ProductStep, _ context: CUDAContext) throws(DeviceError)
        -> PreparedProduct?
    {
        let types = [
            HENG_TYPE_FLOAT32: HCU_REAL_32F, HENG_TYPE_FLOAT16: HCU_REAL_16F,
            HENG_TYPE_BFLOAT16: HCU_REAL_16BF,
            HENG_TYPE_FLOAT64: HCU_REAL_64F,
        ]
        guard !step.isStrict, let type = types[step.type],
            let (table, handle) = unsafe try context.library.products()
        else { return nil }
        var shape = hcu_product_shape()
        (shape.m, shape.n, shape.k) = (UInt64(step.rows), UInt64(step.columns), UInt64(step.depth))
        shape.batch = UInt64(step.batch)
        shape.stride_a = Int64(step.strides.a)
        shape.stride_b = Int64(step.strides.b)
        shape.stride_d = Int64(step.rows * step.columns)
        shape.transposed_a = step.isTransposed.a ? 1 : 0
        shape.transposed_b = step.isTransposed.b ? 1 : 0
        shape.type = Int32(type)
        shape.compute =
            Int32(
                type == HCU_REAL_64F
                    ? HCU_COMPUTE_64F
                    : type == HCU_REAL_32F && step.isFastWelcome ? HCU_COMPUTE_32F_TF32 : HCU_COMPUTE_32F)
        var product: OpaquePointer?
        let status = unsafe hcu_product_prepare(table, handle, &shape, workspaceLimit, &product)
        guard status == 0, let product = unsafe product else { return nil }
        // Without a compiler there is no substitute, and addresses that are not aligned are refused.
        let own = ownKernel(step)
        let kernel = try? context.library.kernel(own)
        return unsafe PreparedProduct(step, product, kernel.map { ($0, own) })
    }

    /// The product through our own kernel.
    static func ownKernel(_ step: ProductStep) -> KernelStep {
        var kernel = KernelStep(.product, "product", type: step.type, groups: (step.columns + 63) / 64) {
            $0.add(.input(0))
            $0.add(.input(1))
            $0.add(.output(0))
            let a = step.isTransposed.a ? [1, step.rows] : [step.depth, 1]
            let b = step.isTransposed.b ? [1, step.depth] : [step.columns, 1]
            let size = step.rows * step.columns
            $0.add(
                [step.rows, step.columns, step.depth, step.batch] + a + b + [
                    step.strides.a, step.strides.b, size,
                ])
            $0.add(step.alpha)
            $0.add(step.beta)
        }
        kernel.groups.y = max(1, min(65535, (step.rows + 63) / 64))
        kernel.groups.z = max(1, min(65535, step.batch))
        kernel.starts = step.starts
        return kernel
    }

    func info() -> heng_operator_info {
        var info = unsafe heng_operator_info()
        unsafe info.workspace_bytes = UInt64(workspace)
        unsafe info.kept_inputs = plan.kept
        unsafe info.algorithm = text.pointer
        unsafe info.determinism = Int32(determinism)
        unsafe info.in_place_input = Int32(plan.inPlaceInput)
        return unsafe info
    }

    // MARK: Running

    /// Puts the work into a stream; `addresses` holds those of the inputs, then of the outputs, 0 for none.
    func run(_ stream: CUDAStream, _ addresses: UnsafeMutableBufferPointer<UInt64>, workspace: UInt64)
        throws(DeviceError)
    {
        let driver = unsafe context.device.libraries.driver
        for piece in work {
            switch piece {
            case .kernel(let kernel, let step): try unsafe launch(kernel, step, stream, addresses)
            case .copy(let from, let to, let bytes):
                let (source, target) = unsafe (address(from, addresses), address(to, addresses))
                if source == target || bytes == 0 { continue }
                try context.device.check(
                    unsafe driver.pointee.cuMemcpyDtoDAsync(target, source, bytes, stream.native),
                    "operator_execute", on: stream)
            case .product(let product):
                try unsafe run(product, stream, addresses, workspace)
            }
        }
    }

    private func address(_ operand: Operand, _ addresses: UnsafeMutableBufferPointer<UInt64>) -> UInt64 {
        switch operand {
        case .input(let index): unsafe addresses[index]
        case .output(let index): unsafe addresses[inputs.count + index]
        case .none: 0
        }
    }

    private func run(
        _ product: PreparedProduct, _ stream: CUDAStream, _ addresses: UnsafeMutableBufferPointer<UInt64>,
        _ workspace: UInt64
    ) throws(DeviceError) {
        let size = UInt64(TensorSpec.size(product.step.type))
        let starts = product.step.starts
        let a = unsafe address(.input(0), addresses) + UInt64(starts.a) * size
        let b = unsafe address(.input(1), addresses) + UInt64(starts.b) * size
        let d = unsafe address(.output(0), addresses) + UInt64(starts.d) * size
        guard (a | b | d) % UInt64(HCU_PRODUCT_ALIGNMENT) == 0 else {
            guard let (kernel, step) = product.substitute else {
                throw DeviceError(
                    .alignment, operation: "operator_execute",
                    text:
                        "The operands of \(name) must start at multiples of \(HCU_PRODUCT_ALIGNMENT) bytes here.",
                    operatorName: name)
            }
            return try unsafe launch(kernel, step, stream, addresses)
        }
        let status = unsafe hcu_product_run(
            product.handle, product.step.alpha, a, b, product.step.beta, d, workspace, product.workspace,
            stream.native)
        guard status == 0 else {
            throw DeviceError(
                .general, operation: "operator_execute",
                text: "cuBLASLt failed with status \(status) in \(name).",
                nativeCode: Int(status), operatorName: name)
        }
    }

    /// Copies the values, puts the addresses in, and launches.
    private func launch(
        _ kernel: CUDAKernel, _ step: KernelStep, _ stream: CUDAStream,
        _ addresses: UnsafeMutableBufferPointer<UInt64>
    ) throws(DeviceError) {
        let arguments = step.arguments
        let size =
            UInt64(step.starts.a | step.starts.b | step.starts.d) == 0
            ? 0 : UInt64(TensorSpec.size(inputs[0]?.type ?? 0))
        let result = unsafe withUnsafeTemporaryAllocation(byteCount: arguments.bytes.count, alignment: 16) {
            values in
            unsafe values.copyBytes(from: arguments.bytes)
            for place in arguments.addresses {
                var value = unsafe address(place.operand, addresses)
                // Addresses left out stay 0.
                if size != 0 { value += UInt64(step.start(of: place.operand)) * size }
                unsafe values.storeBytes(of: value, toByteOffset: place.offset, as: UInt64.self)
            }
            return unsafe withUnsafeTemporaryAllocation(
                of: UnsafeMutableRawPointer?.self, capacity: arguments.offsets.count
            ) { parameters in
                for (index, offset) in arguments.offsets.enumerated() {
                    unsafe parameters.initializeElement(
                        at: index, to: values.baseAddress.map { unsafe $0 + offset })
                }
                let groups = (UInt32(step.groups.x), UInt32(step.groups.y), UInt32(step.groups.z))
                do throws(DeviceError) {
                    try unsafe kernel.launch(
                        stream, groups: groups, items: (UInt32(step.items), 1, 1), sharedBytes: 0,
                        parameters.baseAddress, "operator_execute")
                    return DeviceError?.none
                } catch { return error }
            }
        }
        if var result {
            result.operatorName = name
            throw result
        }
    }
}

/// A C string that lives as long as its owner.
@safe final class PermanentText: @unchecked Sendable {
    // Unchecked: written once.
    let pointer: UnsafePointer<CChar>

    init(_ text: String) { unsafe pointer = unsafe cString(text) }

    deinit { unsafe pointer.deallocate() }
}
