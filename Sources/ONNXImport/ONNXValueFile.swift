package import ComputeGraph
internal import ONNXFormat
internal import Results
internal import SwiftProtobuf

/// Files that hold one value: a tensor, a sequence or an optional, as ONNX's test data has them.
package enum ONNXValueFile {
    /// Reads a value of a type that is known from elsewhere, because the file does not tell its kind.
    package static func read(_ path: String, as type: ValueType) throws -> HostValue {
        try decoded(try DurableFile.read(path), as: type, named: path)
    }

    /// Reads a value from the bytes of such a file.
    package static func decoded(
        _ bytes: [UInt8], as type: ValueType, named name: String, limit: Int = 1 << 36
    ) throws -> HostValue {
        let decoder = TensorDecoder(externalData: nil, budget: ByteBudget(limit))
        do {
            switch type {
            case .tensor: return .tensor(try decoder.tensor(try ProtoTensor(serializedBytes: bytes)))
            case .sequence(let element):
                return try decoder.sequence(try ProtoSequenceValue(serializedBytes: bytes), of: element)
            case .optional(let element):
                return try decoder.optional(try ProtoOptionalValue(serializedBytes: bytes), of: element)
            case .map: return .map(try decoder.map(try ProtoMapValue(serializedBytes: bytes)))
            }
        } catch is BinaryDecodingError {
            throw ONNXError.malformed(what: name, reason: "its bytes are no \(type)")
        }
    }

    /// The bytes of a file that holds the value.
    package static func bytes(of value: HostValue, named name: String = "") throws -> [UInt8] {
        switch value {
        case .tensor(let tensor): try ProtoTensor(tensor, named: name).serializedBytes()
        case .sequence(let values, _): try ProtoSequenceValue(values, named: name).serializedBytes()
        case .optional(let value, let type):
            try ProtoOptionalValue(value, of: type, named: name).serializedBytes()
        case .map(let map): try ProtoMapValue(map, named: name).serializedBytes()
        }
    }
}

/// The numbers by which these files name the kind of what they hold.
private enum HeldKind: Int32 {
    case tensor = 1
    case sequence = 3
    case map = 4
    case optional = 5

    init(_ type: ValueType) {
        switch type {
        case .tensor: self = .tensor
        case .sequence: self = .sequence
        case .map: self = .map
        case .optional: self = .optional
        }
    }
}

extension ProtoSequenceValue {
    fileprivate init(_ values: [HostValue], named name: String) throws {
        self.init()
        self.name = name
        for value in values {
            elemType = HeldKind(value.type).rawValue
            switch value {
            case .tensor(let tensor): tensorValues.append(ProtoTensor(tensor))
            case .sequence(let inner, _): sequenceValues.append(try ProtoSequenceValue(inner, named: ""))
            case .optional(let inner, let type):
                optionalValues.append(try ProtoOptionalValue(inner, of: type, named: ""))
            case .map(let map): mapValues.append(try ProtoMapValue(map, named: ""))
            }
        }
    }
}

extension ProtoOptionalValue {
    fileprivate init(_ value: HostValue?, of type: ValueType, named name: String) throws {
        self.init()
        self.name = name
        elemType = HeldKind(type).rawValue
        switch value {
        case .tensor(let tensor): tensorValue = ProtoTensor(tensor)
        case .sequence(let values, _): sequenceValue = try ProtoSequenceValue(values, named: "")
        case .optional(let inner, let type):
            optionalValue = try ProtoOptionalValue(inner, of: type, named: "")
        case .map(let map): mapValue = try ProtoMapValue(map, named: "")
        case nil: break
        }
    }
}

extension ProtoMapValue {
    fileprivate init(_ map: HostMap, named name: String) throws {
        self.init()
        self.name = name
        keyType = map.keys.type.element.rawValue
        if map.keys.type.element == .string {
            stringKeys = ProtoTensor(map.keys).stringData
        } else {
            keys = map.keys.integers
        }
        values = try ProtoSequenceValue(map.values.map { .tensor($0) }, named: "")
    }
}

extension TensorDecoder {
    fileprivate func sequence(_ proto: ProtoSequenceValue, of type: ValueType) throws -> HostValue {
        var values: [HostValue] = try proto.tensorValues.map { .tensor(try tensor($0)) }
        if case .sequence(let element) = type {
            values += try proto.sequenceValues.map { try sequence($0, of: element) }
        }
        if case .optional(let element) = type {
            values += try proto.optionalValues.map { try optional($0, of: element) }
        }
        values += try proto.mapValues.map { .map(try map($0)) }
        return .sequence(values, of: type)
    }

    fileprivate func optional(_ proto: ProtoOptionalValue, of type: ValueType) throws -> HostValue {
        switch type {
        case .tensor where proto.hasTensorValue: .optional(.tensor(try tensor(proto.tensorValue)), of: type)
        case .sequence(let element) where proto.hasSequenceValue:
            .optional(try sequence(proto.sequenceValue, of: element), of: type)
        case .map where proto.hasMapValue: .optional(.map(try map(proto.mapValue)), of: type)
        case .optional(let element) where proto.hasOptionalValue:
            .optional(try optional(proto.optionalValue, of: element), of: type)
        default: .optional(nil, of: type)
        }
    }

    fileprivate func map(_ proto: ProtoMapValue) throws -> HostMap {
        let values = try proto.values.tensorValues.map(tensor)
        let keys: HostTensor
        if proto.stringKeys.isEmpty {
            keys = HostTensor(.int64(proto.keys.count), integers: proto.keys)
        } else {
            keys = HostTensor(
                TensorType(.string, [proto.stringKeys.count]),
                strings: proto.stringKeys.map { String(decoding: $0, as: UTF8.self) })
        }
        guard keys.type.shape.count == values.count else {
            throw ONNXError.malformed(
                what: "A map", reason: "\(keys.type.shape.count) keys have \(values.count) values")
        }
        return HostMap(keys: keys, values: values)
    }
}

extension ProtoModel {
    init(reading bytes: [UInt8], named name: String) throws {
        do {
            try self.init(serializedBytes: bytes)
        } catch is BinaryDecodingError {
            throw ONNXError.malformed(what: name, reason: "its bytes are not those of a model")
        }
    }
}
