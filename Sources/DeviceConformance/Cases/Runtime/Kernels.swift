internal import AcceleratorAPI
internal import CHengAccelerator

/// A kernel that every language of kernels can say: adds `amount` to `count` numbers.
private let sources: [(code: Int, name: String, text: String)] = [
    (
        HENG_CODE_OPENCL_C, "OpenCL C",
        """
        __kernel void add(__global int *numbers, int amount, int count)
        {
            int index = get_global_id(0);
            if (index < count) numbers[index] += amount;
        }
        """
    ),
    (
        HENG_CODE_CUDA_C, "CUDA C",
        """
        extern "C" __global__ void add(int *numbers, int amount, int count)
        {
            int index = blockIdx.x * blockDim.x + threadIdx.x;
            if (index < count) numbers[index] += amount;
        }
        """
    ),
]

extension Trial {
    fileprivate func kernelTable() throws -> heng_kernel_table {
        guard let table = unsafe rig.group(HENG_KIND_KERNEL_TABLE, zero: heng_kernel_table()) else {
            throw CaseEnd.outside("The maker offers no kernels.")
        }
        return unsafe table
    }

    /// Loads a module from what the caller has written into the arguments.
    fileprivate func load(
        _ table: heng_kernel_table, _ context: Handle, raw: inout heng_module_arguments
    ) -> Made {
        unsafe rig.make(table.module_load, "module_load") { unsafe $0(context.raw, &raw, $1, $2) }
    }

    /// The bytes that the module says it is.
    fileprivate func binary(_ table: heng_kernel_table, _ module: Handle) throws -> [UInt8] {
        var (bytes, size): (UnsafeRawPointer?, UInt64) = (nil, 0)
        try unsafe rig.call(table.module_binary, "module_binary") {
            unsafe $0(module.raw, &bytes, &size, $1)
        }.done()
        guard let bytes = unsafe bytes, size > 0 else {
            throw CaseEnd.failed("module_binary reports success and gives no bytes.")
        }
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(clamping: size)))
    }

    fileprivate func supports(_ table: heng_kernel_table, _ code: Int) throws -> Bool {
        var supported: UInt8 = 0
        try unsafe rig.call(table.code_supported, "code_supported") {
            unsafe $0(rig.device.raw, Int32(code), &supported, $1)
        }.done()
        return supported != 0
    }

    fileprivate func load(_ table: heng_kernel_table, _ context: Handle, _ code: Int, _ bytes: [UInt8])
        -> Made
    {
        unsafe bytes.withUnsafeBytes { bytes in
            var raw = unsafe heng_module_arguments()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_MODULE_ARGUMENTS, of: heng_module_arguments.self)
            unsafe raw.code = Int32(code)
            unsafe raw.bytes = bytes.baseAddress
            unsafe raw.size = UInt64(bytes.count)
            return unsafe rig.make(table.module_load, "module_load") { unsafe $0(context.raw, &raw, $1, $2) }
        }
    }

    fileprivate func unload(_ table: heng_kernel_table, _ module: Handle) -> Answer {
        unsafe rig.call(table.module_unload, "module_unload") { unsafe $0(module.raw, $1) }
    }

    fileprivate func kernel(_ table: heng_kernel_table, _ module: Handle, _ name: String) -> Made {
        unsafe rig.make(table.kernel_get, "kernel_get") { function, kernel, error in
            unsafe name.withCString { unsafe function(module.raw, $0, kernel, error) }
        }
    }

    /// The first language that the device takes as text.
    fileprivate func source(_ table: heng_kernel_table) throws -> (code: Int, text: [UInt8]) {
        for source in sources where try unsafe supports(table, source.code) {
            return (source.code, Array(source.text.utf8))
        }
        throw CaseEnd.outside("The device takes neither OpenCL C nor CUDA C.")
    }

    fileprivate func launch(
        _ table: heng_kernel_table, _ kernel: Handle, _ stream: Handle, _ buffer: Handle, count: Int32,
        amount: Int32
    ) -> Answer {
        var (count, amount) = (count, amount)
        return unsafe withUnsafePointer(to: &amount) { amount in
            unsafe withUnsafePointer(to: &count) { count in
                let arguments = unsafe [
                    heng_kernel_argument(
                        range: Place.buffer(buffer, size: Int(count.pointee) * 4).range, bytes: nil, size: 0),
                    heng_kernel_argument(range: heng_range(), bytes: amount, size: 4),
                    heng_kernel_argument(range: heng_range(), bytes: count, size: 4),
                ]
                var grid = unsafe heng_grid(
                    header: StructCrossing.header(HENG_KIND_GRID, of: heng_grid.self),
                    groups: (UInt32(count.pointee + 63) / 64, 1, 1), items: (64, 1, 1), local_bytes: 0)
                return unsafe rig.call(table.kernel_launch, "kernel_launch") {
                    unsafe $0(kernel.raw, stream.raw, &grid, arguments, 3, 11, $1)
                }
            }
        }
    }
}

extension DeviceCases {
    static let kernels: [DeviceCase] = [
        .runtime(
            "kernel/launch", "a kernel of the caller's runs, each time it is launched", 45,
            group: HENG_KIND_KERNEL_TABLE
        ) {
            trial in
            let table = try unsafe trial.kernelTable()
            let (code, text) = try unsafe trial.source(table)
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let module = try unsafe trial.load(table, context, code, text).made()
            let kernel = try unsafe trial.kernel(table, module, "add").made()
            var info = unsafe heng_kernel_info()
            unsafe info.header = StructCrossing.header(HENG_KIND_KERNEL_INFO, of: heng_kernel_info.self)
            try unsafe trial.rig.call(table.kernel_describe, "kernel_describe") {
                unsafe $0(kernel.raw, &info, $1)
            }.done()
            try unsafe trial.require(info.group_limit > 0, "A kernel takes groups of no work item.")
            let count = 1000
            let buffer = try trial.buffer(in: context, count * 4)
            try trial.write([UInt8](repeating: 0, count: count * 4), to: buffer, of: count * 4, stream)
            for _ in 0..<3 {
                try unsafe trial.launch(table, kernel, stream, buffer, count: Int32(count), amount: 7).done()
            }
            let expected = (0..<count).flatMap { _ -> [UInt8] in [21, 0, 0, 0] }
            try trial.require(
                trial.read(count * 4, from: buffer, of: count * 4, stream), is: expected,
                "Three launches that add 7")
            try unsafe trial.unload(table, module).done()
        },
        .runtime(
            "kernel/name", "a kernel that the module does not have is refused", group: HENG_KIND_KERNEL_TABLE
        ) { trial in
            let table = try unsafe trial.kernelTable()
            let (code, text) = try unsafe trial.source(table)
            let context = try trial.context()
            let module = try unsafe trial.load(table, context, code, text).made()
            try unsafe trial.kernel(table, module, "no_such_kernel").answer.fails(
                when: "for a name that is none")
            try unsafe trial.unload(table, module).done()
        },
        .runtime(
            "kernel/compile", "code that is wrong is refused with the compiler's own words", 49,
            group: HENG_KIND_KERNEL_TABLE
        ) {
            trial in
            let table = try unsafe trial.kernelTable()
            let (code, _) = try unsafe trial.source(table)
            let context = try trial.context()
            let made = unsafe trial.load(table, context, code, Array("this is no kernel;".utf8))
            try made.answer.fails(when: "of text that is no kernel")
            try trial.require(
                (made.answer.error?.text ?? "").count > 20, "The error does not say what the compiler said.")
        },
        .runtime("kernel/code", "code of an unknown kind is not supported", 62, group: HENG_KIND_KERNEL_TABLE)
        { trial in
            let table = try unsafe trial.kernelTable()
            let context = try trial.context()
            try unsafe trial.require(
                !trial.supports(table, 999), "The kind of code 999 is said to be supported.")
            try unsafe trial.load(table, context, 999, [1, 2, 3]).answer.fails(
                when: "of an unknown kind of code")
        },
        .runtime(
            "kernel/binary", "a module is loaded from the bytes that it gave, after it is gone",
            45,
            group: HENG_KIND_KERNEL_TABLE
        ) { trial in
            let table = try unsafe trial.kernelTable()
            guard try unsafe trial.supports(table, HENG_CODE_BINARY) else {
                throw CaseEnd.outside("The device takes no modules as bytes of its own.")
            }
            let (code, text) = try unsafe trial.source(table)
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let first = try unsafe trial.load(table, context, code, text).made()
            let bytes = try unsafe trial.binary(table, first)
            try unsafe trial.unload(table, first).done()
            let again = try unsafe trial.load(table, context, HENG_CODE_BINARY, bytes).made(
                "of its own bytes")
            let kernel = try unsafe trial.kernel(table, again, "add").made("of a module of bytes")
            let count = 300
            let buffer = try trial.buffer(in: context, count * 4)
            try trial.write([UInt8](repeating: 0, count: count * 4), to: buffer, of: count * 4, stream)
            try unsafe trial.launch(table, kernel, stream, buffer, count: Int32(count), amount: 5).done()
            try trial.require(
                trial.read(count * 4, from: buffer, of: count * 4, stream),
                is: (0..<count).flatMap { _ -> [UInt8] in [5, 0, 0, 0] }, "A kernel of a module of bytes")
            try unsafe trial.unload(table, again).done()
        },
        .runtime(
            "kernel/binary-damaged", "bytes that are no module, or only a part of one, are refused", 45, 49,
            group: HENG_KIND_KERNEL_TABLE
        ) { trial in
            let table = try unsafe trial.kernelTable()
            guard try unsafe trial.supports(table, HENG_CODE_BINARY) else {
                throw CaseEnd.outside("The device takes no modules as bytes of its own.")
            }
            let (code, text) = try unsafe trial.source(table)
            let context = try trial.context()
            let first = try unsafe trial.load(table, context, code, text).made()
            let bytes = try unsafe trial.binary(table, first)
            try unsafe trial.unload(table, first).done()
            for wrong in [Array(bytes.prefix(bytes.count / 2)), pattern(200)] {
                try unsafe trial.load(table, context, HENG_CODE_BINARY, wrong).answer.fails(
                    when: "of \(wrong.count) bytes that are no module")
            }
        },
        .runtime(
            "kernel/arguments", "loading without code, and from and into nothing, is refused", 45, 49, 65,
            group: HENG_KIND_KERNEL_TABLE
        ) { trial in
            let table = try unsafe trial.kernelTable()
            let (code, text) = try unsafe trial.source(table)
            let context = try trial.context()
            try unsafe trial.load(table, .null, code, text).answer.refusesNull()
            try unsafe trial.rig.make(table.module_load, "module_load") {
                unsafe $0(context.raw, nil, $1, $2)
            }.answer.refusesNull()
            var raw = unsafe heng_module_arguments()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_MODULE_ARGUMENTS, of: heng_module_arguments.self)
            unsafe raw.code = Int32(code)
            try unsafe trial.load(table, context, raw: &raw).answer.fails(when: "of code without bytes")
            unsafe raw.header.struct_size = 4
            try unsafe trial.load(table, context, raw: &raw).answer.gives(
                .version, .invalidArgument, when: "with arguments of four bytes")
            try unsafe trial.unload(table, .null).refusesNull()
            try unsafe trial.kernel(table, .null, "add").answer.refusesNull()
            let module = try unsafe trial.load(table, context, code, text).made("after refused ones")
            let stream = try trial.stream(in: context)
            let kernel = try unsafe trial.kernel(table, module, "add").made()
            let buffer = try trial.buffer(in: context, 64)
            try unsafe trial.launch(table, .null, stream, buffer, count: 16, amount: 1).refusesNull()
            try unsafe trial.launch(table, kernel, .null, buffer, count: 16, amount: 1).refusesNull()
            try unsafe trial.rig.call(table.kernel_launch, "kernel_launch") {
                unsafe $0(kernel.raw, stream.raw, nil, nil, 0, 0, $1)
            }.refusesNull()
            try trial.rig.synchronize(stream).done("after refused launches")
            try unsafe trial.unload(table, module).done()
        },
    ]
}
