internal import ComputeGraph
internal import FoundationEssentials
internal import ONNXFormat

/// Turns tensors of the file format into tensors in memory.
///
/// A tensor says its elements as raw little-endian bytes, in a typed list, or as a place in another file. Elements of
/// 2 and 4 bits are packed, the first in the lowest bits.
struct TensorDecoder {
    /// nil where files beside the model may not be read.
    var externalData: ExternalData?
    var memoryLimit: Int

    func tensor(_ proto: ProtoTensor) throws -> HostTensor {
        let name = proto.name.isEmpty ? "A tensor" : "The tensor \(proto.name)"
        guard let element = ElementType(rawValue: proto.dataType) else {
            throw ONNXError.malformed(what: name, reason: "\(proto.dataType) is no element type")
        }
        let type = try self.type(element, proto.dims, name)
        if proto.dataLocation == 1 {
            guard let externalData else {
                throw ONNXError.externalData(tensor: proto.name, reason: "files beside this one are not read")
            }
            return try externalData.tensor(proto, type)
        }
        if element == .string { return try strings(proto, type, name) }
        if proto.hasRawData {
            return try unsafe proto.rawData.withUnsafeBytes { try unsafe decoded($0, type, name) }
        }
        return try listed(proto, type, name)
    }

    /// The dense form of a tensor given by its elements that are not zero.
    func tensor(_ proto: ProtoSparseTensor) throws -> HostTensor {
        let name = proto.values.name.isEmpty ? "A sparse tensor" : "The sparse tensor \(proto.values.name)"
        let (values, indices) = (try tensor(proto.values), try tensor(proto.indices))
        let type = try type(values.type.element, proto.dims, name)
        let count = values.type.shape.count
        let rank = type.shape.rank
        let isFlat = indices.type.shape.rank == 1
        guard indices.type.element == .int64, indices.type.shape == (isFlat ? [count] : [count, rank]) else {
            throw ONNXError.malformed(what: name, reason: "\(indices.type) cannot place \(count) elements")
        }
        var sources: [Int: Int] = [:]
        let places = indices.integers
        for index in 0..<count {
            let coordinates = isFlat ? [places[index]] : Array(places[index * rank..<(index + 1) * rank])
            let extents = isFlat ? [type.shape.count] : type.shape.extents
            var flat = 0
            for (coordinate, extent) in zip(coordinates, extents) {
                guard coordinate >= 0, coordinate < extent else {
                    throw ONNXError.malformed(what: name, reason: "an element lies outside \(type)")
                }
                flat = flat * extent + Int(coordinate)
            }
            sources[flat] = index
        }
        return values.moved(to: type) { sources[$0] }
    }

    private func type(_ element: ElementType, _ dims: [Int64], _ name: String) throws -> TensorType {
        let type = TensorType(element, try Shape(checking: dims.map { Int($0) }))
        guard type.byteCount <= memoryLimit, type.shape.count <= memoryLimit else {
            throw GraphError.tooLarge(name: name, type: type, limit: memoryLimit)
        }
        return type
    }

    private func strings(_ proto: ProtoTensor, _ type: TensorType, _ name: String) throws -> HostTensor {
        try require(proto.stringData.count, type.shape.count, "strings", name)
        return HostTensor(type, strings: proto.stringData.map { String(decoding: $0, as: UTF8.self) })
    }

    /// Elements from raw bytes.
    func decoded(_ bytes: UnsafeRawBufferPointer, _ type: TensorType, _ name: String) throws -> HostTensor {
        let bits = type.element.bitWidth
        try require(bytes.count, (type.shape.count * bits + 7) / 8, "bytes", name)
        if bits < 8 { return unpacked(unsafe [UInt8](bytes), type) }
        var tensor = HostTensor(zeros: type)
        unsafe tensor.withMutableBytes { target in unsafe target.copyMemory(from: bytes) }
        return tensor
    }

    private func unpacked(_ bytes: [UInt8], _ type: TensorType) -> HostTensor {
        let bits = type.element.bitWidth
        let perByte = 8 / bits
        let isSigned = type.element.kind == .signed
        var tensor = HostTensor(zeros: type)
        tensor.withMutableElements(UInt8.self) { elements in
            for index in 0..<elements.count {
                let raw = bytes[index / perByte] >> UInt8(index % perByte * bits) & UInt8(1 << bits - 1)
                elements[index] =
                    isSigned
                    ? UInt8(bitPattern: Int8(bitPattern: raw << UInt8(8 - bits)) >> Int8(8 - bits)) : raw
            }
        }
        return tensor
    }

    private func listed(_ proto: ProtoTensor, _ type: TensorType, _ name: String) throws -> HostTensor {
        switch type.element {
        case .float32: return try filled(type, proto.floatData, name)
        case .complex64: return try filled(type, proto.floatData, perElement: 2, name)
        case .float64: return try filled(type, proto.doubleData, name)
        case .complex128: return try filled(type, proto.doubleData, perElement: 2, name)
        case .int64: return try filled(type, proto.int64Data, name)
        case .uint64: return try filled(type, proto.uint64Data, name)
        case .uint32: return try filled(type, proto.uint64Data.map { UInt32(truncatingIfNeeded: $0) }, name)
        case .int32: return try filled(type, proto.int32Data, name)
        case .int16, .uint16, .float16, .bfloat16:
            return try filled(type, proto.int32Data.map { UInt16(truncatingIfNeeded: $0) }, name)
        case .bool: return try filled(type, proto.int32Data.map { $0 == 0 ? UInt8(0) : 1 }, name)
        case .int8, .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0:
            return try filled(type, proto.int32Data.map { UInt8(truncatingIfNeeded: $0) }, name)
        case .int4, .uint4, .int2, .uint2, .float4e2m1:
            let bytes = proto.int32Data.map { UInt8(truncatingIfNeeded: $0) }
            return try unsafe bytes.withUnsafeBytes { try unsafe decoded($0, type, name) }
        case .string: preconditionFailure("strings have their own list")
        }
    }

    private func filled<Element: BitwiseCopyable>(
        _ type: TensorType, _ elements: [Element], perElement: Int = 1, _ name: String
    ) throws -> HostTensor {
        try require(elements.count, type.shape.count * perElement, "numbers", name)
        var tensor = HostTensor(zeros: type)
        unsafe tensor.withMutableBytes { target in
            unsafe elements.withUnsafeBytes { source in unsafe target.copyMemory(from: source) }
        }
        return tensor
    }

    private func require(_ given: Int, _ wanted: Int, _ what: String, _ name: String) throws {
        guard given == wanted else {
            throw ONNXError.malformed(
                what: name, reason: "its shape wants \(wanted) \(what), and there are \(given)")
        }
    }
}
