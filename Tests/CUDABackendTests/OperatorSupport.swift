import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Testing

/// A tensor of a test: its type, shape and values as numbers.
struct TestTensor {
    var dims: [Int]
    var values: [Double]
    var type = HENG_TYPE_FLOAT32
    var isConstant = false

    init(_ dims: [Int], _ values: [Double], type: Int = HENG_TYPE_FLOAT32, isConstant: Bool = false) {
        (self.dims, self.values, self.type, self.isConstant) = (dims, values, type, isConstant)
    }

    /// Small numbers of both signs, different for each seed.
    init(_ dims: [Int], seed: Int, type: Int = HENG_TYPE_FLOAT32) {
        let count = dims.reduce(1, *)
        self.init(dims, (0..<count).map { Double(($0 * 37 + seed * 101) % 97 - 48) / 16 }, type: type)
    }

    static func integers(_ values: [Int], dims: [Int]? = nil) -> TestTensor {
        TestTensor(dims ?? [values.count], values.map { Double($0) }, type: HENG_TYPE_INT64, isConstant: true)
    }

    var bytes: [UInt8] {
        func raw<Value>(_ values: [Value]) -> [UInt8] { unsafe values.withUnsafeBytes { unsafe Array($0) } }
        switch type {
        case HENG_TYPE_FLOAT32: return raw(values.map { Float($0) })
        case HENG_TYPE_FLOAT64: return raw(values)
        case HENG_TYPE_FLOAT16: return raw(values.map { Float16($0).bitPattern })
        case HENG_TYPE_BFLOAT16:
            return raw(values.map { UInt16(truncatingIfNeeded: Float($0).bitPattern >> 16) })
        case HENG_TYPE_INT64: return raw(values.map { Int64($0) })
        case HENG_TYPE_INT32: return raw(values.map { Int32($0) })
        default: return values.map { UInt8($0) }
        }
    }

    static func read(_ bytes: [UInt8], type: Int) -> [Double] {
        func raw<Value>(_ type: Value.Type) -> [Value] {
            unsafe bytes.withUnsafeBytes { unsafe Array($0.bindMemory(to: type)) }
        }
        switch type {
        case HENG_TYPE_FLOAT32: return raw(Float.self).map { Double($0) }
        case HENG_TYPE_FLOAT64: return raw(Double.self)
        case HENG_TYPE_FLOAT16: return raw(UInt16.self).map { Double(Float16(bitPattern: $0)) }
        case HENG_TYPE_BFLOAT16: return raw(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case HENG_TYPE_INT64: return raw(Int64.self).map { Double($0) }
        case HENG_TYPE_INT32: return raw(Int32.self).map { Double($0) }
        default: return bytes.map { Double($0) }
        }
    }
}

enum TestAttribute {
    case int(Int), float(Double), string(String), ints([Int])
}

/// What came out of an operator, and how it was computed.
struct TestResult {
    var outputs: [TestTensor]
    var algorithm: String
    var determinism: Int
}

/// The C structs of one description, alive as long as this object.
@safe final class TestDescription {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    private(set) var value = unsafe heng_operator_description()

    init(
        _ name: String, version: Int, _ inputs: [TestTensor?], _ attributes: [String: TestAttribute],
        outputs: Int,
        determinism: Int = 0
    ) {
        unsafe value.header = unsafe StructCrossing.header(
            HENG_KIND_OPERATOR_DESCRIPTION, of: heng_operator_description.self)
        unsafe value.domain = unsafe keep(Array("".utf8CString)).map { unsafe UnsafePointer($0) }
        unsafe value.name = unsafe keep(Array(name.utf8CString)).map { unsafe UnsafePointer($0) }
        unsafe value.version = Int32(version)
        unsafe value.determinism = Int32(determinism)
        let tensors = unsafe inputs.map { input in unsafe input.map { unsafe describe($0) } ?? nil }
        unsafe value.inputs = unsafe keep(tensors).map { unsafe UnsafePointer($0) }
        unsafe value.input_count = UInt32(inputs.count)
        let none = unsafe [UnsafePointer<heng_tensor_description>?](repeating: nil, count: outputs)
        unsafe value.outputs = unsafe keep(none).map { unsafe UnsafePointer($0) }
        unsafe value.output_count = UInt32(outputs)
        let all = unsafe attributes.map { unsafe describe($0.key, $0.value) }
        unsafe value.attributes = unsafe keep(all).map { unsafe UnsafePointer($0) }
        unsafe value.attribute_count = UInt32(attributes.count)
    }

    deinit { for index in unsafe 0..<blocks.count { unsafe blocks[index].deallocate() } }

    private func keep<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value>? {
        let place = UnsafeMutablePointer<Value>.allocate(capacity: max(1, values.count))
        unsafe place.initialize(from: values, count: values.count)
        unsafe blocks.append(UnsafeMutableRawPointer(place))
        return unsafe place
    }

    private func describe(_ tensor: TestTensor) -> UnsafePointer<heng_tensor_description>? {
        var full = unsafe heng_tensor_description()
        unsafe full.header = unsafe StructCrossing.header(
            HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
        unsafe full.type = Int32(tensor.type)
        unsafe full.rank = UInt32(tensor.dims.count)
        unsafe full.dims = unsafe keep(tensor.dims.map { Int64($0) }).map { unsafe UnsafePointer($0) }
        if tensor.isConstant {
            unsafe full.constant = unsafe keep(tensor.bytes).map { UnsafeRawPointer($0) }
            unsafe full.constant_size = UInt64(tensor.bytes.count)
        }
        return unsafe keep([full]).map { unsafe UnsafePointer($0) }
    }

    private func describe(_ name: String, _ attribute: TestAttribute) -> UnsafePointer<heng_attribute>? {
        var full = unsafe heng_attribute()
        unsafe full.header = unsafe StructCrossing.header(HENG_KIND_ATTRIBUTE, of: heng_attribute.self)
        unsafe full.name = unsafe keep(Array(name.utf8CString)).map { unsafe UnsafePointer($0) }
        unsafe full.count = 1
        switch attribute {
        case .int(let value):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_INT)
            unsafe full.data = unsafe keep([Int64(value)]).map { UnsafeRawPointer($0) }
        case .float(let value):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_FLOAT)
            unsafe full.data = unsafe keep([value]).map { UnsafeRawPointer($0) }
        case .string(let text):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_STRING)
            unsafe full.data = unsafe keep(Array(text.utf8)).map { UnsafeRawPointer($0) }
            unsafe full.count = UInt64(text.utf8.count)
        case .ints(let values):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_INTS)
            unsafe full.data = unsafe keep(values.map { Int64($0) }).map { UnsafeRawPointer($0) }
            unsafe full.count = UInt64(values.count)
        }
        return unsafe keep([full]).map { unsafe UnsafePointer($0) }
    }
}

extension StubSession {
    /// Infers, prepares and runs an operator over fresh buffers.
    func run(
        _ name: String, version: Int = 0, _ inputs: [TestTensor?],
        _ attributes: [String: TestAttribute] = [:],
        outputs: Int = 1, determinism: Int = 0, offset: Int = 0, in context: OpaquePointer,
        _ stream: OpaquePointer
    ) throws -> TestResult {
        let table = unsafe try group(HENG_KIND_OPERATOR_TABLE, as: heng_operator_table.self)
        let description = TestDescription(
            name, version: version, inputs, attributes, outputs: outputs, determinism: determinism)
        var given = unsafe description.value
        var inferred = try unsafe infer(table, &given, outputs)
        var prepared: OpaquePointer?
        var info = unsafe heng_operator_info()
        unsafe info.header = unsafe StructCrossing.header(
            HENG_KIND_OPERATOR_INFO, of: heng_operator_info.self)
        try unsafe call { unsafe table.operator_prepare(context, &given, &prepared, &info, $1) }
        var ranges: [heng_range] = unsafe []
        var buffers: [OpaquePointer] = unsafe []
        func hold(_ bytes: [UInt8], _ start: Int) throws -> heng_range {
            let buffer = unsafe try buffer(context, start + max(1, bytes.count))
            unsafe buffers.append(buffer)
            if !bytes.isEmpty {
                try unsafe write([UInt8](repeating: 0, count: start) + bytes, to: buffer, stream)
            }
            return unsafe range(buffer, bytes.count, from: start)
        }
        for input in inputs {
            let bytes = input.map { $0.isConstant ? [] : $0.bytes }
            unsafe ranges.append(try bytes.map { unsafe try hold($0, offset) } ?? heng_range())
        }
        var results: [heng_range] = unsafe []
        for output in inferred {
            let count = output.values.count * Int(heng_type_size(Int32(output.type)))
            unsafe results.append(try hold([UInt8](repeating: 0xEE, count: count), 0))
        }
        var workspace = unsafe try hold([UInt8](repeating: 0, count: Int(info.workspace_bytes)), 0)
        try unsafe call {
            unsafe table.operator_execute(
                prepared, stream, ranges, UInt32(ranges.count), results, UInt32(results.count), &workspace,
                77, $1)
        }
        try unsafe wait(stream)
        for index in inferred.indices {
            let result = unsafe results[index]
            let count = unsafe Int(result.size)
            guard count > 0, let place = unsafe result.buffer else { continue }
            inferred[index].values = TestTensor.read(
                try unsafe read(count, from: place, stream), type: inferred[index].type)
        }
        let algorithm = unsafe info.algorithm.map { unsafe String(cString: $0) } ?? ""
        let level = unsafe Int(info.determinism)
        try unsafe call { unsafe table.operator_destroy(prepared, $1) }
        for index in unsafe 0..<buffers.count { try unsafe free(buffers[index]) }
        return TestResult(outputs: inferred, algorithm: algorithm, determinism: level)
    }

    private func infer(
        _ table: heng_operator_table, _ given: inout heng_operator_description, _ count: Int
    ) throws -> [TestTensor] {
        var dims = [Int64](repeating: 0, count: 16 * count)
        var results: [TestTensor] = []
        try unsafe dims.withUnsafeMutableBufferPointer { places in
            for index in 0..<count {
                var tensors = unsafe [heng_inferred_tensor](repeating: heng_inferred_tensor(), count: count)
                for at in 0..<count {
                    unsafe tensors[at].header = unsafe StructCrossing.header(
                        HENG_KIND_INFERRED_TENSOR, of: heng_inferred_tensor.self)
                    unsafe tensors[at].dims = unsafe places.baseAddress.map { unsafe $0 + at * 16 }
                    unsafe tensors[at].capacity = 16
                }
                try unsafe tensors.withUnsafeMutableBufferPointer { all in
                    let pointers = unsafe (0..<count).map { at in
                        unsafe all.baseAddress.map { unsafe $0 + at }
                    }
                    try unsafe call {
                        unsafe table.operator_infer(device, &given, pointers, UInt32(count), $1)
                    }
                    let rank = unsafe Int(all[index].rank)
                    let shape = (0..<rank).map { unsafe Int(places[index * 16 + $0]) }
                    let zeros = [Double](repeating: 0, count: shape.reduce(1, *))
                    results.append(TestTensor(shape, zeros, type: unsafe Int(all[index].type)))
                }
            }
        }
        return results
    }

    /// Why an operator is not taken: the reason and the input it is about; nil where it is taken.
    func refusal(
        _ name: String, version: Int = 0, _ inputs: [TestTensor?], _ attributes: [String: TestAttribute] = [:]
    ) throws -> (reason: Int, argument: Int, text: String)? {
        let table = unsafe try group(HENG_KIND_OPERATOR_TABLE, as: heng_operator_table.self)
        let description = TestDescription(name, version: version, inputs, attributes, outputs: 1)
        var given = unsafe description.value
        var refusal = unsafe heng_refusal()
        unsafe refusal.header = unsafe StructCrossing.header(HENG_KIND_REFUSAL, of: heng_refusal.self)
        let status = unsafe table.operator_supports(device, &given, &refusal, nil)
        guard status != 0 else { return nil }
        #expect(status == Int32(HENG_ERROR_UNSUPPORTED))
        let text = unsafe withUnsafeBytes(of: refusal.text) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return unsafe (Int(refusal.reason), Int(refusal.argument), text)
    }
}

/// Whether two lists of numbers are the same up to rounding.
func expectClose(
    _ found: [Double], _ wanted: [Double], _ tolerance: Double = 1e-5, _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.count == wanted.count, "\(what)", sourceLocation: sourceLocation)
    let worst = zip(found, wanted).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
    #expect(
        worst <= tolerance && !worst.isNaN, "\(what): \(found.prefix(8)) and \(wanted.prefix(8))",
        sourceLocation: sourceLocation)
}
