internal import AcceleratorAPI
internal import CHengAccelerator

/// What `heng_model_info` says.
struct ModelFacts: Hashable, Sendable {
    var weightBytes: UInt64
    var workingBytes: UInt64
    var inputs: UInt32
    var outputs: UInt32
    var nodes: UInt32
    var isDynamic: Bool

    init(_ raw: heng_model_info) {
        weightBytes = unsafe raw.weight_bytes
        workingBytes = unsafe raw.working_bytes
        inputs = unsafe raw.input_count
        outputs = unsafe raw.output_count
        nodes = unsafe raw.node_count
        isDynamic = unsafe raw.dynamic != 0
    }
}

/// A tensor as a device describes it, read with the header's neutral readers.
struct TensorFacts: Hashable, Sendable {
    var name: String
    var type: Int32
    /// Nil where the rank is not known.
    var dims: [Int64]?

    /// Nil for a null, which the readers must take all the same.
    init?(_ raw: UnsafePointer<heng_tensor_description>?) {
        let rank = unsafe heng_tensor_rank(raw)
        name = unsafe String(cString: heng_tensor_name(raw))
        type = unsafe heng_tensor_type(raw)
        dims =
            rank == HENG_RANK_UNKNOWN
            ? nil : (0..<min(rank, HENG_RANK_LIMIT)).map { unsafe heng_tensor_dim(raw, $0) }
        if unsafe raw == nil { return nil }
    }
}

/// A node as `heng_node_info` tells of it.
struct NodeFacts: Hashable, Sendable {
    var name: String?
    var operatorName: String?
    var inputs: [TensorFacts?]
    var outputs: [TensorFacts?]

    init(_ raw: heng_node_info) {
        func tensors(
            _ list: UnsafePointer<UnsafePointer<heng_tensor_description>?>?, _ count: UInt32
        ) -> [TensorFacts?] {
            guard let list = unsafe list else { return [] }
            return (0..<Int(min(count, 4096))).map { unsafe TensorFacts(list[$0]) }
        }
        name = unsafe raw.name.map { unsafe String(cString: $0) }
        operatorName = unsafe raw.operator_name.map { unsafe String(cString: $0) }
        inputs = unsafe tensors(raw.inputs, raw.input_count)
        outputs = unsafe tensors(raw.outputs, raw.output_count)
    }
}

/// What a case says of a model.
struct ModelWish: Sendable {
    var path: String?
    var bytes: [UInt8]?
    var weights: Place?
    var working: Place?
    /// The shapes of all inputs; nil: as in the file.
    var shapes: [TensorShape]?
    var priority: Int32 = 0
    var determinism: Int32 = 0
    /// Another size of the struct than the right one.
    var structSize: UInt32?
    /// A further struct in its chain, of this kind.
    var extensionKind: UInt32?

    init(bytes: [UInt8]? = nil, path: String? = nil) {
        self.bytes = bytes
        self.path = path
    }

    static var sample: ModelWish { ModelWish(bytes: SampleModel.model.bytes) }

    /// Lends the arguments; all that they point to is gone when the body ends.
    func withArguments<Result>(_ body: (UnsafePointer<heng_model_arguments>) -> Result) -> Result {
        let memory = CallMemory()
        var raw = unsafe heng_model_arguments()
        unsafe raw.header = StructCrossing.header(HENG_KIND_MODEL_ARGUMENTS, of: heng_model_arguments.self)
        if let structSize { unsafe raw.header.struct_size = structSize }
        if let extensionKind { unsafe raw.header.next = memory.link(extensionKind) }
        if let path { unsafe raw.path = memory.text(path) }
        if let bytes {
            unsafe raw.bytes = memory.bytes(bytes)
            unsafe raw.size = UInt64(bytes.count)
        }
        if let weights { unsafe raw.weights = weights.range }
        if let working { unsafe raw.working = working.range }
        if let shapes {
            unsafe raw.inputs = memory.list(shapes.map { unsafe memory.tensor($0) })
            unsafe raw.input_count = UInt32(shapes.count)
        }
        unsafe raw.priority = priority
        unsafe raw.determinism = determinism
        return withExtendedLifetime(memory) { unsafe body(&raw) }
    }
}

/// The group of models of the device under test.
@safe struct ModelCalls: @unchecked Sendable {
    // Unchecked: a copy of the maker's table, which never changes.
    let rig: Rig
    let functions: heng_model_table
}

extension Trial {
    func models() throws -> ModelCalls {
        guard let table = unsafe rig.group(HENG_KIND_MODEL_TABLE, zero: heng_model_table()) else {
            throw CaseEnd.outside("The maker offers no models.")
        }
        return unsafe ModelCalls(rig: rig, functions: table)
    }
}

extension ModelCalls {
    func query(_ wish: ModelWish) -> (answer: Answer, facts: ModelFacts) {
        var raw = unsafe emptyInfo()
        let answer = unsafe wish.withArguments { arguments in
            unsafe rig.call(functions.model_query, "model_query") {
                unsafe $0(rig.device.raw, arguments, &raw, $1)
            }
        }
        return unsafe (answer, ModelFacts(raw))
    }

    func load(_ wish: ModelWish, in context: Handle) -> Made {
        unsafe wish.withArguments { arguments in
            unsafe rig.make(functions.model_load, "model_load") {
                unsafe $0(context.raw, arguments, $1, $2)
            }
        }
    }

    func unload(_ model: Handle) -> Answer {
        unsafe rig.call(functions.model_unload, "model_unload") { unsafe $0(model.raw, $1) }
    }

    func describe(_ model: Handle) -> (answer: Answer, facts: ModelFacts) {
        var raw = unsafe emptyInfo()
        let answer = unsafe describe(model, raw: &raw)
        return unsafe (answer, ModelFacts(raw))
    }

    func describe(_ model: Handle, raw: inout heng_model_info) -> Answer {
        unsafe rig.call(functions.model_describe, "model_describe") { unsafe $0(model.raw, &raw, $1) }
    }

    func emptyInfo() -> heng_model_info {
        var raw = unsafe heng_model_info()
        unsafe raw.header = StructCrossing.header(HENG_KIND_MODEL_INFO, of: heng_model_info.self)
        return unsafe raw
    }

    func input(_ model: Handle, _ index: Int) -> (answer: Answer, facts: TensorFacts?) {
        var place: UnsafePointer<heng_tensor_description>?
        let answer = unsafe rig.call(functions.model_input, "model_input") {
            unsafe $0(model.raw, UInt32(index), &place, $1)
        }
        return unsafe (answer, answer.code == 0 ? TensorFacts(place) : nil)
    }

    func output(_ model: Handle, _ index: Int) -> (answer: Answer, facts: TensorFacts?) {
        var place: UnsafePointer<heng_tensor_description>?
        let answer = unsafe rig.call(functions.model_output, "model_output") {
            unsafe $0(model.raw, UInt32(index), &place, $1)
        }
        return unsafe (answer, answer.code == 0 ? TensorFacts(place) : nil)
    }

    func run(_ model: Handle, _ inputs: [Place], _ outputs: [Place]) -> Answer {
        let (from, to) = unsafe (inputs.map { unsafe $0.range }, outputs.map { unsafe $0.range })
        return unsafe rig.call(functions.model_run, "model_run") {
            unsafe $0(model.raw, from, UInt32(from.count), to, UInt32(to.count), $1)
        }
    }

    func submit(
        _ model: Handle, in stream: Handle, _ inputs: [Place], _ outputs: [Place], correlation: UInt64 = 0
    ) -> Answer {
        let (from, to) = unsafe (inputs.map { unsafe $0.range }, outputs.map { unsafe $0.range })
        return unsafe rig.call(functions.model_submit, "model_submit") {
            unsafe $0(
                model.raw, stream.raw, from, UInt32(from.count), to, UInt32(to.count), correlation, $1)
        }
    }

    func node(_ model: Handle, _ index: UInt32) -> (answer: Answer, facts: NodeFacts?) {
        var raw = unsafe heng_node_info()
        unsafe raw.header = StructCrossing.header(HENG_KIND_NODE_INFO, of: heng_node_info.self)
        let answer = unsafe rig.call(functions.model_node, "model_node") {
            unsafe $0(model.raw, index, &raw, $1)
        }
        return unsafe (answer, answer.code == 0 ? NodeFacts(raw) : nil)
    }

    func save(_ model: Handle, to path: String) -> Answer {
        unsafe rig.call(functions.model_save, "model_save") { save, error in
            unsafe path.withCString { unsafe save(model.raw, $0, error) }
        }
    }

    func compatibility(_ wish: ModelWish) -> (answer: Answer, verdict: Int32) {
        var verdict: Int32 = -7
        let answer = unsafe wish.withArguments { arguments in
            unsafe rig.call(functions.model_compatibility, "model_compatibility") {
                unsafe $0(rig.device.raw, arguments, &verdict, $1)
            }
        }
        return (answer, verdict)
    }

    /// What a model that is not loaded declares, its name cut to `room` bytes with their end.
    func signature(
        _ wish: ModelWish, isOutput: Bool, _ index: Int, room: Int = 64
    ) -> (answer: Answer, facts: TensorFacts) {
        var (dims, name) = ([Int64](repeating: -7, count: 8), [CChar](repeating: 0x5A, count: room + 1))
        var raw = unsafe heng_inferred_tensor()
        unsafe raw.header = StructCrossing.header(HENG_KIND_INFERRED_TENSOR, of: heng_inferred_tensor.self)
        let answer = unsafe dims.withUnsafeMutableBufferPointer { dims in
            unsafe name.withUnsafeMutableBufferPointer { name in
                unsafe raw.dims = dims.baseAddress
                unsafe raw.capacity = 8
                return unsafe wish.withArguments { arguments in
                    unsafe rig.call(functions.model_signature, "model_signature") {
                        unsafe $0(
                            rig.device.raw, arguments, isOutput ? 1 : 0, UInt32(index), &raw,
                            name.baseAddress, UInt64(room), $1)
                    }
                }
            }
        }
        if name[room] != 0x5A { rig.note("model_signature writes beyond the room for the name.") }
        var facts = TensorFacts(name: "", type: unsafe raw.type, dims: nil)
        facts.name = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if unsafe raw.rank != HENG_RANK_UNKNOWN {
            facts.dims = unsafe Array(dims.prefix(Int(min(raw.rank, 8))))
        }
        return (answer, facts)
    }
}

extension TensorFacts {
    init(name: String, type: Int32, dims: [Int64]?) {
        self.name = name
        self.type = type
        self.dims = dims
    }

    init(_ value: ModelBytes.Value) { self.init(name: value.name, type: value.type, dims: value.dims) }
}
