/// What a name in a model stands for while its graph is built.
///
/// A graph has only tensors. Sequences and optionals of tensors live here and cost nothing at run time; maps hold
/// known values.
package indirect enum GraphValue: Sendable {
    case tensor(ValueID)
    case sequence([GraphValue], of: ValueType)
    case optional(GraphValue?, of: ValueType)
    case map(HostMap)

    /// The kind in words, with its article.
    package var kind: String {
        switch self {
        case .tensor: "a tensor"
        case .sequence: "a sequence"
        case .optional: "an optional"
        case .map: "a map"
        }
    }
}

/// The type of a value in a model, as far as it is said.
package indirect enum ValueType: Hashable, Sendable {
    /// The shape is nil where even the number of axes is open, and an extent is nil where it is.
    case tensor(ElementType, shape: [Int?]?)
    case sequence(of: ValueType)
    case optional(of: ValueType)
    case map(key: ElementType, value: ValueType)
}

/// A map from integers or strings to numbers, strings or tensors, in the order of a file.
package struct HostMap: Sendable {
    /// One axis of int64 or strings, without repetition.
    package var keys: HostTensor
    package var values: [HostTensor]

    package init(keys: HostTensor, values: [HostTensor]) {
        precondition(keys.type.shape.count == values.count, "a map has one value for each key")
        self.keys = keys
        self.values = values
    }
}

/// A graph inside an attribute, ready to be built into the graph around it any number of times.
///
/// Names that it takes from outside are bound already.
package protocol Subgraph: Sendable {
    var inputCount: Int { get }
    var outputCount: Int { get }
    /// The declared types of the inputs and outputs, nil where there is none.
    var inputTypes: [ValueType?] { get }
    var outputTypes: [ValueType?] { get }

    /// Adds the subgraph's nodes and returns its outputs.
    func build(inputs: [GraphValue], in graph: inout GraphBuilder) throws -> [GraphValue]
}
