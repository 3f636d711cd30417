internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import Essentials

/// A C description of an operator, read into values of ours with every pointer and number checked.
struct DescribedCall {
    enum Input {
        case omitted
        case constant(HostTensor)
        case varying(TensorType, name: String?)
    }

    let domain: String
    let name: String
    let node: String?
    let version: Int
    let demand: Arithmetic
    private(set) var inputs: [Input] = []
    private(set) var attributes: [String: Attribute] = [:]
    /// One for each place of the description's outputs.
    private(set) var wantedOutputs: [Bool] = []

    var qualifiedName: String { domain.isEmpty ? name : "\(domain).\(name)" }

    /// More operands or attributes than any operator has are a mistake of the caller.
    private static let operandLimit = 4096

    init(reading description: UnsafePointer<heng_operator_description>?) throws(DeviceError) {
        guard let full = unsafe StructCrossing.read(description, zero: heng_operator_description()) else {
            throw DeviceError(
                .version, operation: "operator_prepare",
                text: "The operator's description is null, or its struct_size is not set.")
        }
        guard let name = unsafe full.name else {
            throw DeviceError(
                .operatorName, operation: "operator_prepare", text: "The operator's name is null.")
        }
        domain = unsafe DescribedCall.domain(full.domain)
        self.name = unsafe String(cString: name)
        node = unsafe full.node.map { unsafe String(cString: $0) }
        version = unsafe Int(max(0, full.version))
        demand = try unsafe Arithmetic(
            determinism: full.determinism, accumulation: full.accumulation, "operator_prepare")
        for index in 0..<(try count(unsafe full.input_count, unsafe full.inputs != nil, .operatorInput)) {
            inputs.append(try unsafe input(index, full.inputs[index]))
        }
        for index in 0..<(try count(unsafe full.output_count, unsafe full.outputs != nil, .operatorOutput)) {
            wantedOutputs.append(unsafe full.outputs[index] != nil)
        }
        let count = try count(
            unsafe full.attribute_count, unsafe full.attributes != nil, .operatorAttribute)
        for index in 0..<count { try unsafe addAttribute(full.attributes[index]) }
    }

    /// ONNX's own domain has two spellings.
    private static func domain(_ given: UnsafePointer<CChar>?) -> String {
        let domain = unsafe given.map { unsafe String(cString: $0) } ?? ""
        return domain == "ai.onnx" ? "" : domain
    }

    private func count(
        _ count: UInt32, _ isThere: Bool, _ code: DeviceError.Code
    ) throws(DeviceError) -> Int {
        guard count <= DescribedCall.operandLimit, count == 0 || isThere else {
            throw failure(code, "\(qualifiedName) is described with \(count) operands that are not there.")
        }
        return Int(count)
    }

    private func failure(_ code: DeviceError.Code, _ text: String) -> DeviceError {
        DeviceError(code, operation: "operator_prepare", text: text, node: node, operatorName: name)
    }
}

// Tensors.
extension DescribedCall {
    private func input(
        _ index: Int, _ given: UnsafePointer<heng_tensor_description>?
    ) throws(DeviceError) -> Input {
        guard let given = unsafe given else { return .omitted }
        let (type, constant) = try unsafe tensor(given, "Input \(index)")
        if let constant { return .constant(constant) }
        let name = unsafe StructCrossing.read(given, zero: heng_tensor_description())?.name
        return .varying(type, name: unsafe name.map { unsafe String(cString: $0) })
    }

    /// The type of a described tensor, and its value where it has one.
    private func tensor(
        _ given: UnsafePointer<heng_tensor_description>, _ what: String
    ) throws(DeviceError) -> (TensorType, HostTensor?) {
        guard let full = unsafe StructCrossing.read(given, zero: heng_tensor_description()) else {
            throw failure(.version, "\(what) of \(qualifiedName) has no struct_size.")
        }
        guard let element = unsafe ElementType(rawValue: full.type) else {
            throw failure(
                .dataType, "\(what) of \(qualifiedName) has the element type \(unsafe full.type).")
        }
        let type = TensorType(element, try unsafe shape(full, what))
        guard unsafe full.strides == nil || isDense(full, type.shape) else {
            throw failure(.format, "\(what) of \(qualifiedName) has gaps between its elements.")
        }
        guard let bytes = unsafe full.constant else { return (type, nil) }
        guard unsafe full.constant_size == UInt64(type.byteCount), element != .string else {
            throw failure(
                .operatorInput,
                "\(what) of \(qualifiedName) is \(type) with \(unsafe full.constant_size) bytes of value.")
        }
        var tensor = HostTensor(zeros: type)
        unsafe tensor.withMutableBytes {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: type.byteCount))
        }
        return (type, tensor)
    }

    private func shape(_ full: heng_tensor_description, _ what: String) throws(DeviceError) -> Shape {
        let rank = unsafe full.rank
        guard rank <= HENG_RANK_LIMIT else {
            throw failure(
                rank == HENG_RANK_UNKNOWN ? .operatorStaticOnly : .operatorInput,
                "\(what) of \(qualifiedName) has "
                    + (rank == HENG_RANK_UNKNOWN ? "an unknown rank." : "\(rank) axes."))
        }
        guard unsafe rank == 0 || full.dims != nil else {
            throw failure(.operatorInput, "\(what) of \(qualifiedName) has \(rank) axes without extents.")
        }
        let extents = (0..<Int(rank)).map { unsafe full.dims[$0] }
        guard !extents.contains(Int64(HENG_DIM_UNKNOWN)) else {
            throw failure(
                .operatorStaticOnly, "\(what) of \(qualifiedName) has an extent that is not known.")
        }
        do { return try Shape(checking: extents.map(Int.init)) } catch {
            throw failure(.operatorInput, "\(what) of \(qualifiedName): \(error.summary)")
        }
    }

    private func isDense(_ full: heng_tensor_description, _ shape: Shape) -> Bool {
        zip(shape.strides, shape.extents).enumerated().allSatisfy { axis, pair in
            unsafe pair.1 <= 1 || Int(full.strides[axis]) == pair.0
        }
    }
}

// Attributes.
extension DescribedCall {
    private mutating func addAttribute(
        _ given: UnsafePointer<heng_attribute>?
    ) throws(DeviceError) {
        guard let full = unsafe StructCrossing.read(given, zero: heng_attribute()),
            let name = unsafe full.name.map({ unsafe String(cString: $0) })
        else {
            throw failure(.operatorAttribute, "An attribute of \(qualifiedName) is null or has no name.")
        }
        guard let value = try unsafe attribute(full) else {
            throw failure(
                .operatorAttribute,
                "The attribute \(name) of \(qualifiedName) has the kind \(unsafe full.kind) and no value.")
        }
        attributes[name] = value
    }

    private func attribute(_ full: heng_attribute) throws(DeviceError) -> Attribute? {
        let count = unsafe Int(clamping: full.count)
        guard count <= 1 << 32 else { return nil }
        guard let data = unsafe full.data else {
            // Empty lists and strings need no address.
            guard count == 0 else { return nil }
            return unsafe emptyAttribute(Int(full.kind))
        }
        switch unsafe Int(full.kind) {
        case HENG_ATTRIBUTE_INT: return unsafe .int(Int(data.loadUnaligned(as: Int64.self)))
        case HENG_ATTRIBUTE_FLOAT: return unsafe .float(data.loadUnaligned(as: Double.self))
        case HENG_ATTRIBUTE_STRING:
            return unsafe .string(
                String(decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self))
        case HENG_ATTRIBUTE_INTS: return unsafe .ints(list(data, count, of: Int64.self).map(Int.init))
        case HENG_ATTRIBUTE_FLOATS: return unsafe .floats(list(data, count, of: Double.self))
        case HENG_ATTRIBUTE_STRINGS:
            let texts = unsafe list(data, count, of: UnsafePointer<CChar>?.self)
            return unsafe .strings(texts.map { unsafe $0.map { unsafe String(cString: $0) } ?? "" })
        case HENG_ATTRIBUTE_TENSOR:
            let tensor = try unsafe tensor(
                data.assumingMemoryBound(to: heng_tensor_description.self), "A tensor attribute")
            return tensor.1.map(Attribute.tensor)
        default: return nil
        }
    }

    private func emptyAttribute(_ kind: Int) -> Attribute? {
        switch kind {
        case HENG_ATTRIBUTE_STRING: .string("")
        case HENG_ATTRIBUTE_INTS: .ints([])
        case HENG_ATTRIBUTE_FLOATS: .floats([])
        case HENG_ATTRIBUTE_STRINGS: .strings([])
        default: nil
        }
    }

    private func list<Element: BitwiseCopyable>(
        _ data: UnsafeRawPointer, _ count: Int, of type: Element.Type
    ) -> [Element] {
        (0..<count).map {
            unsafe data.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.stride, as: type)
        }
    }
}
