internal import AcceleratorAPI
internal import CHengAccelerator

/// A tensor of a case, as a description names it.
struct TensorShape: Hashable, Sendable {
    var type = Int32(HENG_TYPE_FLOAT32)
    var dims: [Int64]
    var format = Int32(HENG_FORMAT_ND)
    var placement = Int32(HENG_PLACE_DEVICE)
    /// Another rank than that of the extents, as HENG_RANK_UNKNOWN.
    var rank: UInt32?
    var name: String?
    /// The tensor's bytes, where it is constant.
    var constant: [UInt8]?

    init(_ dims: Int64..., type: Int = HENG_TYPE_FLOAT32) {
        self.dims = dims
        self.type = Int32(type)
    }

    var bytes: Int { Int(dims.reduce(1, *)) * Int(heng_type_size(type)) }
}

/// One use of an operator in a case.
struct OperatorUse: Sendable {
    var domain = ""
    var name: String
    var version: Int32 = 0
    var inputs: [TensorShape]
    var outputs: [TensorShape]
    var integers: [(name: String, value: Int64)] = []
    var determinism: Int32 = 0
    var accumulation: Int32 = 0
    /// The name of the node in a graph.
    var node: String?

    init(_ name: String, inputs: [TensorShape], outputs: [TensorShape], domain: String = "") {
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.domain = domain
    }

    /// Lends the description; all it points to lives as long as the body.
    func withDescription<Result>(
        _ body: (UnsafePointer<heng_operator_description>) throws -> Result
    ) rethrows -> Result {
        let memory = CallMemory()
        let domain = unsafe memory.text(self.domain)
        let name = unsafe memory.text(self.name)
        var raw = unsafe heng_operator_description()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_OPERATOR_DESCRIPTION, of: heng_operator_description.self)
        unsafe raw.domain = domain
        unsafe raw.name = name
        unsafe raw.version = version
        unsafe raw.determinism = determinism
        unsafe raw.accumulation = accumulation
        if let node { unsafe raw.node = memory.text(node) }
        unsafe raw.input_count = UInt32(inputs.count)
        unsafe raw.output_count = UInt32(outputs.count)
        unsafe raw.attribute_count = UInt32(integers.count)
        unsafe raw.inputs = memory.list(inputs.map { unsafe memory.tensor($0) })
        unsafe raw.outputs = memory.list(outputs.map { unsafe memory.tensor($0) })
        unsafe raw.attributes = memory.list(integers.map { unsafe memory.attribute($0.name, $0.value) })
        return try withExtendedLifetime(memory) { try unsafe body(&raw) }
    }
}
