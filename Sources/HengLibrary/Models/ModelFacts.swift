internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import KernelInterface
internal import ONNXImport
internal import Results
internal import Synchronization

// What a loaded model says of itself, and how it is saved.

extension LibraryModel {
    var info: heng_model_info {
        var info = unsafe heng_model_info()
        unsafe info.input_count = UInt32(inputTypes.count)
        unsafe info.output_count = UInt32(outputTypes.count)
        switch form {
        case .prepared(let run):
            unsafe info.weight_bytes = UInt64(run.executable.constantSize.bytes)
            unsafe info.working_bytes = UInt64(run.scratch.bytes)
            unsafe info.node_count = UInt32(run.executable.choices.count)
        case .inParts(let model): unsafe info.node_count = UInt32(model.nodeCount)
        }
        return unsafe info
    }

    /// A node of the prepared graph, with the kernel that it got.
    func node(_ index: Int) throws -> heng_node_info {
        guard case .prepared(let run) = form, run.executable.choices.indices.contains(index) else {
            throw failure(
                .outOfRange, "model_node",
                dynamic
                    ? "The model is run in parts, so its nodes are known only while it runs."
                    : "There is no node \(index).")
        }
        let graph = run.executable.graph
        let node = graph.nodes[index]
        func descriptions(_ values: [ValueID]) -> UnsafePointer<UnsafePointer<heng_tensor_description>?> {
            unsafe texts.array(
                values.map { unsafe Optional(texts.tensor(name: graph.name(of: $0), graph.type(of: $0))) })
        }
        return unsafe textLock.withLock { _ in
            var info = unsafe heng_node_info()
            unsafe info.name = unsafe texts.text(node.name)
            unsafe info.operator_name = unsafe texts.text(node.operator.name)
            unsafe info.algorithm = unsafe texts.text(run.executable.choices[index].kernel)
            unsafe info.input_count = UInt32(node.inputs.count)
            unsafe info.output_count = UInt32(node.outputs.count)
            unsafe info.inputs = unsafe descriptions(node.inputs)
            unsafe info.outputs = unsafe descriptions(node.outputs)
            return unsafe info
        }
    }

    func save(to path: String) throws {
        let model: [UInt8]
        switch form {
        case .prepared(let run):
            model = try ONNXExport.bytes(of: graph ?? run.executable.graph, outputNames: outputNames)
        case .inParts:
            guard let bytes else {
                throw failure(
                    .unsupported, "model_save",
                    "The model is run in parts and may need the files beside it, so its own file is to be kept."
                )
            }
            model = bytes
        }
        try DurableFile.write(
            ModelContainer(model, device: device.description.kind).bytes, to: path)
    }
}

/// What a device says to a saved model.
enum ModelCompatibility {
    static func answer(_ request: ModelRequest, device: String) throws -> Int {
        let bytes: [UInt8]
        switch request.place {
        case .file(let path): bytes = try DurableFile.read(path, limit: .bytes(1 << 31 - 1))
        case .memory(let given): bytes = given
        case nil:
            throw failure(.invalidArgument, "model_compatibility", "A saved model needs a path or bytes.")
        }
        guard ModelContainer.isOne(bytes) else {
            throw failure(.file, "model_compatibility", "The file is not one that model_save wrote.")
        }
        do {
            let facts = try ModelContainer(reading: bytes, "model_compatibility").facts
            let isSame = facts.device == device && facts.library == LibraryServices.version
            return isSame ? HENG_COMPATIBILITY_READY : HENG_COMPATIBILITY_REBUILD
        } catch let error as DeviceError where error.code == .model {
            return HENG_COMPATIBILITY_NEVER
        }
    }
}
