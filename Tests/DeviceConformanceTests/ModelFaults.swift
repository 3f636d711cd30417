import AcceleratorAPI
import CHengAccelerator

extension GroupFault {
    static let all = loading + describing + running + ending + building + compiling + ofOperators

    static let loading = [
        unsafe model("the weights that a model needs are told as half", caughtBy: "query") {
            unsafe $0.model_query = { device, arguments, info, error in
                let code = unsafe models.model_query(device, arguments, info, error)
                unsafe info?.pointee.weight_bytes /= 2
                return code
            }
        },
        unsafe model("the bytes of a model are not looked at before it runs", caughtBy: "load-memory") {
            unsafe $0.model_load = { _, _, _, _ in code(HENG_ERROR_GENERAL) }
        },
        unsafe model("a file that is not there is a wrong model", caughtBy: "load-file") {
            unsafe $0.model_load = { context, arguments, model, error in
                let result = unsafe models.model_load(context, arguments, model, nil)
                return result == HENG_ERROR_FILE ? code(HENG_ERROR_MODEL) : result
            }
        },
        unsafe model("the caller's memory for weights is left alone", caughtBy: "caller-memory") {
            unsafe $0.model_load = { context, arguments, model, error in
                var own = unsafe arguments?.pointee ?? heng_model_arguments()
                unsafe own.weights = unsafe heng_range()
                return unsafe models.model_load(context, &own, model, error)
            }
        },
        unsafe model("too little memory is quietly replaced", caughtBy: "memory-size") {
            unsafe $0.model_load = { context, arguments, model, error in
                var own = unsafe arguments?.pointee ?? heng_model_arguments()
                unsafe (own.weights, own.working) = unsafe (heng_range(), heng_range())
                return unsafe models.model_load(context, &own, model, error)
            }
        },
        unsafe model("the size of the arguments is not looked at", caughtBy: "arguments") {
            unsafe $0.model_load = { context, arguments, model, error in
                guard var own = unsafe arguments?.pointee else {
                    return unsafe models.model_load(context, arguments, model, error)
                }
                unsafe own.header.struct_size = UInt32(unsafe MemoryLayout<heng_model_arguments>.size)
                return unsafe models.model_load(context, &own, model, error)
            }
        },
        unsafe model("load extensions are skipped", caughtBy: "extension") {
            unsafe $0.model_load = { context, arguments, model, error in
                var own = unsafe arguments?.pointee ?? heng_model_arguments()
                unsafe own.header.next = nil
                return unsafe models.model_load(context, &own, model, error)
            }
        },
        unsafe model("a priority is a wrong argument", caughtBy: "priority") {
            unsafe $0.model_load = { context, arguments, model, error in
                if let priority = unsafe arguments?.pointee.priority, priority != 0 {
                    return code(HENG_ERROR_INVALID_ARGUMENT)
                }
                return unsafe models.model_load(context, arguments, model, error)
            }
        },
        unsafe model("open extents are a wrong model", caughtBy: "dynamic") {
            unsafe $0.model_load = { context, arguments, model, error in
                let result = unsafe models.model_load(context, arguments, model, nil)
                return result == HENG_ERROR_MODEL_DYNAMIC ? code(HENG_ERROR_MODEL) : result
            }
        },
        unsafe model("no model is said to be dynamic", caughtBy: "dynamic") {
            unsafe $0.model_query = { device, arguments, info, error in
                let code = unsafe models.model_query(device, arguments, info, error)
                unsafe info?.pointee.dynamic = 0
                return code
            }
        },
        unsafe model("a signature's outputs are its inputs", caughtBy: "signature") {
            unsafe $0.model_signature = { device, arguments, _, index, tensor, name, room, error in
                unsafe models.model_signature(device, arguments, 0, index, tensor, name, room, error)
            }
        },
        unsafe model("names fill more room than there is", caughtBy: "signature") {
            unsafe $0.model_signature = { device, arguments, output, index, tensor, name, room, error in
                unsafe models.model_signature(device, arguments, output, index, tensor, name, room + 1, error)
            }
        },
    ]

    static let describing = [
        unsafe model("a model has an input less than it has", caughtBy: "describe") {
            unsafe $0.model_describe = { model, info, error in
                let code = unsafe models.model_describe(model, info, error)
                unsafe info?.pointee.input_count -= 1
                return code
            }
        },
        unsafe model("every input is the first one", caughtBy: "describe") {
            unsafe $0.model_input = { model, _, description, error in
                unsafe models.model_input(model, 0, description, error)
            }
        },
        unsafe model("every output is the last one", caughtBy: "describe") {
            unsafe $0.model_output = { model, _, description, error in
                unsafe models.model_output(model, 1, description, error)
            }
        },
        unsafe model("an output behind the last is a wrong argument", caughtBy: "describe-wrong") {
            unsafe $0.model_output = { model, index, description, error in
                guard index < 2 else { return code(HENG_ERROR_INVALID_ARGUMENT) }
                return unsafe models.model_output(model, index, description, error)
            }
        },
        unsafe model("a model's info is written whole", caughtBy: "describe-older") {
            unsafe $0.model_describe = { model, info, error in
                let size = unsafe info?.pointee.header.struct_size ?? 0
                unsafe info?.pointee.header.struct_size = UInt32(unsafe MemoryLayout<heng_model_info>.size)
                defer { unsafe info?.pointee.header.struct_size = size }
                return unsafe models.model_describe(model, info, error)
            }
        },
        unsafe model("descriptions have extents of their own", caughtBy: "neutral") {
            unsafe $0.model_input = { model, _, description, error in
                unsafe models.model_output(model, 0, description, error)
            }
        },
        unsafe model("all nodes are the first one", caughtBy: "nodes") {
            unsafe $0.model_node = { model, index, info, error in
                unsafe models.model_node(model, min(index, 0), info, error)
            }
        },
        unsafe model("nodes have no operator", caughtBy: "nodes") {
            unsafe $0.model_node = { model, index, info, error in
                let code = unsafe models.model_node(model, index, info, error)
                unsafe info?.pointee.operator_name = nil
                return code
            }
        },
    ]

    static let running = [
        unsafe model("a run ignores its second input", caughtBy: "run") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                guard inputCount == 2, let inputs = unsafe inputs else { return code(HENG_ERROR_MODEL_INPUT) }
                let zeros = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)
                defer { unsafe zeros.deallocate() }
                unsafe zeros.initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
                let given = unsafe [
                    inputs[0], heng_range(buffer: nil, host: zeros, offset: 0, size: inputs[1].size),
                ]
                return unsafe models.model_run(model, given, 2, outputs, outputCount, error)
            }
        },
        unsafe model("a run exchanges its outputs", caughtBy: "run") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                guard outputCount == 2, let outputs = unsafe outputs else {
                    return code(HENG_ERROR_MODEL_OUTPUT)
                }
                let turned = unsafe [outputs[1], outputs[0]]
                return unsafe models.model_run(model, inputs, inputCount, turned, 2, error)
            }
        },
        unsafe model("a run writes over its inputs", caughtBy: "run-host") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                let code = unsafe models.model_run(model, inputs, inputCount, outputs, outputCount, error)
                if let host = unsafe inputs?.pointee.host {
                    unsafe host.storeBytes(of: 0x7777_7777, as: UInt32.self)
                }
                return code
            }
        },
        unsafe model("a run ignores offsets", caughtBy: "run-offset") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                let given = unsafe UnsafeBufferPointer(start: inputs, count: Int(inputCount)).map {
                    var range = unsafe $0
                    unsafe range.offset = 0
                    return unsafe range
                }
                return unsafe models.model_run(model, given, inputCount, outputs, outputCount, error)
            }
        },
        unsafe model("submitted runs are forgotten", caughtBy: "submit") {
            unsafe $0.model_submit = { _, _, _, _, _, _, _, _ in 0 }
        },
        unsafe model("submitted runs run at once", caughtBy: "submit-held") {
            unsafe $0.model_submit = { model, _, inputs, inputCount, outputs, outputCount, _, error in
                unsafe models.model_run(model, inputs, inputCount, outputs, outputCount, error)
            }
        },
        unsafe model("a run follows none before it", caughtBy: "submit-follow") {
            unsafe $0.model_submit = { _, _, _, _, _, _, _, _ in 0 }
        },
        unsafe model("a model that is recorded runs at once", caughtBy: "submit-recorded") {
            unsafe $0.model_submit = { model, _, inputs, inputCount, outputs, outputCount, _, error in
                unsafe models.model_run(model, inputs, inputCount, outputs, outputCount, error)
            }
        },
        unsafe model("submissions take any number of inputs", caughtBy: "submit-wrong") {
            unsafe $0.model_submit = { model, stream, inputs, inputCount, outputs, outputCount, n, error in
                guard unsafe model == nil || stream == nil || inputCount == 2 else { return 0 }
                return unsafe models.model_submit(
                    model, stream, inputs, inputCount, outputs, outputCount, n, error)
            }
        },
        unsafe model("too few inputs are welcome", caughtBy: "operands") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                guard inputCount == 2 else { return 0 }
                return unsafe models.model_run(model, inputs, inputCount, outputs, outputCount, error)
            }
        },
        unsafe model("the size of an output is not looked at", caughtBy: "operands") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                let wide = unsafe UnsafeBufferPointer(start: outputs, count: Int(outputCount)).map {
                    var range = unsafe $0
                    unsafe range.size += range.size % 2
                    return unsafe range
                }
                return unsafe models.model_run(model, inputs, inputCount, wide, outputCount, error)
            }
        },
        unsafe model("the number of a submission is lost", caughtBy: "correlation") {
            unsafe $0.model_submit = { model, stream, inputs, inputCount, outputs, outputCount, _, error in
                unsafe models.model_submit(
                    model, stream, inputs, inputCount, outputs, outputCount, 0, error)
            }
        },
    ]

    static let ending = [
        unsafe model("what cannot be read is a general error", caughtBy: "damaged") {
            unsafe $0.model_load = { context, arguments, model, _ in
                unsafe models.model_load(context, arguments, model, nil) == 0 ? 0 : code(HENG_ERROR_GENERAL)
            }
        },
        unsafe model("a refused model leaves a handle", caughtBy: "mutated") {
            unsafe $0.model_load = { context, arguments, model, error in
                let code = unsafe models.model_load(context, arguments, model, error)
                if code != 0 { unsafe model?.pointee = OpaquePointer(bitPattern: 0x1000) }
                return code
            }
        },
        unsafe model("an operator that is none is not named", caughtBy: "unknown-operator") {
            unsafe $0.model_load = { context, arguments, model, _ in
                unsafe models.model_load(context, arguments, model, nil)
            }
        },
        unsafe model("a missing value is no problem", caughtBy: "wrong-value") {
            unsafe $0.model_load = { context, arguments, model, error in
                let result = unsafe models.model_load(context, arguments, model, error)
                return result == 0 ? 0 : code(HENG_ERROR_GENERAL)
            }
        },
        unsafe model("a run that failed does not say where", caughtBy: "failure") {
            unsafe $0.model_run = { model, inputs, inputCount, outputs, outputCount, error in
                let index = unsafe inputCount == 2 ? inputs?[1].host : nil
                if let index = unsafe index, unsafe index.load(fromByteOffset: 8, as: Int64.self) == 200 {
                    return code(HENG_ERROR_EXECUTION)
                }
                return unsafe models.model_run(model, inputs, inputCount, outputs, outputCount, error)
            }
        },
        unsafe model("a submitted run that failed has no number", caughtBy: "failure-submitted") {
            unsafe $0.model_submit = {
                model, stream, inputs, inputCount, outputs, outputCount, number, error in
                guard number != 21 else { return code(HENG_ERROR_EXECUTION) }
                return unsafe models.model_submit(
                    model, stream, inputs, inputCount, outputs, outputCount, number, error)
            }
        },
        unsafe model("saving writes nothing", caughtBy: "save") {
            unsafe $0.model_save = { _, _, _ in 0 }
        },
        unsafe model("every file is ready", caughtBy: "save") {
            unsafe $0.model_compatibility = { _, _, verdict, _ in
                unsafe verdict?.pointee = Int32(HENG_COMPATIBILITY_READY)
                return 0
            }
        },
        unsafe model("a saved model is said to be for another device", caughtBy: "save") {
            unsafe $0.model_compatibility = { device, arguments, verdict, error in
                let code = unsafe models.model_compatibility(device, arguments, verdict, error)
                unsafe verdict?.pointee = Int32(HENG_COMPATIBILITY_NEVER)
                return code
            }
        },
        unsafe model("a damaged saved model is a general error", caughtBy: "save-damaged") {
            unsafe $0.model_load = { context, arguments, model, _ in
                unsafe models.model_load(context, arguments, model, nil) == 0 ? 0 : code(HENG_ERROR_GENERAL)
            }
        },
        unsafe model("unloading does nothing", caughtBy: "unload") {
            unsafe $0.model_unload = { _, _ in 0 }
        },
        unsafe model("unloading does not wait", caughtBy: "unload-busy") {
            unsafe $0.model_unload = { _, _ in 0 }
        },
        unsafe model("loading keeps a buffer that nobody frees", caughtBy: "leaks") {
            unsafe $0.model_load = { context, arguments, model, error in
                var wish = unsafe heng_buffer_arguments()
                unsafe wish.header = StructCrossing.header(
                    HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
                unsafe wish.size = 4096
                var lost: OpaquePointer?
                _ = unsafe library.buffer_allocate(context, &wish, &lost, nil)
                return unsafe models.model_load(context, arguments, model, error)
            }
        },
    ]
}
