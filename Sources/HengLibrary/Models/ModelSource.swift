internal import AcceleratorAPI
internal import ComputeGraph
internal import Essentials
internal import FoundationEssentials
internal import ModelRunning
internal import ONNXImport
internal import Results

/// A model as it was found: an ONNX file or bytes, a saved model, or a folder with a BERT as model hubs ship it.
struct ModelSource {
    let model: ONNXModel
    /// The facts of a saved model; nil for others.
    let saved: ModelContainer.Facts?
    /// The model's bytes, where they are whole without other files.
    let bytes: [UInt8]?

    init(_ request: ModelRequest) throws {
        switch request.place {
        case nil: throw failure(.invalidArgument, "\(request.operation)", "A model needs a path or bytes.")
        case .memory(let bytes): try self.init(bytes, besideFile: nil, request.operation)
        case .file(let path):
            if FileManager.default.fileExists(atPath: "\(path)/config.json") {
                try self.init(
                    ModelSource.exported(folder: path, request), besideFile: nil, request.operation)
            } else {
                try self.init(
                    DurableFile.read(path, limit: .bytes(1 << 31 - 1)), besideFile: path, request.operation)
            }
        }
    }

    private init(_ bytes: [UInt8], besideFile path: String?, _ operation: StaticString) throws {
        guard !bytes.isEmpty else { throw failure(.fileSize, "\(operation)", "The model is empty.") }
        let registry = ModelSetup.allOperators
        if ModelContainer.isOne(bytes) {
            let container = try ModelContainer(reading: bytes, operation)
            model = try ONNXModel(container.model, registry: registry, limits: ModelRequest.limits)
            saved = container.facts
            self.bytes = container.model
        } else {
            saved = nil
            self.bytes = path == nil ? bytes : nil
            model =
                try path.map {
                    try ONNXModel(contentsOf: $0, registry: registry, limits: ModelRequest.limits)
                } ?? ONNXModel(bytes, registry: registry, limits: ModelRequest.limits)
        }
    }

    /// A BERT for the batch and length that the caller's shapes say.
    private static func exported(folder: String, _ request: ModelRequest) throws -> [UInt8] {
        guard let shape = request.types.first?.shape, shape.rank == 2 else {
            throw failure(
                .modelDynamic, "\(request.operation)",
                "A folder's model needs the shapes of its inputs: input_ids, attention_mask and token_type_ids, "
                    + "each int64 [batch, length].")
        }
        let model = try BertModel(folder: folder, batch: shape[0], length: shape[1])
        return try ONNXExport.bytes(
            of: model.graph, parameters: model.parameters, outputNames: BertModel.outputNames)
    }
}

extension ModelSource {
    /// The inputs that a run needs.
    var inputs: [ModelValue] { model.inputs.filter { !model.optionalInputs.contains($0.name) } }

    /// The inputs' types by name: the caller's, checked against the file, or the file's; nil where one stays open.
    func types(_ request: ModelRequest) throws -> [String: TensorType]? {
        guard request.types.isEmpty || request.types.count == inputs.count else {
            throw failure(
                .modelAttribute, "\(request.operation)",
                "\(request.types.count) shapes are given, and the model takes \(inputs.count) inputs.")
        }
        var types: [String: TensorType] = [:]
        for (index, input) in inputs.enumerated() {
            guard case .tensor(let element, let shape) = input.type, element != .string else {
                throw failure(
                    .model, "\(request.operation)",
                    "The input \(input.name) is \(input.typeText), and only tensors of numbers cross here.")
            }
            if let given = request.types.isEmpty ? nil : request.types[index] {
                guard fits(given, element, shape) else {
                    throw failure(
                        .modelInput, "\(request.operation)",
                        "The input \(input.name) is \(input.typeText), and \(given) was given.")
                }
                types[input.name] = given
            } else if let shape, !shape.contains(nil) {
                types[input.name] = TensorType(element, try Shape(checking: shape.compactMap { $0 }))
            } else {
                return nil
            }
        }
        return types
    }

    private func fits(_ type: TensorType, _ element: ElementType, _ shape: [Int?]?) -> Bool {
        guard type.element == element else { return false }
        guard let shape else { return true }
        return shape.count == type.shape.rank
            && zip(shape, type.shape.extents).allSatisfy { $0 == nil || $0 == $1 }
    }
}
