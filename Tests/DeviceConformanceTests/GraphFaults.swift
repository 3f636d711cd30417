import AcceleratorAPI
import CHengAccelerator

extension GroupFault {
    static let building = [
        unsafe graph("constants become zero", caughtBy: "build") {
            unsafe $0.graph_add_value = { graph, description, value, error in
                guard var own = unsafe description?.pointee, let constant = unsafe own.constant else {
                    return unsafe graphs.graph_add_value(graph, description, value, error)
                }
                let size = unsafe Int(own.constant_size)
                let zeros = UnsafeMutableRawPointer.allocate(byteCount: max(1, size), alignment: 64)
                defer { unsafe zeros.deallocate() }
                unsafe zeros.copyMemory(from: constant, byteCount: size)
                unsafe zeros.initializeMemory(as: UInt8.self, repeating: 0, count: min(size, 64))
                unsafe own.constant = UnsafeRawPointer(zeros)
                return unsafe graphs.graph_add_value(graph, &own, value, error)
            }
        },
        unsafe graph("a node reads its inputs in the other order", caughtBy: "build") {
            unsafe $0.graph_add_node = { graph, description, inputs, count, outputs, made, node, error in
                let turned = unsafe UnsafeBufferPointer(start: inputs, count: Int(count)).reversed()
                return unsafe graphs.graph_add_node(
                    graph, description, Array(turned), count, outputs, made, node, error)
            }
        },
        unsafe graph("every graph has four nodes", caughtBy: "find") {
            unsafe $0.graph_count = { _, count, _ in
                unsafe count?.pointee = 4
                return 0
            }
        },
        unsafe graph("every name is that of the first node", caughtBy: "find") {
            unsafe $0.graph_find = { _, _, node, _ in
                unsafe node?.pointee = 0
                return 0
            }
        },
        unsafe graph("a node tells nothing of its outputs", caughtBy: "find") {
            unsafe $0.graph_node = { graph, node, info, error in
                let code = unsafe graphs.graph_node(graph, node, info, error)
                unsafe info?.pointee.output_count = 0
                return code
            }
        },
        unsafe graph("nodes do not change", caughtBy: "change") {
            unsafe $0.graph_change_node = { _, _, _, _ in 0 }
        },
        unsafe graph("nodes do not go", caughtBy: "remove") {
            unsafe $0.graph_remove_node = { _, _, _ in 0 }
        },
        unsafe graph("a node that is read cannot be removed, in another class", caughtBy: "remove") {
            unsafe $0.graph_remove_node = { graph, node, error in
                let result = unsafe graphs.graph_remove_node(graph, node, nil)
                return result == HENG_ERROR_GRAPH ? code(HENG_ERROR_GENERAL) : result
            }
        },
        unsafe graph("a copy is empty", caughtBy: "copy") {
            unsafe $0.graph_create = { _, graph, error in
                unsafe graphs.graph_create(nil, graph, error)
            }
        },
        unsafe graph("the outputs are in the other order", caughtBy: "outputs") {
            unsafe $0.graph_set_outputs = { graph, values, count, error in
                let turned = unsafe UnsafeBufferPointer(start: values, count: Int(count)).reversed()
                return unsafe graphs.graph_set_outputs(graph, Array(turned), count, error)
            }
        },
        unsafe graph("a graph that is read is empty", caughtBy: "files") {
            unsafe $0.graph_read = { _, graph, error in unsafe graphs.graph_create(nil, graph, error) }
        },
        unsafe graph("a graph is written nowhere", caughtBy: "files") {
            unsafe $0.graph_write = { _, _, _ in 0 }
        },
    ]

    static let compiling = [
        unsafe graph("no graph ever needs to be compiled", caughtBy: "needs-compile") {
            unsafe $0.graph_needs_compile = { _, _, needed, _ in
                unsafe needed?.pointee = 0
                return 0
            }
        },
        unsafe graph("every graph needs to be compiled", caughtBy: "needs-compile") {
            unsafe $0.graph_needs_compile = { _, _, needed, _ in
                unsafe needed?.pointee = 1
                return 0
            }
        },
        unsafe graph("whether it is needed is told with a two", caughtBy: "needs-compile") {
            unsafe $0.graph_needs_compile = { graph, model, needed, error in
                let code = unsafe graphs.graph_needs_compile(graph, model, needed, error)
                unsafe needed?.pointee *= 2
                return code
            }
        },
        unsafe graph("a graph without outputs is a general error", caughtBy: "compile-wrong") {
            unsafe $0.graph_compile = { graph, context, arguments, model, _ in
                let result = unsafe graphs.graph_compile(graph, context, arguments, model, nil)
                return result == HENG_ERROR_GRAPH ? code(HENG_ERROR_GENERAL) : result
            }
        },
        unsafe graph("compiling ignores shapes", caughtBy: "shapes") {
            unsafe $0.graph_compile = { graph, context, _, model, error in
                unsafe graphs.graph_compile(graph, context, nil, model, error)
            }
        },
        unsafe graph("long names are cut", caughtBy: "values") {
            unsafe $0.graph_add_value = { graph, description, value, error in
                guard var own = unsafe description?.pointee, unsafe own.name != nil else {
                    return unsafe graphs.graph_add_value(graph, description, value, error)
                }
                unsafe own.name = nil
                return unsafe graphs.graph_add_value(graph, &own, value, error)
            }
        },
        unsafe graph("a refused node counts all the same", caughtBy: "nodes") {
            unsafe $0.graph_count = { graph, count, error in
                let code = unsafe graphs.graph_count(graph, count, error)
                unsafe count?.pointee += 1
                return code
            }
        },
        unsafe graph("an operator that is none is an input that is none", caughtBy: "nodes") {
            unsafe $0.graph_add_node = { graph, description, inputs, count, outputs, made, node, error in
                let result = unsafe graphs.graph_add_node(
                    graph, description, inputs, count, outputs, made, node, nil)
                return result == HENG_ERROR_OPERATOR_NAME ? code(HENG_ERROR_OPERATOR_INPUT) : result
            }
        },
        unsafe graph("values of any graph are outputs", caughtBy: "foreign") {
            unsafe $0.graph_set_outputs = { graph, values, count, error in
                let result = unsafe graphs.graph_set_outputs(graph, values, count, nil)
                return result == HENG_ERROR_GRAPH ? 0 : result
            }
        },
        unsafe graph("circles are read", caughtBy: "cycle") {
            unsafe $0.graph_read = { arguments, graph, error in
                let result = unsafe graphs.graph_read(arguments, graph, nil)
                return unsafe result == 0 ? 0 : graphs.graph_create(nil, graph, error)
            }
        },
        unsafe graph("destroyed graphs live on", caughtBy: "destroy") {
            unsafe $0.graph_destroy = { graph, error in
                unsafe graph == nil ? graphs.graph_destroy(nil, error) : 0
            }
        },
    ]

    static let ofKernels = [
        unsafe kernel("a module has the bytes of nothing", caughtBy: "binary") {
            unsafe $0.module_binary = { _, bytes, size, _ in
                unsafe bytes?.pointee = UnsafeRawPointer(bitPattern: 0x1000)
                unsafe size?.pointee = 0
                return 0
            }
        },
        unsafe kernel("any bytes are a module", caughtBy: "binary-damaged") {
            unsafe $0.module_load = { context, arguments, module, error in
                if unsafe arguments?.pointee.code == Int32(HENG_CODE_BINARY) {
                    unsafe module?.pointee = OpaquePointer(bitPattern: 0x1000)
                    return 0
                }
                return unsafe kernels.module_load(context, arguments, module, error)
            }
        },
        unsafe kernel("code without bytes is welcome", caughtBy: "arguments") {
            unsafe $0.module_load = { context, arguments, module, error in
                if unsafe context != nil, let given = unsafe arguments, unsafe given.pointee.bytes == nil {
                    unsafe module?.pointee = OpaquePointer(bitPattern: 0x1000)
                    return 0
                }
                return unsafe kernels.module_load(context, arguments, module, error)
            }
        },
        unsafe kernel("any name is that of a kernel", caughtBy: "name") {
            unsafe $0.kernel_get = { _, _, kernel, _ in
                unsafe kernel?.pointee = OpaquePointer(bitPattern: 0x1000)
                return 0
            }
        },
        unsafe kernel("the compiler says nothing", caughtBy: "compile") {
            unsafe $0.module_load = { context, arguments, module, _ in
                unsafe kernels.module_load(context, arguments, module, nil)
            }
        },
        unsafe kernel("every kind of code is supported", caughtBy: "code") {
            unsafe $0.code_supported = { _, _, supported, _ in
                unsafe supported?.pointee = 1
                return 0
            }
        },
        unsafe kernel("a launch adds twice", caughtBy: "launch") {
            unsafe $0.kernel_launch = { kernel, stream, grid, arguments, count, number, error in
                _ = unsafe kernels.kernel_launch(kernel, stream, grid, arguments, count, number, nil)
                return unsafe kernels.kernel_launch(kernel, stream, grid, arguments, count, number, error)
            }
        },
    ]
}
