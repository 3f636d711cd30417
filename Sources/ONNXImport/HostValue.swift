package import ComputeGraph

/// A value that a model takes or gives, in host memory.
package indirect enum HostValue: Sendable {
    case tensor(HostTensor)
    case sequence([HostValue], of: ValueType)
    case optional(HostValue?, of: ValueType)
    case map(HostMap)

    /// Its type with every extent known.
    package var type: ValueType {
        switch self {
        case .tensor(let tensor): .tensor(tensor.type.element, shape: tensor.type.shape.extents.map { $0 })
        case .sequence(_, let element): .sequence(of: element)
        case .optional(_, let element): .optional(of: element)
        case .map(let map):
            .map(
                key: map.keys.type.element,
                value: .tensor(map.values.first?.type.element ?? .float32, shape: nil))
        }
    }
}

extension GraphBuilder {
    /// Makes a given value one that nodes can read.
    mutating func input(_ name: String, given value: HostValue, asConstant: Bool = false) -> GraphValue {
        switch value {
        case .tensor(let tensor):
            .tensor(asConstant ? constant(name, tensor) : input(name, given: tensor))
        case .sequence(let elements, let type):
            .sequence(
                elements.enumerated().map {
                    input("\(name)[\($0.offset)]", given: $0.element, asConstant: asConstant)
                }, of: type)
        case .optional(let element, let type):
            .optional(element.map { input(name, given: $0, asConstant: asConstant) }, of: type)
        case .map(let map): .map(map)
        }
    }

    /// The values of a model's outputs at the end of its run.
    mutating func hostValues(_ values: [GraphValue]) throws -> [HostValue] {
        let ids = values.flatMap(\.tensors)
        let tensors = Dictionary(zip(ids, try tensors(ids)), uniquingKeysWith: { first, _ in first })
        return values.map { $0.hostValue(tensors) }
    }
}

extension GraphValue {
    /// All tensors in it.
    var tensors: [ValueID] {
        switch self {
        case .tensor(let id): [id]
        case .sequence(let elements, _): elements.flatMap(\.tensors)
        case .optional(let element, _): element?.tensors ?? []
        case .map: []
        }
    }

    fileprivate func hostValue(_ tensors: [ValueID: HostTensor]) -> HostValue {
        switch self {
        case .tensor(let id):
            guard let tensor = tensors[id] else { preconditionFailure("a tensor was not computed") }
            return .tensor(tensor)
        case .sequence(let elements, let type):
            return .sequence(elements.map { $0.hostValue(tensors) }, of: type)
        case .optional(let element, let type):
            return .optional(element.map { $0.hostValue(tensors) }, of: type)
        case .map(let map): return .map(map)
        }
    }
}
