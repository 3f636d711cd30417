internal import ComputeGraph
internal import ONNXFormat

/// Turns the messages of the file format into our own values, once, when a model is read.
struct ModelDecoder {
    let tensors: TensorDecoder

    func graph(_ proto: ProtoGraph) throws -> ModelGraph {
        var initializers = try proto.initializer.map { (name: $0.name, tensor: try tensors.tensor($0)) }
        initializers += try proto.sparseInitializer.map {
            (name: $0.values.name, tensor: try tensors.tensor($0))
        }
        return ModelGraph(
            name: proto.name, nodes: try nodes(proto.node), inputs: try proto.input.map(value),
            outputs: try proto.output.map(value), inner: try proto.valueInfo.map(value),
            initializers: initializers)
    }

    func function(_ proto: ProtoFunction) throws -> ModelFunction {
        var attributes: [String: ModelAttribute] = [:]
        for attribute in proto.attributeProto { attributes[attribute.name] = try self.attribute(attribute) }
        return ModelFunction(
            inputs: proto.input, outputs: proto.output, attributes: attributes, nodes: try nodes(proto.node),
            versions: OperatorSets(proto.opsetImport.map { ($0.domain, Int($0.version)) }))
    }

    private func nodes(_ protos: [ProtoNode]) throws -> [ModelNode] {
        try protos.enumerated().map { place, proto in
            var attributes: [String: ModelAttribute] = [:]
            let name = proto.name.isEmpty ? "\(proto.opType)_\(place)" : proto.name
            for attribute in proto.attribute {
                guard attributes[attribute.name] == nil else {
                    throw ONNXError.node(
                        name: name, operatorName: proto.opType,
                        reason: "\(proto.opType): the attribute \(attribute.name) is given twice.")
                }
                attributes[attribute.name] = try self.attribute(attribute)
            }
            return ModelNode(
                name: name, operatorName: proto.opType, domain: OperatorSets.canonical(proto.domain),
                overload: proto.overload, inputs: proto.input, outputs: proto.output, attributes: attributes)
        }
    }

    private func attribute(_ proto: ProtoAttribute) throws -> ModelAttribute {
        if !proto.refAttrName.isEmpty { return .reference(proto.refAttrName) }
        return switch AttributeKind(rawValue: proto.type) ?? presentKind(proto) {
        case .float: .known(.float(Double(proto.f)))
        case .int: .known(.int(Int(proto.i)))
        case .string: .known(.string(String(decoding: proto.s, as: UTF8.self)))
        case .tensor: .known(.tensor(try tensors.tensor(proto.t)))
        case .sparseTensor: .known(.tensor(try tensors.tensor(proto.sparseTensor)))
        case .graph: .graph(try graph(proto.g))
        case .floats: .known(.floats(proto.floats.map(Double.init)))
        case .ints: .known(.ints(proto.ints.map { Int($0) }))
        case .strings: .known(.strings(proto.strings.map { String(decoding: $0, as: UTF8.self) }))
        case .tensors: .known(.tensors(try proto.tensors.map(tensors.tensor)))
        case .graphs: .graphs(try proto.graphs.map(graph))
        case .type: .known(.type(try knownType(proto.tp)))
        }
    }

    /// The oldest files do not say the kind.
    private func presentKind(_ proto: ProtoAttribute) -> AttributeKind {
        if proto.hasF { return .float }
        if proto.hasI { return .int }
        if proto.hasS { return .string }
        if proto.hasT { return .tensor }
        if proto.hasG { return .graph }
        if !proto.floats.isEmpty { return .floats }
        if !proto.strings.isEmpty { return .strings }
        if !proto.tensors.isEmpty { return .tensors }
        return .ints
    }

    func value(_ proto: ProtoValueInfo) throws -> ModelValue {
        let type = proto.hasType ? try valueType(proto.type, of: "The type of \(proto.name)") : nil
        var names: [Int: String] = [:]
        for (axis, dimension) in proto.type.tensorType.shape.dim.enumerated() where dimension.hasDimParam {
            names[axis] = dimension.dimParam
        }
        return ModelValue(name: proto.name, type: type, dimensionNames: names)
    }

    /// nil where the message says nothing; `what` names the place in errors.
    private func valueType(_ proto: ProtoTypeInfo, of what: String) throws -> ValueType? {
        if proto.hasTensorType { return try tensorType(proto.tensorType, of: what) }
        if proto.hasSparseTensorType { return try tensorType(proto.sparseTensorType, of: what) }
        if proto.hasSequenceType {
            return try valueType(proto.sequenceType.elemType, of: what).map { .sequence(of: $0) }
        }
        if proto.hasOptionalType {
            return try valueType(proto.optionalType.elemType, of: what).map { .optional(of: $0) }
        }
        if proto.hasMapType {
            let key = try elementType(proto.mapType.keyType, of: what)
            return try valueType(proto.mapType.valueType, of: what).map { .map(key: key, value: $0) }
        }
        return nil
    }

    private func knownType(_ proto: ProtoTypeInfo) throws -> ValueType {
        let what = "A type in an attribute"
        guard let type = try valueType(proto, of: what) else {
            throw ONNXError.malformed(what: what, reason: "it is empty")
        }
        return type
    }

    private func tensorType(_ proto: ProtoTensorTypeInfo, of what: String) throws -> ValueType? {
        if proto.elemType == 0 { return nil }
        let element = try elementType(proto.elemType, of: what)
        guard proto.hasShape else { return .tensor(element, shape: nil) }
        guard proto.shape.dim.count <= ModelLimits.rank else {
            throw ONNXError.malformed(
                what: what,
                reason: "it has \(proto.shape.dim.count) axes, and there are at most \(ModelLimits.rank)")
        }
        let extents: [Int?] = try proto.shape.dim.map { dimension in
            guard dimension.hasDimValue else { return nil }
            guard dimension.dimValue >= 0 else {
                throw ONNXError.malformed(what: what, reason: "its shape holds \(dimension.dimValue)")
            }
            return Int(dimension.dimValue)
        }
        guard (try? Shape(checking: extents.compactMap { $0 })) != nil else {
            throw ONNXError.malformed(
                what: what, reason: "its shape has more than \(Shape.maximalCount) elements")
        }
        return .tensor(element, shape: extents)
    }

    private func elementType(_ number: Int32, of what: String) throws -> ElementType {
        guard let element = ElementType(rawValue: number) else {
            throw ONNXError.malformed(what: what, reason: "\(number) is no element type")
        }
        return element
    }
}

/// The numbers by which the format names the kinds of attributes.
private enum AttributeKind: Int32 {
    case float = 1
    case int = 2
    case string = 3
    case tensor = 4
    case graph = 5
    case floats = 6
    case ints = 7
    case strings = 8
    case tensors = 9
    case graphs = 10
    case sparseTensor = 11
    case type = 13
}
