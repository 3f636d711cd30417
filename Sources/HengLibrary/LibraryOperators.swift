internal import AcceleratorAPI
internal import Backends
internal import CHengAccelerator
internal import CHengForwarding
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import KernelInterface
internal import ModelRunning

// The operator group for devices whose makers have none: our kernels on the device's streams and buffers.

/// A prepared operator: a small executable, and where its operands stand in the call.
private final class LibraryOperator: Sendable {
    let run: DetachedRun
    /// The places in the call of the graph's inputs, and of its outputs.
    let inputs: [Int]
    let outputs: [Int]
    let context: DeviceContext
    let texts = TensorTexts()

    init(_ call: OperatorCrossing.CallGraph, outputs: [Int], on device: Device, _ kernels: any KernelProvider)
        throws
    {
        run = DetachedRun(
            try Executable(
                graph: call.graph, device: device, kernels: kernels,
                options: Executable.Options(demand: call.demand)))
        inputs = call.inputs
        self.outputs = outputs
        context = try device.makeContext()
    }

    /// The kernels that compute it, in their order.
    var algorithm: String { run.executable.choices.map(\.kernel).joined(separator: ", ") }
}

func makeOperatorTable() -> heng_operator_table {
    var table = unsafe heng_operator_table()
    unsafe table.header = StructCrossing.header(HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
    unsafe table.operator_list = { device, index, listing, error in
        unsafe guarded("operator_list", error) { try unsafe list(device, index, listing) }
    }
    unsafe table.operator_supports = { device, description, refusal, error in
        unsafe guarded("operator_supports", error) { try unsafe support(device, description, refusal) }
    }
    unsafe table.operator_infer = { device, description, outputs, count, error in
        unsafe guarded("operator_infer", error) { try unsafe infer(description, outputs, count) }
    }
    unsafe table.operator_prepare = { context, description, result, info, error in
        unsafe guarded("operator_prepare", error) { try unsafe prepare(context, description, result, info) }
    }
    unsafe table.operator_execute = {
        prepared, stream, inputs, inputCount, outputs, outputCount, workspace, correlation, error in
        unsafe guarded("operator_execute", error) {
            try unsafe execute(
                prepared, stream, UnsafeBufferPointer(start: inputs, count: Int(inputCount)),
                UnsafeBufferPointer(start: outputs, count: Int(outputCount)), workspace, correlation)
        }
    }
    unsafe table.operator_destroy = { prepared, error in
        unsafe guarded("operator_destroy", error) {
            let found = try unsafe find(prepared, HENG_OBJECT_OPERATOR, "operator_destroy")
            unsafe heng_forwarding_unmake(UnsafeMutableRawPointer(prepared))
            unsafe release(found.inner.map { OpaquePointer($0) }, LibraryOperator.self)
        }
    }
    return unsafe table
}

// MARK: - What there is

private let schemas = ModelSetup.allOperators.schemas
nonisolated(unsafe) private let listings = unsafe makeListings()

private func makeListings() -> [heng_operator_listing] {
    unsafe schemas.filter { crossingTypes(of: $0) != 0 }.map { schema in
        var listing = unsafe heng_operator_listing()
        unsafe listing.domain = unsafe cString(schema.domain.rawValue)
        unsafe listing.name = unsafe cString(schema.name)
        unsafe listing.since = Int32(clamping: schema.since)
        // Without inputs, any type may be what it makes.
        unsafe listing.types = crossingTypes(of: schema)
        let type = ModelSetup.allOperators[schema.name, schema.domain] as? any Operator.Type
        unsafe listing.trainable = type?.hasGradient ?? false ? 1 : 0
        return unsafe listing
    }
}

/// The element types of the first input that lie in buffers; without inputs, any type may be what it makes.
private func crossingTypes(of schema: OperatorSchema) -> UInt64 {
    let types = (schema.inputs.first?.types ?? .tensors).elementTypes
    return types.filter { $0 != .string }.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
}

private func list(
    _ device: OpaquePointer?, _ index: UInt32, _ place: UnsafeMutablePointer<heng_operator_listing>?
) throws {
    let device = try unsafe LibraryDevices.device(of: find(device, HENG_OBJECT_DEVICE, "operator_list"))
    // A device that takes no kernels has no operators.
    let count = (try? Backends.kernels(for: device)) == nil ? 0 : unsafe listings.count
    guard index < count else {
        throw failure(.outOfRange, "operator_list", "The device lists \(count) operators.")
    }
    guard let place = unsafe place, unsafe StructCrossing.fill(place, with: listings[Int(index)]) else {
        throw failure(.version, "operator_list", "The listing's struct_size is not set.")
    }
}

private func support(
    _ device: OpaquePointer?, _ description: UnsafePointer<heng_operator_description>?,
    _ refusal: UnsafeMutablePointer<heng_refusal>?
) throws {
    let device = try unsafe LibraryDevices.device(of: find(device, HENG_OBJECT_DEVICE, "operator_supports"))
    do {
        let kernels = try kernels(for: device)
        let call = try unsafe OperatorCrossing.graph(of: description, registry: ModelSetup.allOperators)
        for node in call.graph.nodes {
            let (kernel, refusals) = kernels.choose(for: NodeSignature(node, in: call))
            guard kernel == nil else { continue }
            // The last one asked is the one that takes most.
            let last = refusals.last?.refusal ?? "No kernel takes it."
            unsafe fill(refusal, last.kind, last.reason)
            throw failure(.unsupported, "operator_supports", last.reason)
        }
    } catch let error as DeviceError where error.code != .unsupported {
        unsafe fill(refusal, Refusal.Kind(error.code), error.text)
        throw failure(.unsupported, "operator_supports", error.text)
    }
}

extension NodeSignature {
    fileprivate init(_ node: Node, in call: OperatorCrossing.CallGraph) {
        let graph = call.graph
        self.init(
            operator: node.operator, inputs: node.inputs.map(graph.type(of:)),
            outputs: node.outputs.map(graph.type(of:)),
            frozenInputs: Set(node.inputs.indices.filter { graph.constants[node.inputs[$0]] != nil }),
            demand: call.demand)
    }
}

private func kernels(for device: Device) throws -> any KernelProvider {
    do { return try Backends.kernels(for: device) } catch let error as Failure {
        throw failure(.unsupported, "operator_prepare", error.summary)
    }
}

/// The sentence is cut where it does not fit.
private func fill(_ place: UnsafeMutablePointer<heng_refusal>?, _ kind: Refusal.Kind, _ text: String) {
    guard let place = unsafe place else { return }
    var full = unsafe heng_refusal()
    unsafe full.reason = kind.rawValue
    unsafe full.argument = -1
    unsafe withUnsafeMutableBytes(of: &full.text) { bytes in
        for (index, byte) in text.utf8.prefix(bytes.count - 1).enumerated() {
            unsafe bytes[index] = byte
        }
    }
    _ = unsafe StructCrossing.fill(place, with: full)
}

extension Refusal.Kind {
    /// What a description that cannot become a call was wrong in.
    fileprivate init(_ code: DeviceError.Code) {
        self =
            switch code {
            case .operatorName: .operator
            case .operatorAttribute: .attribute
            case .dataType: .type
            case .format: .layout
            case .operatorStaticOnly, .operatorInput: .shape
            default: .other
            }
    }
}

private func infer(
    _ description: UnsafePointer<heng_operator_description>?,
    _ outputs: UnsafePointer<UnsafeMutablePointer<heng_inferred_tensor>?>?, _ count: UInt32
) throws {
    guard let places = unsafe outputs, count <= 4096,
        var full = unsafe StructCrossing.read(description, zero: heng_operator_description())
    else {
        throw failure(
            .invalidArgument, "operator_infer", "A description and places for the outputs are needed.")
    }
    let wanted = (0..<Int(count)).filter { unsafe places[$0] != nil }
    // The outputs that are asked for are those of the call, whatever the description says of them.
    let any = unsafe heng_tensor_description()
    let call = try unsafe withUnsafePointer(to: any) { any in
        let named = unsafe (0..<Int(count)).map { place -> UnsafePointer<heng_tensor_description>? in
            unsafe places[place] == nil ? nil : any
        }
        return try unsafe named.withUnsafeBufferPointer { named in
            unsafe full.outputs = named.baseAddress
            unsafe full.output_count = count
            unsafe full.header.struct_size = UInt32(MemoryLayout<heng_operator_description>.size)
            return try unsafe OperatorCrossing.graph(of: &full, registry: ModelSetup.allOperators)
        }
    }
    for (index, place) in wanted.enumerated() where index < call.graph.outputs.count {
        guard let place = unsafe places[place] else { continue }
        try unsafe tell(call.graph.type(of: call.graph.outputs[index]), at: place)
    }
}

private func tell(_ type: TensorType, at place: UnsafeMutablePointer<heng_inferred_tensor>) throws {
    guard var full = unsafe StructCrossing.read(UnsafePointer(place), zero: heng_inferred_tensor()) else {
        throw failure(.version, "operator_infer", "An output's struct_size is not set.")
    }
    let capacity = unsafe full.dims == nil ? 0 : Int(full.capacity)
    unsafe full.rank = UInt32(type.shape.rank)
    unsafe full.type = type.element.rawValue
    for (axis, extent) in type.shape.extents.prefix(capacity).enumerated() {
        unsafe full.dims?[axis] = Int64(extent)
    }
    _ = unsafe StructCrossing.fill(place, with: full)
}

// MARK: - Preparing and running

private func prepare(
    _ context: OpaquePointer?, _ description: UnsafePointer<heng_operator_description>?,
    _ result: UnsafeMutablePointer<OpaquePointer?>?, _ info: UnsafeMutablePointer<heng_operator_info>?
) throws {
    let found = try unsafe find(context, HENG_OBJECT_CONTEXT, "operator_prepare")
    let device = try unsafe LibraryDevices.deviceInContext(of: found)
    let call = try unsafe OperatorCrossing.graph(of: description, registry: ModelSetup.allOperators)
    let made = try unsafe LibraryOperator(
        call, outputs: outputPlaces(description, call.graph.outputs.count), on: device, kernels(for: device))
    if let info = unsafe info {
        var full = unsafe heng_operator_info()
        unsafe full.workspace_bytes = UInt64(made.run.scratch.bytes)
        unsafe full.kept_inputs = keptInputs(description, call.inputs)
        unsafe full.algorithm = unsafe made.texts.text(made.algorithm)
        unsafe full.determinism = made.run.executable.determinism.rawValue
        unsafe full.in_place_input = -1
        guard unsafe StructCrossing.fill(info, with: full) else {
            throw failure(.version, "operator_prepare", "The info's struct_size is not set.")
        }
    }
    guard let result = unsafe result,
        let handle = unsafe heng_forwarding_make(
            Int32(HENG_OBJECT_OPERATOR), UnsafeMutableRawPointer(context),
            UnsafeMutableRawPointer(handle(made)))
    else { throw failure(.outOfHostMemory, "operator_prepare", "There is no memory for a handle.") }
    unsafe result.pointee = OpaquePointer(handle)
}

/// Where the graph's outputs stand among those of the call.
private func outputPlaces(
    _ description: UnsafePointer<heng_operator_description>?, _ count: Int
) -> [Int] {
    guard let full = unsafe StructCrossing.read(description, zero: heng_operator_description()),
        let outputs = unsafe full.outputs
    else { return Array(0..<count) }
    let outputCount = unsafe Int(full.output_count)
    return (0..<outputCount).filter { unsafe outputs[$0] != nil }
}

/// The constants, which need no range when it runs.
private func keptInputs(
    _ description: UnsafePointer<heng_operator_description>?, _ varying: [Int]
) -> UInt64 {
    guard let full = unsafe StructCrossing.read(description, zero: heng_operator_description()) else {
        return 0
    }
    let places = 0..<min(64, unsafe Int(full.input_count))
    return places.filter { !varying.contains($0) }.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
}

private func execute(
    _ prepared: OpaquePointer?, _ stream: OpaquePointer?, _ inputs: UnsafeBufferPointer<heng_range>,
    _ outputs: UnsafeBufferPointer<heng_range>, _ workspace: UnsafePointer<heng_range>?,
    _ correlation: UInt64
) throws {
    let found = try unsafe find(prepared, HENG_OBJECT_OPERATOR, "operator_execute")
    let lane = try unsafe find(stream, HENG_OBJECT_STREAM, "operator_execute")
    guard let inner = unsafe found.inner, let lent = unsafe lane.inner else { return }
    let made = unsafe Unmanaged<LibraryOperator>.fromOpaque(inner).takeUnretainedValue()
    let graph = made.run.executable.graph
    let scope = unsafe RangeScope(device: found.device, operation: "operator_execute")
    let given = try unsafe scope.views(
        inputs, at: made.inputs, types: graph.inputs.map(graph.type(of:)), code: .operatorInput)
    let results = try unsafe scope.views(
        outputs, at: made.outputs, types: graph.outputs.map(graph.type(of:)), code: .operatorOutput)
    let scratch = try unsafe scope.scratch(workspace, made.run.scratch.bytes)
    try made.run.submit(
        inputs: given, outputs: results, scratch: scratch,
        on: unsafe made.context.lending(stream: OpaquePointer(lent)), correlation: correlation)
}
