internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// Reads the description of the C table into a value; nothing of it is pointed to afterwards.
enum UseReading {
    /// The most elements of a constant that are looked at: more never make a shape.
    private static let constantLimit = 4096

    static func read(
        _ pointer: UnsafePointer<heng_operator_description>?, on device: OpenCLDevice,
        _ operation: StaticString
    ) throws(DeviceError) -> Result<OperatorUse, Refusal> {
        guard let raw = unsafe StructCrossing.read(pointer, zero: heng_operator_description()),
            let name = unsafe raw.name
        else { throw invalid("\(operation)", "The description is null, too short, or has no name.") }
        guard unsafe raw.input_count == 0 || raw.inputs != nil,
            unsafe raw.output_count == 0 || raw.outputs != nil,
            unsafe raw.attribute_count == 0 || raw.attributes != nil, unsafe raw.input_count < 4096,
            unsafe raw.output_count < 4096, unsafe raw.attribute_count < 4096
        else { throw invalid("\(operation)", "The description's lists are null or too long.") }
        let operatorName = unsafe String(cString: name)
        if let domain = unsafe raw.domain, unsafe !["", "ai.onnx"].contains(String(cString: domain)) {
            return .failure(
                Refusal(
                    reason: HENG_REFUSAL_OPERATOR,
                    text: "The domain \(unsafe String(cString: domain)) is not offered."))
        }
        var use = OperatorUse(
            name: operatorName, version: unsafe Int(raw.version), determinism: unsafe Int(raw.determinism),
            accumulation: unsafe Int(raw.accumulation), inputs: [], outputs: [], wanted: [], attributes: [:],
            hasDouble: device.facts.hasDouble, isCPU: device.facts.isCPU)
        do throws(Refusal) {
            for index in unsafe 0..<Int(raw.input_count) {
                use.inputs.append(try unsafe tensor(raw.inputs[index], index, operatorName))
            }
            for index in unsafe 0..<Int(raw.output_count) {
                // The shapes of outputs may be unknown; then they are what we say.
                use.wanted.append(unsafe raw.outputs[index] != nil)
                use.outputs.append(try? unsafe tensor(raw.outputs[index], -1, operatorName))
            }
            for index in unsafe 0..<Int(raw.attribute_count) {
                guard let attribute = unsafe raw.attributes[index], let key = unsafe attribute.pointee.name
                else {
                    continue
                }
                unsafe use.attributes[String(cString: key)] = unsafe value(attribute.pointee)
            }
        } catch { return .failure(error) }
        // Optional inputs at the end may be given as missing.
        while let last = use.inputs.last, last == nil { use.inputs.removeLast() }
        return .success(use)
    }

    private static func tensor(
        _ pointer: UnsafePointer<heng_tensor_description>?, _ index: Int, _ name: String
    ) throws(Refusal) -> TensorFacts? {
        guard unsafe pointer != nil else { return nil }
        guard let raw = unsafe StructCrossing.read(pointer, zero: heng_tensor_description()) else {
            return nil
        }
        let rank = unsafe raw.rank
        func refusal(_ reason: Int, _ text: String) -> Refusal {
            Refusal(reason: reason, argument: index, text: "\(name): \(text)")
        }
        guard rank != HENG_RANK_UNKNOWN else { throw refusal(HENG_REFUSAL_SHAPE, "the shape is not known.") }
        guard rank <= HENG_RANK_LIMIT, unsafe rank == 0 || raw.dims != nil else {
            throw refusal(HENG_REFUSAL_RANK, "a rank of \(rank) is too high.")
        }
        let dims = (0..<Int(rank)).map { unsafe Int(raw.dims[$0]) }
        guard dims.allSatisfy({ $0 >= 0 }) else {
            throw refusal(HENG_REFUSAL_SHAPE, "an extent is not known.")
        }
        var count = 1
        // Extents beyond this count together also with one of 0, so that no product of some of them can overflow.
        for dim in dims where dim > 0 {
            let (product, isTooLarge) = count.multipliedReportingOverflow(by: dim)
            guard !isTooLarge, product <= Int(Int32.max) else {
                throw refusal(HENG_REFUSAL_SIZE, "more than 2147483647 elements are not computed on.")
            }
            count = product
        }
        if let strides = unsafe raw.strides, unsafe !isDense(dims, strides) {
            throw refusal(HENG_REFUSAL_LAYOUT, "only row-major tensors without gaps are computed on.")
        }
        guard unsafe raw.quantization == nil else {
            throw refusal(HENG_REFUSAL_TYPE, "quantized tensors are not computed on.")
        }
        var facts = TensorFacts(type: unsafe raw.type, dims: dims)
        if let bytes = unsafe raw.constant, facts.count <= constantLimit,
            unsafe raw.constant_size >= UInt64(facts.bytes), facts.elementSize > 0
        {
            unsafe numbers(
                UnsafeRawBufferPointer(start: bytes, count: facts.bytes), into: &facts)
        }
        return facts
    }

    private static func isDense(_ dims: [Int], _ strides: UnsafePointer<Int64>) -> Bool {
        var expected = 1
        for axis in dims.indices.reversed() {
            if dims[axis] > 1, unsafe strides[axis] != Int64(expected) { return false }
            expected *= max(1, dims[axis])
        }
        return true
    }

    private static func numbers(_ bytes: UnsafeRawBufferPointer, into facts: inout TensorFacts) {
        func all<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
            (0..<facts.count).map {
                unsafe bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: type)
            }
        }
        switch facts.type {
        case 1: facts.reals = all(Float.self).map(Double.init)
        case 11: facts.reals = all(Double.self)
        case 10: facts.reals = all(UInt16.self).map { SmallFloats.half($0) }
        case 16: facts.reals = all(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case 2, 9: facts.integers = all(UInt8.self).map { Int($0) }
        case 3: facts.integers = all(Int8.self).map { Int($0) }
        case 4: facts.integers = all(UInt16.self).map { Int($0) }
        case 5: facts.integers = all(Int16.self).map { Int($0) }
        case 6: facts.integers = all(Int32.self).map { Int($0) }
        case 7: facts.integers = all(Int64.self).map { Int($0) }
        case 12: facts.integers = all(UInt32.self).map { Int($0) }
        case 13: facts.integers = all(UInt64.self).map { Int(clamping: $0) }
        default: break
        }
    }

    private static func value(_ raw: heng_attribute) -> OperatorUse.Attribute {
        guard let data = unsafe raw.data else { return unsafe raw.count == 0 ? .integers([]) : .other }
        let count = unsafe Int(clamping: raw.count)
        switch unsafe Int(raw.kind) {
        case HENG_ATTRIBUTE_INT: return unsafe .integers([Int(data.loadUnaligned(as: Int64.self))])
        case HENG_ATTRIBUTE_FLOAT: return unsafe .reals([data.loadUnaligned(as: Double.self)])
        case HENG_ATTRIBUTE_INTS:
            return .integers(
                (0..<count).map { unsafe Int(data.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) })
        case HENG_ATTRIBUTE_FLOATS:
            return .reals(
                (0..<count).map { unsafe data.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) })
        case HENG_ATTRIBUTE_STRING:
            return unsafe .text(
                String(decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self))
        default: return .other
        }
    }
}

/// Numbers of 16 bits, which Swift has no type for on all our machines.
enum SmallFloats {
    static func half(_ bits: UInt16) -> Double {
        let sign: Double = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10) & 31
        let fraction = Double(bits & 1023) / 1024
        switch exponent {
        case 0: return sign * fraction * 0x1p-14
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * (1 + fraction) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }
}
