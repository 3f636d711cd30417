internal import AcceleratorAPI
internal import Backends
internal import CHengAccelerator
internal import CHengForwarding
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import KernelInterface
internal import ONNXImport
internal import Synchronization

/// A loaded model: prepared for its shapes, or run in parts where shapes depend on values.
@safe final class LibraryModel: @unchecked Sendable {
    // Unchecked: what changes is behind a lock, and the header lets callers run a model once at a time.
    enum Form {
        case prepared(DetachedRun)
        case inParts(ONNXModel)
    }

    let form: Form
    let device: Device
    let context: DeviceContext
    let inputTypes: [TensorType]
    /// Nil where a shape is known only after a run.
    let outputTypes: [TensorType?]
    let outputNames: [String]
    /// The graph before fusion, as it is saved; nil where the model is run in parts.
    let graph: Graph?
    /// What its results meet beyond the operators' meaning.
    let demand: Arithmetic
    let texts = TensorTexts()
    /// Held while texts are added.
    let textLock = Mutex<Void>(())
    let inputs: [UnsafePointer<heng_tensor_description>]
    let outputs: [UnsafePointer<heng_tensor_description>]
    /// What can be saved; nil where the model needs other files.
    let bytes: [UInt8]?
    /// Which graph it was compiled from, and at which of its changes.
    let origin: (graph: ObjectIdentifier, change: Int)?
    /// Where `model_run` runs; another one after a failure, since a failed stream runs nothing any more.
    private(set) var own: KeptStream

    private let scratch: DeviceBufferView?
    private let ownScratch: KeptBuffer?
    /// The latest submission, which the next one in another stream waits for.
    private let latest: DeviceEvent
    private let latestStream = Mutex<UInt>(0)

    init(
        _ source: ModelSource, _ request: ModelRequest, in found: heng_forwarded,
        origin: (graph: ObjectIdentifier, change: Int)? = nil
    ) throws {
        device = try unsafe LibraryDevices.deviceInContext(of: found)
        context = try device.makeContext()
        own = KeptStream(try context.makeStream())
        latest = try context.makeEvent()
        self.origin = origin
        demand = request.demand
        guard let types = try source.types(request) else {
            throw failure(
                .modelDynamic, "\(request.operation)",
                "Extents of the model's inputs are open; load it with the shapes of all inputs.")
        }
        inputTypes = source.inputs.compactMap { types[$0.name] }
        outputNames = source.model.outputs.map(\.name)
        let scope = unsafe RangeScope(device: found.device, operation: request.operation)
        let kernels = try Backends.kernels(for: device)
        graph = try LibraryModel.graph(of: source.model, types)
        if let graph {
            let weights = try unsafe LibraryModel.given(request.weights, scope, device)
            let run = DetachedRun(
                try Executable(
                    graph: graph, device: device, kernels: kernels,
                    options: Executable.Options(constantMemory: weights, demand: request.demand)))
            form = .prepared(run)
            outputTypes = graph.outputs.map(graph.type(of:))
            bytes = nil
            let given = try unsafe LibraryModel.given(request.working, scope, device)
            if run.scratch == .zero {
                scratch = nil
                ownScratch = nil
            } else if let given {
                guard given.size >= run.scratch.bytes else {
                    throw failure(
                        .modelSize, "\(request.operation)",
                        "The model needs \(run.scratch.bytes) bytes of working memory, and \(given.size) are "
                            + "given.")
                }
                scratch = given
                ownScratch = nil
            } else {
                let kept = KeptBuffer(try context.makeBuffer(of: run.scratch))
                ownScratch = kept
                scratch = kept.view
            }
        } else {
            form = .inParts(source.model)
            outputTypes = source.model.outputs.map { _ in nil }
            bytes = source.bytes
            scratch = nil
            ownScratch = nil
        }
        let texts = texts
        unsafe inputs = unsafe zip(source.inputs, inputTypes).map { unsafe texts.tensor(name: $0.name, $1) }
        unsafe outputs = unsafe zip(source.model.outputs, outputTypes).map { output, type in
            if let type { return unsafe texts.tensor(name: output.name, type) }
            guard case .tensor(let element, let shape) = output.type else {
                return unsafe texts.tensor(name: output.name, element: nil, shape: nil)
            }
            return unsafe texts.tensor(name: output.name, element: element, shape: shape)
        }
    }

    /// Memory of the caller's that the model may use; nil where there is none.
    private static func given(
        _ range: heng_range, _ scope: RangeScope, _ device: Device
    ) throws -> DeviceBufferView? {
        guard unsafe range.size > 0 else { return nil }
        let view = try unsafe scope.view(range)
        guard !view.isInHostMemory || takesHostMemory(device) else {
            throw failure(.memoryType, "model_load", "The device needs memory from its own buffers.")
        }
        return view
    }

    /// The whole model as one graph; nil where shapes depend on values.
    static func graph(of model: ONNXModel, _ types: [String: TensorType]) throws -> Graph? {
        do {
            let graph = try model.graph(for: types)
            // A sequence is as many tensors as it happens to have.
            return graph.outputs.count == model.outputs.count ? graph : nil
        } catch let error as ONNXError where error.needsValue { return nil }
    }
}

extension LibraryModel {
    /// Whether the kernels take any memory of the host: ours do, and a maker's operators want its buffers.
    var takesHostMemory: Bool { LibraryModel.takesHostMemory(device) }

    static func takesHostMemory(_ device: Device) -> Bool {
        let makersOperators = unsafe device.table.group(HENG_KIND_OPERATOR_TABLE)
        return unsafe device.description.isHostAddressable && makersOperators == nil
    }

    var dynamic: Bool { if case .inParts = form { true } else { false } }

    /// Submits one run with all operands in memory that the device reaches.
    ///
    /// In a profile the run is a range with the caller's number.
    func submit(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], on lane: borrowing DeviceStream,
        correlation: UInt64 = 0
    ) throws {
        guard case .prepared(let run) = form else {
            throw failure(
                .modelDynamic, "model_submit",
                "The model's shapes depend on values, so it cannot be submitted; run it with model_run.")
        }
        let handle = unsafe UInt(bitPattern: lane.handle)
        try latestStream.withLock { known in
            if known != 0, known != handle {
                _ = try outsideRecordings { try lane.wait(for: latest) }
            }
            if correlation != 0, namesRanges {
                try lane.range("model", correlation: correlation) {
                    try run.submit(
                        inputs: inputs, outputs: outputs, scratch: scratch, on: $0, correlation: correlation)
                }
            } else {
                try run.submit(
                    inputs: inputs, outputs: outputs, scratch: scratch, on: lane, correlation: correlation)
            }
            if try outsideRecordings({ try lane.record(latest) }) { known = handle }
        }
    }

    /// Waits until the runs that were submitted are done, however they ended.
    func finish() {
        latestStream.withLock { known in
            if known != 0 { try? latest.synchronize() }
            known = 0
        }
    }

    /// Makes a stream that works where a failed run left none.
    func recover() {
        if (try? own.stream.synchronize()) == nil, let fresh = try? context.makeStream() {
            own = KeptStream(fresh)
            // What waited for the failed run would fail with it.
            latestStream.withLock { $0 = 0 }
        }
    }

    /// Whether the body was done; a stream that is being recorded takes no events, and keeps only the work.
    private func outsideRecordings(_ body: () throws -> Void) throws -> Bool {
        do {
            try body()
            return true
        } catch let error as DeviceError where error.code == .misuse { return false }
    }

    private var namesRanges: Bool {
        guard let group = unsafe device.table.group(HENG_KIND_PROFILE_TABLE) else { return false }
        let typed = unsafe UnsafeRawPointer(group).assumingMemoryBound(to: heng_profile_table.self)
        let full = unsafe StructCrossing.read(typed, zero: heng_profile_table())
        return unsafe full?.range_begin != nil && full?.range_end != nil
    }
}

/// A stream that an object holds and may exchange.
final class KeptStream: Sendable {
    let stream: DeviceStream

    init(_ stream: consuming DeviceStream) { self.stream = stream }
}
