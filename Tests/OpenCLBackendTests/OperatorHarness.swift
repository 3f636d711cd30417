import AcceleratorAPI
import CHengAccelerator
import Essentials
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A tensor in a test: its numbers as doubles, whatever its type.
struct Numbers: Equatable {
    var type: Int32 = 1
    var dims: [Int]
    var values: [Double]
    var isConstant = false

    static func constant(_ values: [Int], type: Int32 = 7) -> Numbers {
        Numbers(type: type, dims: [values.count], values: values.map(Double.init), isConstant: true)
    }

    static func random(
        _ dims: [Int], _ generator: inout SeededGenerator, type: Int32 = 1, from low: Double = -2,
        to high: Double = 2
    ) -> Numbers {
        let values = (0..<dims.reduce(1, *)).map { _ -> Double in
            let value = low + (high - low) * generator.uniform()
            switch type {
            case 1: return Double(Float(value))
            case 11: return value
            case 9: return generator.uniform() < 0.5 ? 0 : 1
            case 10, 16: return (value * 16).rounded() / 16
            default: return value.rounded()
            }
        }
        return Numbers(type: type, dims: dims, values: values)
    }

    var count: Int { dims.reduce(1, *) }
    var size: Int { Int(heng_type_size(type)) }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        func add<Value: BitwiseCopyable>(_ value: Value) {
            unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
        }
        for value in values {
            switch type {
            case 1: add(Float(value))
            case 11: add(value)
            case 10: add(Half.bits(of: value))
            case 16: add(UInt16(truncatingIfNeeded: Float(value).bitPattern >> 16))
            case 2, 9: add(UInt8(value))
            case 3: add(Int8(value))
            case 4: add(UInt16(value))
            case 5: add(Int16(value))
            case 6: add(Int32(value))
            case 7: add(value >= 0x1p63 ? Int64.max : Int64(value))
            case 12: add(UInt32(value))
            default: add(UInt64(value))
            }
        }
        return bytes
    }

    init(type: Int32 = 1, dims: [Int], values: [Double], isConstant: Bool = false) {
        self.type = type
        self.dims = dims
        self.values = values
        self.isConstant = isConstant
    }

    init(type: Int32, dims: [Int], bytes: [UInt8]) {
        self.type = type
        self.dims = dims
        let count = dims.reduce(1, *)
        func all<Value: BitwiseCopyable>(_ kind: Value.Type, _ number: (Value) -> Double) -> [Double] {
            unsafe bytes.withUnsafeBytes { place in
                (0..<count).map {
                    unsafe number(
                        place.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.size, as: kind))
                }
            }
        }
        switch type {
        case 1: values = all(Float.self) { Double($0) }
        case 11: values = all(Double.self) { $0 }
        case 10: values = all(UInt16.self) { Half.value(of: $0) }
        case 16: values = all(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
        case 2, 9: values = all(UInt8.self) { Double($0) }
        case 3: values = all(Int8.self) { Double($0) }
        case 4: values = all(UInt16.self) { Double($0) }
        case 5: values = all(Int16.self) { Double($0) }
        case 6: values = all(Int32.self) { Double($0) }
        case 7: values = all(Int64.self) { Double($0) }
        case 12: values = all(UInt32.self) { Double($0) }
        default: values = all(UInt64.self) { Double($0) }
        }
    }
}

/// Half precision, for numbers that it holds exactly.
enum Half {
    static func bits(of value: Double) -> UInt16 {
        let single = Float(value).bitPattern
        let sign = UInt16(truncatingIfNeeded: (single >> 16) & 0x8000)
        let exponent = Int((single >> 23) & 255) - 127 + 15
        guard exponent > 0 else { return sign }
        return sign | UInt16(exponent) << 10 | UInt16(truncatingIfNeeded: (single >> 13) & 1023)
    }

    static func value(of bits: UInt16) -> Double {
        let sign: Double = bits & 0x8000 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10) & 31, Double(bits & 1023) / 1024)
        if exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
        return exponent == 0
            ? sign * fraction * 0x1p-14
            : sign * (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }
}

enum TestAttribute {
    case int(Int)
    case real(Double)
    case text(String)
    case ints([Int])
}

/// Why an operator is refused.
struct RefusedUse: Error, CustomStringConvertible {
    var reason: Int32
    var argument: Int32
    var text: String
    var description: String { "\(reason) at \(argument): \(text)" }
}

/// Memory for one description of the table, freed with it.
@safe final class Description {
    private var freed: [UnsafeMutableRawPointer] = unsafe []
    private(set) var raw = unsafe heng_operator_description()

    deinit {
        for index in unsafe freed.indices { unsafe freed[index].deallocate() }
    }

    private func keep<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let place = UnsafeMutablePointer<Value>.allocate(capacity: max(1, values.count))
        unsafe place.initialize(from: values, count: values.count)
        unsafe freed.append(UnsafeMutableRawPointer(place))
        return unsafe place
    }

    private func keep(_ text: String) -> UnsafePointer<CChar> {
        unsafe UnsafePointer(keep(Array(text.utf8CString)))
    }

    func tensor(_ tensor: Numbers?) -> UnsafePointer<heng_tensor_description>? {
        guard let tensor else { return nil }
        var full = unsafe heng_tensor_description()
        unsafe full.header = StructCrossing.header(
            HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
        unsafe full.type = tensor.type
        unsafe full.rank = UInt32(tensor.dims.count)
        unsafe full.dims = UnsafePointer(keep(tensor.dims.map { Int64($0) }))
        if tensor.isConstant {
            unsafe full.constant = UnsafeRawPointer(keep(tensor.bytes))
            unsafe full.constant_size = UInt64(tensor.bytes.count)
        }
        return unsafe UnsafePointer(keep([full]))
    }

    private func attribute(_ name: String, _ value: TestAttribute) -> UnsafePointer<heng_attribute>? {
        var full = unsafe heng_attribute()
        unsafe full.header = StructCrossing.header(HENG_KIND_ATTRIBUTE, of: heng_attribute.self)
        unsafe full.name = keep(name)
        switch value {
        case .int(let number):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_INT)
            unsafe full.data = UnsafeRawPointer(keep([Int64(number)]))
            unsafe full.count = 1
        case .real(let number):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_FLOAT)
            unsafe full.data = UnsafeRawPointer(keep([number]))
            unsafe full.count = 1
        case .text(let text):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_STRING)
            unsafe full.data = UnsafeRawPointer(keep(Array(text.utf8)))
            unsafe full.count = UInt64(text.utf8.count)
        case .ints(let numbers):
            unsafe full.kind = Int32(HENG_ATTRIBUTE_INTS)
            unsafe full.data = UnsafeRawPointer(keep(numbers.map { Int64($0) }))
            unsafe full.count = UInt64(numbers.count)
        }
        return unsafe UnsafePointer(keep([full]))
    }

    init(
        _ name: String, version: Int, _ inputs: [Numbers?], _ outputs: [Numbers?],
        _ attributes: [(String, TestAttribute)]
    ) {
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_OPERATOR_DESCRIPTION, of: heng_operator_description.self)
        unsafe raw.domain = keep("")
        unsafe raw.name = keep(name)
        unsafe raw.version = Int32(version)
        unsafe raw.input_count = UInt32(inputs.count)
        unsafe raw.output_count = UInt32(outputs.count)
        unsafe raw.attribute_count = UInt32(attributes.count)
        unsafe raw.inputs = UnsafePointer(keep(inputs.map { unsafe tensor($0) }))
        unsafe raw.outputs = UnsafePointer(keep(outputs.map { unsafe tensor($0) }))
        unsafe raw.attributes = UnsafePointer(keep(attributes.map { unsafe attribute($0.0, $0.1) }))
    }
}

extension Harness {
    var operators: heng_operator_table {
        get throws {
            unsafe try group(HENG_KIND_OPERATOR_TABLE, heng_operator_table.self).pointee
        }
    }

    /// Throws the refusal of a use, if there is one.
    func supports(_ description: Description) throws {
        var refusal = unsafe heng_refusal()
        unsafe refusal.header = StructCrossing.header(HENG_KIND_REFUSAL, of: heng_refusal.self)
        var raw = unsafe description.raw
        let status = try unsafe operators.operator_supports(device.handle, &raw, &refusal, nil)
        guard status != 0 else { return }
        #expect(status == DeviceError.Code.unsupported.rawValue)
        let text = unsafe withUnsafeBytes(of: refusal.text) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        #expect(!text.isEmpty)
        throw unsafe RefusedUse(reason: refusal.reason, argument: refusal.argument, text: text)
    }

    /// The outputs' types and shapes.
    func infer(_ description: Description, count: Int) throws -> [Numbers] {
        var outputs: [Numbers] = []
        var places = unsafe [heng_inferred_tensor](repeating: heng_inferred_tensor(), count: count)
        let dims = UnsafeMutablePointer<Int64>.allocate(capacity: count * 16)
        defer { unsafe dims.deallocate() }
        for index in 0..<count {
            unsafe places[index].header = StructCrossing.header(
                HENG_KIND_INFERRED_TENSOR, of: heng_inferred_tensor.self)
            unsafe places[index].dims = dims + index * 16
            unsafe places[index].capacity = 16
        }
        var raw = unsafe description.raw
        let table = try unsafe operators
        try unsafe places.withUnsafeMutableBufferPointer { places in
            let pointers = unsafe (0..<count).map { index in
                unsafe places.baseAddress.map { unsafe $0 + index }
            }
            try unsafe pointers.withUnsafeBufferPointer { pointers in
                try unsafe call {
                    unsafe table.operator_infer(
                        device.handle, &raw, pointers.baseAddress, UInt32(count), $0)
                }
            }
        }
        for index in unsafe places.indices {
            let place = unsafe places[index]
            let shape = unsafe (0..<Int(place.rank)).map { unsafe Int(place.dims[$0]) }
            outputs.append(Numbers(type: unsafe place.type, dims: shape, values: []))
        }
        return outputs
    }

    /// Runs an operator once: infers, asks, prepares, executes, and looks that nothing beyond the outputs is written.
    func run(
        _ name: String, version: Int = 0, _ inputs: [Numbers?], _ attributes: [(String, TestAttribute)] = [],
        outputs count: Int = 1
    ) throws -> [Numbers] {
        let table = try unsafe operators
        let blank = Description(
            name, version: version, inputs, [Numbers?](repeating: nil, count: count), attributes)
        // What cannot be inferred is refused, with the same words.
        let inferred: [Numbers]
        do { inferred = try infer(blank, count: count) } catch let failure as TableFailure {
            #expect(failure.code == .unsupported)
            do { try supports(Description(name, version: version, inputs, inputs, attributes)) } catch {
                throw error
            }
            throw failure
        }
        let description = Description(name, version: version, inputs, inferred, attributes)
        try supports(description)
        var prepared: OpaquePointer?
        var info = unsafe heng_operator_info()
        unsafe info.header = StructCrossing.header(HENG_KIND_OPERATOR_INFO, of: heng_operator_info.self)
        var raw = unsafe description.raw
        try unsafe call { unsafe table.operator_prepare(context, &raw, &prepared, &info, $0) }
        defer { _ = unsafe table.operator_destroy(prepared, nil) }
        var memory: [Memory] = []
        defer { for piece in memory { unsafe free(piece.buffer) } }
        func place(_ tensor: Numbers?, _ index: Int) throws -> heng_range {
            guard let tensor, tensor.count > 0 else {
                return unsafe heng_range(buffer: nil, host: nil, offset: 0, size: 0)
            }
            // Elements before and behind, so that a tensor rarely starts a buffer.
            let piece = unsafe Memory(
                buffer: try makeBuffer(tensor.count * tensor.size + 64 * tensor.size),
                offset: (index * 3 + 1) * tensor.size % (32 * tensor.size), size: tensor.count * tensor.size,
                whole: tensor.count * tensor.size + 64 * tensor.size)
            memory.append(piece)
            unsafe try write([UInt8](repeating: 0xA5, count: piece.whole), to: piece.buffer)
            if !tensor.values.isEmpty {
                unsafe try write(tensor.bytes, to: piece.buffer, offset: piece.offset)
            }
            return unsafe heng_range(
                buffer: piece.buffer, host: nil, offset: UInt64(piece.offset), size: UInt64(piece.size))
        }
        var inputRanges: [heng_range] = unsafe []
        for (index, tensor) in inputs.enumerated() { unsafe inputRanges.append(try place(tensor, index)) }
        let first = memory.count
        var outputRanges: [heng_range] = unsafe []
        for (index, tensor) in inferred.enumerated() { unsafe outputRanges.append(try place(tensor, index)) }
        let outputMemory = memory[first...]
        var workspace = unsafe heng_range(buffer: nil, host: nil, offset: 0, size: 0)
        if unsafe info.workspace_bytes > 0 {
            let piece = unsafe Memory(
                buffer: try makeBuffer(unsafe Int(info.workspace_bytes)), offset: 0,
                size: unsafe Int(info.workspace_bytes), whole: 0)
            memory.append(piece)
            unsafe workspace = heng_range(
                buffer: piece.buffer, host: nil, offset: 0, size: info.workspace_bytes)
        }
        try unsafe call {
            unsafe table.operator_execute(
                prepared, stream, inputRanges, UInt32(inputs.count), outputRanges, UInt32(count), &workspace,
                7, $0)
        }
        unsafe try synchronize()
        var rest = outputMemory
        return try inferred.map { output in
            guard output.count > 0 else { return output }
            let piece = rest.removeFirst()
            let bytes = unsafe try read(piece.buffer, count: piece.whole)
            #expect(bytes[..<piece.offset].allSatisfy { $0 == 0xA5 }, "\(name) wrote before its output")
            #expect(
                bytes[(piece.offset + piece.size)...].allSatisfy { $0 == 0xA5 },
                "\(name) wrote behind its output")
            return Numbers(
                type: output.type, dims: output.dims,
                bytes: Array(bytes[piece.offset..<piece.offset + piece.size]))
        }
    }

    @safe private struct Memory {
        var buffer: OpaquePointer
        var offset: Int
        var size: Int
        var whole: Int
    }
}

/// Where two lists of numbers first differ by more than the tolerance; nil where they do not.
func difference(
    _ got: [Double], _ expected: [Double], relative: Double = 1e-4, absolute: Double = 1e-5
) -> String? {
    guard got.count == expected.count else { return "\(got.count) numbers instead of \(expected.count)" }
    for (index, pair) in zip(got, expected).enumerated() {
        let (a, b) = pair
        if a.isNaN && b.isNaN || a == b { continue }
        if abs(a - b) <= absolute + relative * abs(b) { continue }
        return "at \(index): \(a) instead of \(b)"
    }
    return nil
}

/// Row-major indices of a shape, in order.
func indices(of dims: [Int]) -> [[Int]] {
    var result: [[Int]] = [[]]
    for extent in dims { result = result.flatMap { head in (0..<extent).map { head + [$0] } } }
    return result
}

func flat(_ index: [Int], _ dims: [Int]) -> Int { zip(index, dims).reduce(0) { $0 * $1.1 + $1.0 } }

/// An element of a tensor that is repeated to a larger shape.
func repeated(_ tensor: Numbers, at index: [Int]) -> Double {
    let own = Array(index.suffix(tensor.dims.count))
    return tensor.values[flat(zip(own, tensor.dims).map { $1 == 1 ? 0 : $0 }, tensor.dims)]
}
