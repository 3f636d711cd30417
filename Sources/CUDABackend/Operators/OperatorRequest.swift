internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// Why a use of an operator is not taken.
struct OperatorRefusal: Error {
    var reason: Int
    /// The input it is about; -1 for none.
    var argument = -1
    var text: String

    init(_ reason: Int, argument: Int = -1, _ text: String) {
        self.reason = reason
        self.argument = argument
        self.text = text
    }
}

/// A tensor of a request, with its shape known.
struct TensorSpec: Sendable {
    var type: Int
    var dims: [Int]
    /// The bytes on the host, where they are the same in every run.
    var constant: [UInt8]?
    var isOnHost = false

    var rank: Int { dims.count }
    var count: Int { dims.reduce(1, *) }
    var bytes: Int { count * TensorSpec.size(type) }

    static func size(_ type: Int) -> Int { Int(heng_type_size(Int32(type))) }
}

/// One use of an operator, read from the caller's description.
///
/// It notes which attributes and constants were looked at: attributes that nobody looked at are refused, and inputs that
/// were only looked at while planning need not be given again.
final class OperatorRequest {
    let name: String
    let domain: String
    let version: Int
    let determinism: Int
    let accumulation: Int
    var isFastWelcome: Bool { accumulation == HENG_ACCUMULATION_FAST }
    let inputs: [TensorSpec?]
    let outputCount: Int
    /// The outputs' shapes as the caller knows them; nil where it does not say.
    let expected: [TensorSpec?]
    private let attributes: [String: Attribute]
    private var seen: Set<String> = []
    /// Bit i: the input is needed only while planning.
    private(set) var kept: UInt64 = 0

    enum Attribute {
        case int(Int), float(Double), string(String), ints([Int]), other
    }

    init(
        _ description: UnsafePointer<heng_operator_description>?, ignoresOutputs: Bool = false
    ) throws(OperatorRefusal) {
        guard let given = unsafe StructCrossing.read(description, zero: heng_operator_description()),
            let name = unsafe given.name
        else { throw OperatorRefusal(HENG_REFUSAL_OTHER, "The description has no size or no name.") }
        self.name = unsafe String(cString: name)
        domain = unsafe given.domain.map { unsafe String(cString: $0) } ?? ""
        version = unsafe given.version == 0 ? Int.max : Int(given.version)
        determinism = unsafe Int(given.determinism)
        accumulation = unsafe Int(given.accumulation)
        guard unsafe given.input_count <= 1024, unsafe given.output_count <= 1024,
            unsafe given.attribute_count <= 1024
        else {
            throw OperatorRefusal(
                HENG_REFUSAL_SIZE, "An operator has too many inputs, outputs or attributes.")
        }
        var inputs: [TensorSpec?] = []
        for index in unsafe 0..<Int(given.input_count) {
            inputs.append(try unsafe OperatorRequest.tensor(given.inputs?[index], index, needsShape: true))
        }
        self.inputs = inputs
        outputCount = unsafe Int(given.output_count)
        var expected: [TensorSpec?] = []
        for index in 0..<(ignoresOutputs ? 0 : outputCount) {
            expected.append(try unsafe OperatorRequest.tensor(given.outputs?[index], -1, needsShape: false))
        }
        self.expected = expected
        var attributes: [String: Attribute] = [:]
        for index in unsafe 0..<Int(given.attribute_count) {
            guard let raw = unsafe given.attributes?[index],
                let one = unsafe StructCrossing.read(raw, zero: heng_attribute()), let key = unsafe one.name
            else { continue }
            unsafe attributes[String(cString: key)] = unsafe OperatorRequest.attribute(one)
        }
        self.attributes = attributes
    }

    /// Constants above this are weights, which no plan looks into.
    private static let smallConstant = 64 << 10

    private static func attribute(_ one: heng_attribute) -> Attribute {
        guard let data = unsafe one.data else { return unsafe one.count == 0 ? .ints([]) : .other }
        let count = unsafe Int(one.count)
        switch unsafe Int(one.kind) {
        case HENG_ATTRIBUTE_INT: return unsafe .int(Int(data.loadUnaligned(as: Int64.self)))
        case HENG_ATTRIBUTE_FLOAT: return unsafe .float(data.loadUnaligned(as: Double.self))
        case HENG_ATTRIBUTE_STRING:
            let bytes = unsafe UnsafeRawBufferPointer(start: data, count: count)
            return .string(unsafe String(decoding: bytes, as: UTF8.self))
        case HENG_ATTRIBUTE_INTS:
            return .ints(
                (0..<count).map { unsafe Int(data.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) })
        default: return .other
        }
    }

    private static func tensor(
        _ place: UnsafePointer<heng_tensor_description>?, _ index: Int, needsShape: Bool
    ) throws(OperatorRefusal) -> TensorSpec? {
        guard let given = unsafe StructCrossing.read(place, zero: heng_tensor_description()) else {
            return nil
        }
        let isKnown = unsafe given.rank != HENG_RANK_UNKNOWN
        let rank = unsafe isKnown ? Int(given.rank) : 0
        guard rank <= HENG_RANK_LIMIT else {
            throw OperatorRefusal(HENG_REFUSAL_RANK, argument: index, "A rank of \(rank) is too high.")
        }
        let dims = (0..<rank).map { unsafe Int(given.dims?[$0] ?? -1) }
        guard isKnown, dims.allSatisfy({ $0 >= 0 }) else {
            guard needsShape else { return nil }
            throw OperatorRefusal(
                HENG_REFUSAL_SHAPE, argument: index, "The shape of input \(index) is not known.")
        }
        var count = 1
        for dim in dims {
            let (product, overflow) = count.multipliedReportingOverflow(by: max(1, dim))
            guard !overflow, product < 1 << 48 else {
                throw OperatorRefusal(HENG_REFUSAL_SIZE, argument: index, "A tensor of \(dims) is too large.")
            }
            count = product
        }
        guard unsafe given.strides == nil, unsafe given.quantization == nil else {
            throw OperatorRefusal(
                HENG_REFUSAL_LAYOUT, argument: index, "Tensors must lie dense, in rows, and not be quantized."
            )
        }
        var spec = unsafe TensorSpec(type: Int(given.type), dims: dims)
        if let bytes = unsafe given.constant, unsafe Int(clamping: given.constant_size) >= spec.bytes,
            spec.bytes <= smallConstant
        {
            spec.constant = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: spec.bytes))
        }
        spec.isOnHost = unsafe given.placement == HENG_PLACE_HOST
        return spec
    }
}

// MARK: - What plans ask for

extension OperatorRequest {
    /// The input, which must lie on the device.
    func input(_ index: Int) throws(OperatorRefusal) -> TensorSpec {
        guard let input = optional(index) else {
            throw OperatorRefusal(HENG_REFUSAL_OTHER, argument: index, "\(name) needs input \(index).")
        }
        guard !input.isOnHost else {
            throw OperatorRefusal(
                HENG_REFUSAL_LAYOUT, argument: index, "Input \(index) of \(name) must lie on the device.")
        }
        return input
    }

    func optional(_ index: Int) -> TensorSpec? { inputs.indices.contains(index) ? inputs[index] : nil }

    /// The input of one of some types.
    func input(_ index: Int, of types: Set<Int>) throws(OperatorRefusal) -> TensorSpec {
        let input = try input(index)
        guard types.contains(input.type) else {
            throw OperatorRefusal(
                HENG_REFUSAL_TYPE, argument: index,
                "\(name) is not offered for elements of type \(input.type).")
        }
        return input
    }

    /// The integers of a small input that must be the same in every run; nil where it is left out.
    func integers(_ index: Int) throws(OperatorRefusal) -> [Int]? {
        guard let input = optional(index) else { return nil }
        guard let bytes = input.constant else {
            throw OperatorRefusal(
                HENG_REFUSAL_CONSTANT, argument: index, "Input \(index) of \(name) must be constant.")
        }
        kept |= 1 << UInt64(index)
        func number(_ index: Int, size: Int) -> UInt64 {
            (0..<size).reduce(0) { $0 | UInt64(bytes[index * size + $1]) << UInt64($1 * 8) }
        }
        switch input.type {
        case HENG_TYPE_INT64: return (0..<input.count).map { Int(Int64(bitPattern: number($0, size: 8))) }
        case HENG_TYPE_INT32:
            return (0..<input.count).map { Int(Int32(bitPattern: UInt32(number($0, size: 4)))) }
        default:
            throw OperatorRefusal(
                HENG_REFUSAL_TYPE, argument: index, "Input \(index) of \(name) must hold integers.")
        }
    }

    func int(_ key: String, _ normal: Int) -> Int {
        seen.insert(key)
        if case .int(let value) = attributes[key] { return value }
        return normal
    }

    func float(_ key: String, _ normal: Double) -> Double {
        seen.insert(key)
        switch attributes[key] {
        case .float(let value): return value
        case .int(let value): return Double(value)
        default: return normal
        }
    }

    func string(_ key: String, _ normal: String) -> String {
        seen.insert(key)
        if case .string(let value) = attributes[key] { return value }
        return normal
    }

    func ints(_ key: String) -> [Int]? {
        seen.insert(key)
        if case .ints(let value) = attributes[key] { return value }
        return nil
    }

    /// An axis as a number from 0; negative ones count from the end.
    func axis(_ number: Int, rank: Int) throws(OperatorRefusal) -> Int {
        let axis = number < 0 ? number + rank : number
        guard axis >= 0, axis < max(1, rank) else {
            throw OperatorRefusal(HENG_REFUSAL_ATTRIBUTE, "\(name) has no axis \(number) at rank \(rank).")
        }
        return axis
    }

    /// An attribute that is only taken at one value.
    func require(_ key: String, _ value: Int) throws(OperatorRefusal) {
        guard int(key, value) == value else {
            throw OperatorRefusal(HENG_REFUSAL_ATTRIBUTE, "\(name) takes \(key) only as \(value).")
        }
    }

    /// Refuses outputs and inputs beyond those that are made and read.
    func limit(inputs most: Int, outputs: Int = 1) throws(OperatorRefusal) {
        guard self.inputs.dropFirst(most).allSatisfy({ $0 == nil }) else {
            throw OperatorRefusal(
                HENG_REFUSAL_OTHER, argument: most, "\(name) takes at most \(most) inputs here.")
        }
        guard outputCount <= outputs else {
            throw OperatorRefusal(HENG_REFUSAL_OTHER, "\(name) makes at most \(outputs) outputs here.")
        }
    }

    /// Attributes that no plan looked at.
    var unknownAttribute: String? { attributes.keys.sorted().first { !seen.contains($0) } }

    func refuse(_ reason: Int, _ text: String, argument: Int = -1) -> OperatorRefusal {
        OperatorRefusal(reason, argument: argument, text)
    }
}
