import AcceleratorAPI
import CHengAccelerator
import Essentials

/// The same work through the table of our backend.
@safe final class TableWork {
    private let functions: heng_accelerator_table
    private let kernels: heng_kernel_table
    private let operators: heng_operator_table
    private var context: OpaquePointer?
    private var stream: OpaquePointer?
    private var buffers: [OpaquePointer?] = unsafe []
    private var module: OpaquePointer?
    private var kernel: OpaquePointer?
    private var product: OpaquePointer?
    private var workspace: OpaquePointer?
    private var ranges: [heng_range] = unsafe []
    private var scratch = unsafe heng_range(buffer: nil, host: nil, offset: 0, size: 0)

    init(_ device: Device) throws {
        unsafe functions = unsafe device.table.functions.pointee
        func group<Table>(_ kind: Int, _ type: Table.Type) throws -> Table {
            var header: UnsafePointer<heng_header>?
            guard unsafe device.table.functions.pointee.group(UInt32(kind), &header, nil) == 0,
                let found = unsafe header
            else { throw Failure("The backend lacks group \(kind).") }
            return unsafe UnsafeRawPointer(found).assumingMemoryBound(to: type).pointee
        }
        unsafe kernels = try unsafe group(HENG_KIND_KERNEL_TABLE, heng_kernel_table.self)
        unsafe operators = try unsafe group(HENG_KIND_OPERATOR_TABLE, heng_operator_table.self)
        try check(unsafe functions.context_create(device.handle, &context, nil))
        try check(unsafe functions.stream_create(context, nil, &stream, nil))
    }

    func close() {
        _ = unsafe functions.stream_destroy(stream, nil)
        if let product = unsafe product { _ = unsafe operators.operator_destroy(product, nil) }
        if let module = unsafe module { _ = unsafe kernels.module_unload(module, nil) }
        for index in unsafe buffers.indices { _ = unsafe functions.buffer_free(buffers[index], nil) }
        _ = unsafe functions.context_destroy(context, nil)
    }

    private func check(_ status: Int32) throws {
        if status != 0 { throw Failure("A call of the table failed with \(status).") }
    }

    private func buffer(_ size: Int) throws -> heng_range {
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header.struct_size = UInt32(MemoryLayout<heng_buffer_arguments>.size)
        unsafe arguments.size = UInt64(size)
        unsafe arguments.numa_node = -1
        var made: OpaquePointer?
        try check(unsafe functions.buffer_allocate(context, &arguments, &made, nil))
        unsafe buffers.append(made)
        var range = unsafe heng_range(buffer: made, host: nil, offset: 0, size: UInt64(size))
        try check(unsafe functions.stream_fill(stream, &range, 0, UInt64(size), 0, nil))
        return unsafe range
    }

    func synchronize() throws { try check(unsafe functions.stream_synchronize(stream, -1, nil)) }

    // MARK: - The product

    func prepareProduct(_ n: Int) throws {
        let dims = [Int64(n), Int64(n)]
        var info = unsafe heng_operator_info()
        unsafe info.header.struct_size = UInt32(MemoryLayout<heng_operator_info>.size)
        unsafe try dims.withUnsafeBufferPointer { dims in
            var tensor = unsafe heng_tensor_description()
            unsafe tensor.header.struct_size = UInt32(MemoryLayout<heng_tensor_description>.size)
            unsafe tensor.type = Int32(HENG_TYPE_FLOAT32)
            unsafe tensor.rank = 2
            unsafe tensor.dims = dims.baseAddress
            try unsafe withUnsafePointer(to: tensor) { tensor in
                let pointers: [UnsafePointer<heng_tensor_description>?] = unsafe [tensor, tensor]
                try unsafe "MatMul".withCString { name in
                    try unsafe pointers.withUnsafeBufferPointer { pointers in
                        var description = unsafe heng_operator_description()
                        unsafe description.header.struct_size =
                            UInt32(MemoryLayout<heng_operator_description>.size)
                        unsafe description.name = name
                        unsafe description.input_count = 2
                        unsafe description.output_count = 1
                        unsafe description.inputs = pointers.baseAddress
                        unsafe description.outputs = pointers.baseAddress
                        try check(
                            unsafe operators.operator_prepare(context, &description, &product, &info, nil))
                    }
                }
            }
        }
        for _ in 0..<3 { unsafe ranges.append(try unsafe buffer(n * n * 4)) }
        if unsafe info.workspace_bytes > 0 { unsafe scratch = try unsafe buffer(Int(info.workspace_bytes)) }
        try synchronize()
    }

    func runProduct() throws {
        try check(
            unsafe ranges.withUnsafeBufferPointer { ranges in
                guard let first = ranges.baseAddress else { return -1 }
                return unsafe operators.operator_execute(
                    product, stream, first, 2, first + 2, 1, &scratch, 0, nil)
            })
        try synchronize()
    }

    // MARK: - The launch

    func prepareNothing(_ source: String) throws {
        unsafe try source.utf8CString.withUnsafeBytes { text in
            var arguments = unsafe heng_module_arguments()
            unsafe arguments.header.struct_size = UInt32(MemoryLayout<heng_module_arguments>.size)
            unsafe arguments.code = Int32(HENG_CODE_OPENCL_C)
            unsafe arguments.bytes = text.baseAddress
            unsafe arguments.size = UInt64(text.count - 1)
            try check(unsafe kernels.module_load(context, &arguments, &module, nil))
        }
        try check(unsafe kernels.kernel_get(module, "nothing", &kernel, nil))
        unsafe ranges.append(try unsafe buffer(64))
        try synchronize()
    }

    func launchNothing(_ number: Int32) throws {
        var number = number
        var grid = unsafe heng_grid(
            header: StructCrossing.header(HENG_KIND_GRID, of: heng_grid.self), groups: (1, 1, 1),
            items: (1, 1, 1), local_bytes: 0)
        try unsafe withUnsafePointer(to: &number) { number in
            let none = unsafe heng_range(buffer: nil, host: nil, offset: 0, size: 0)
            let arguments = unsafe (
                heng_kernel_argument(range: ranges[0], bytes: nil, size: 0),
                heng_kernel_argument(range: none, bytes: number, size: 4)
            )
            try unsafe withUnsafeBytes(of: arguments) { place in
                let first = unsafe place.baseAddress?.assumingMemoryBound(to: heng_kernel_argument.self)
                try check(unsafe kernels.kernel_launch(kernel, stream, &grid, first, 2, 0, nil))
            }
        }
    }
}
