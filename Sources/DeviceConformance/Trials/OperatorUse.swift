internal import AcceleratorAPI
internal import CHengAccelerator

/// A tensor of a case, as a description names it.
struct TensorShape: Hashable, Sendable {
    var type = Int32(HENG_TYPE_FLOAT32)
    var dims: [Int64]

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
        let memory = OperatorMemory()
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
        unsafe raw.input_count = UInt32(inputs.count)
        unsafe raw.output_count = UInt32(outputs.count)
        unsafe raw.attribute_count = UInt32(integers.count)
        unsafe raw.inputs = memory.list(inputs.map { unsafe memory.tensor($0) })
        unsafe raw.outputs = memory.list(outputs.map { unsafe memory.tensor($0) })
        unsafe raw.attributes = memory.list(integers.map { unsafe memory.attribute($0.name, $0.value) })
        return try withExtendedLifetime(memory) { try unsafe body(&raw) }
    }
}

/// Owns what a description points to.
@safe private final class OperatorMemory {
    private var owned: [UnsafeMutableRawPointer] = unsafe []

    deinit { while let place = unsafe owned.popLast() { unsafe place.deallocate() } }

    private func place<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, values.count * MemoryLayout<Value>.stride), alignment: 16)
        unsafe owned.append(raw)
        let place = unsafe raw.bindMemory(to: Value.self, capacity: values.count)
        unsafe place.initialize(from: values, count: values.count)
        return unsafe place
    }

    func text(_ text: String) -> UnsafePointer<CChar> { unsafe UnsafePointer(place(Array(text.utf8CString))) }

    func tensor(_ shape: TensorShape) -> UnsafePointer<heng_tensor_description>? {
        var raw = unsafe heng_tensor_description()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
        unsafe raw.type = shape.type
        unsafe raw.format = Int32(HENG_FORMAT_ND)
        unsafe raw.rank = UInt32(shape.dims.count)
        unsafe raw.dims = UnsafePointer(place(shape.dims))
        return unsafe UnsafePointer(place([raw]))
    }

    func attribute(_ name: String, _ value: Int64) -> UnsafePointer<heng_attribute>? {
        var raw = unsafe heng_attribute()
        unsafe raw.header = StructCrossing.header(HENG_KIND_ATTRIBUTE, of: heng_attribute.self)
        unsafe raw.name = text(name)
        unsafe raw.kind = Int32(HENG_ATTRIBUTE_INT)
        unsafe raw.data = UnsafeRawPointer(place([value]))
        unsafe raw.count = 1
        return unsafe UnsafePointer(place([raw]))
    }

    func list<Value>(_ values: [UnsafePointer<Value>?]) -> UnsafePointer<UnsafePointer<Value>?> {
        unsafe UnsafePointer(place(values))
    }
}
