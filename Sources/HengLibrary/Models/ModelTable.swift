internal import AcceleratorAPI
internal import Backends
internal import CHengAccelerator
internal import CHengForwarding
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import KernelInterface
internal import ONNXImport
internal import Results

// The model group: files and bytes of ONNX, saved models and folders of model hubs, on every device.

func makeModelTable() -> heng_model_table {
    var table = unsafe heng_model_table()
    unsafe table.header = StructCrossing.header(HENG_KIND_MODEL_TABLE, of: heng_model_table.self)
    unsafe addLoading(&table)
    unsafe addFacts(&table)
    unsafe addRunning(&table)
    unsafe addSaving(&table)
    return unsafe table
}

/// The model behind a handle.
func model(_ handle: OpaquePointer?, _ operation: StaticString) throws -> (LibraryModel, heng_forwarded) {
    let found = try unsafe find(handle, HENG_OBJECT_MODEL, operation)
    guard let inner = unsafe found.inner else {
        throw failure(.invalidHandle, "\(operation)", "The model is gone.")
    }
    return unsafe (Unmanaged<LibraryModel>.fromOpaque(inner).takeUnretainedValue(), found)
}

/// A handle for a model in a context, at the place for it.
func give(
    _ model: LibraryModel, _ context: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?,
    _ operation: StaticString
) throws {
    let result = try unsafe place(result, operation)
    let inner = unsafe handle(model)
    guard
        let made = unsafe heng_forwarding_make(
            Int32(HENG_OBJECT_MODEL), UnsafeMutableRawPointer(context), UnsafeMutableRawPointer(inner))
    else {
        unsafe release(inner, LibraryModel.self)
        throw failure(.outOfHostMemory, "\(operation)", "There is no memory for a handle.")
    }
    unsafe result.pointee = OpaquePointer(made)
}

private func addLoading(_ table: inout heng_model_table) {
    unsafe table.model_query = { device, arguments, info, error in
        unsafe guarded("model_query", error) {
            let found = try unsafe find(device, HENG_OBJECT_DEVICE, "model_query")
            let request = try unsafe ModelRequest(arguments, "model_query")
            try unsafe fill(info, query(request, LibraryDevices.device(of: found)), "model_query")
        }
    }
    unsafe table.model_signature = { device, arguments, output, index, tensor, name, capacity, error in
        unsafe guarded("model_signature", error) {
            _ = try unsafe find(device, HENG_OBJECT_DEVICE, "model_signature")
            let source = try unsafe ModelSource(ModelRequest(arguments, "model_signature"))
            let list = output == 0 ? source.inputs : source.model.outputs
            guard index < list.count else {
                throw failure(.outOfRange, "model_signature", "There are \(list.count).")
            }
            try unsafe declare(
                list[Int(index)], tensor,
                UnsafeMutableBufferPointer(start: name, count: Int(clamping: capacity)))
        }
    }
    unsafe table.model_load = { context, arguments, result, error in
        unsafe guarded("model_load", error) {
            let found = try unsafe find(context, HENG_OBJECT_CONTEXT, "model_load")
            let request = try unsafe ModelRequest(arguments, "model_load")
            let loaded = try unsafe LibraryModel(ModelSource(request), request, in: found)
            try unsafe give(loaded, context, result, "model_load")
        }
    }
    unsafe table.model_unload = { handle, error in
        unsafe guarded("model_unload", error) {
            let (model, found) = try unsafe model(handle, "model_unload")
            model.finish()
            unsafe heng_forwarding_unmake(UnsafeMutableRawPointer(handle))
            unsafe release(found.inner.map { OpaquePointer($0) }, LibraryModel.self)
        }
    }
}

private func addFacts(_ table: inout heng_model_table) {
    unsafe table.model_describe = { handle, info, error in
        unsafe guarded("model_describe", error) {
            let (model, _) = try unsafe model(handle, "model_describe")
            try unsafe fill(info, model.info, "model_describe")
        }
    }
    unsafe table.model_input = { handle, index, result, error in
        unsafe guarded("model_input", error) {
            let (model, _) = try unsafe model(handle, "model_input")
            try unsafe pick(model.inputs, index, result, "model_input")
        }
    }
    unsafe table.model_output = { handle, index, result, error in
        unsafe guarded("model_output", error) {
            let (model, _) = try unsafe model(handle, "model_output")
            try unsafe pick(model.outputs, index, result, "model_output")
        }
    }
    unsafe table.model_node = { handle, index, info, error in
        unsafe guarded("model_node", error) {
            let (model, _) = try unsafe model(handle, "model_node")
            let full = try unsafe model.node(Int(index))
            guard try unsafe StructCrossing.fill(place(info, "model_node"), with: full) else {
                throw failure(.version, "model_node", "The info's struct_size is not set.")
            }
        }
    }
}

private func addRunning(_ table: inout heng_model_table) {
    unsafe table.model_run = { handle, inputs, inputCount, outputs, outputCount, error in
        unsafe guarded("model_run", error) {
            let (model, found) = try unsafe model(handle, "model_run")
            try unsafe model.run(
                UnsafeBufferPointer(start: inputs, count: inputs == nil ? 0 : Int(inputCount)),
                UnsafeBufferPointer(start: outputs, count: outputs == nil ? 0 : Int(outputCount)),
                RangeScope(device: found.device, operation: "model_run"))
        }
    }
    unsafe table.model_submit = {
        handle, stream, inputs, inputCount, outputs, outputCount, correlation, error in
        unsafe guarded("model_submit", error) {
            let (model, found) = try unsafe model(handle, "model_submit")
            let lane = try unsafe find(stream, HENG_OBJECT_STREAM, "model_submit")
            guard unsafe lane.device == found.device, let inner = unsafe lane.inner else {
                throw failure(
                    .wrongOwner, "model_submit", "The model and the stream are of different devices.")
            }
            try unsafe model.submit(
                UnsafeBufferPointer(start: inputs, count: inputs == nil ? 0 : Int(inputCount)),
                UnsafeBufferPointer(start: outputs, count: outputs == nil ? 0 : Int(outputCount)),
                RangeScope(device: found.device, operation: "model_submit"), on: OpaquePointer(inner),
                correlation: correlation)
        }
    }
}

private func addSaving(_ table: inout heng_model_table) {
    unsafe table.model_save = { handle, path, error in
        unsafe guarded("model_save", error) {
            let (model, _) = try unsafe model(handle, "model_save")
            guard let path = unsafe path else {
                throw failure(.invalidArgument, "model_save", "The path is null.")
            }
            try unsafe model.save(to: String(cString: path))
        }
    }
    unsafe table.model_compatibility = { device, arguments, compatibility, error in
        unsafe guarded("model_compatibility", error) {
            let found = try unsafe find(device, HENG_OBJECT_DEVICE, "model_compatibility")
            let kind = try unsafe LibraryDevices.device(of: found).description.kind
            let request = try unsafe ModelRequest(arguments, "model_compatibility")
            let answer = try ModelCompatibility.answer(request, device: kind)
            try unsafe place(compatibility, "model_compatibility").pointee = Int32(answer)
        }
    }
}

private func fill(
    _ place: UnsafeMutablePointer<heng_model_info>?, _ info: heng_model_info, _ operation: StaticString
) throws {
    guard let place = unsafe place, unsafe StructCrossing.fill(place, with: info) else {
        throw failure(.invalidArgument, "\(operation)", "The info is null, or its struct_size is not set.")
    }
}

private func pick(
    _ list: [UnsafePointer<heng_tensor_description>], _ index: UInt32,
    _ result: UnsafeMutablePointer<UnsafePointer<heng_tensor_description>?>?, _ operation: StaticString
) throws {
    guard unsafe index < list.count else {
        throw failure(
            .outOfRange, "\(operation)", "There are \(unsafe list.count), and number \(index) is asked for.")
    }
    try unsafe place(result, operation).pointee = unsafe list[Int(index)]
}

/// Fills in what a file says of a value.
private func declare(
    _ value: ModelValue, _ place: UnsafeMutablePointer<heng_inferred_tensor>?,
    _ name: UnsafeMutableBufferPointer<CChar>
) throws {
    guard let place = unsafe place,
        var full = unsafe StructCrossing.read(UnsafePointer(place), zero: heng_inferred_tensor())
    else {
        throw failure(.invalidArgument, "model_signature", "The tensor is null or has no struct_size.")
    }
    unsafe full.type = 0
    unsafe full.rank = HENG_RANK_UNKNOWN
    if case .tensor(let element, let shape) = value.type {
        unsafe full.type = element.rawValue
        if let shape {
            let capacity = unsafe full.dims == nil ? 0 : Int(full.capacity)
            unsafe full.rank = UInt32(shape.count)
            for (axis, extent) in shape.prefix(capacity).enumerated() {
                unsafe full.dims[axis] = extent.map { Int64($0) } ?? Int64(HENG_DIM_UNKNOWN)
            }
        }
    }
    _ = unsafe StructCrossing.fill(place, with: full)
    guard unsafe name.baseAddress != nil, !name.isEmpty else { return }
    let bytes = value.name.utf8.prefix(name.count - 1)
    for (index, byte) in bytes.enumerated() { unsafe name[index] = CChar(bitPattern: byte) }
    unsafe name[bytes.count] = 0
}

/// What loading would need: the model is prepared and dropped, where its shapes are known.
private func query(_ request: ModelRequest, _ device: Device) throws -> heng_model_info {
    let source = try ModelSource(request)
    var info = unsafe heng_model_info()
    unsafe info.input_count = UInt32(source.inputs.count)
    unsafe info.output_count = UInt32(source.model.outputs.count)
    unsafe info.node_count = UInt32(source.model.nodeCount)
    let types = try source.types(request)
    guard let types, let graph = try LibraryModel.graph(of: source.model, types) else {
        unsafe info.dynamic = types == nil ? 1 : 0
        unsafe info.weight_bytes = UInt64(
            source.model.initializers.reduce(0) { $0 + $1.tensor.type.byteCount })
        return unsafe info
    }
    let run = DetachedRun(
        try Executable(
            graph: graph, device: device, kernels: Backends.kernels(for: device),
            options: Executable.Options(demand: request.demand)))
    unsafe info.weight_bytes = UInt64(run.executable.constantSize.bytes)
    unsafe info.working_bytes = UInt64(run.scratch.bytes)
    unsafe info.node_count = UInt32(run.executable.choices.count)
    return unsafe info
}
