/// What an operator call is given beside its inputs.
package enum Attribute: Sendable {
    case int(Int)
    case float(Double)
    case string(String)
    case tensor(HostTensor)
    case graph(any Subgraph)
    case type(ValueType)
    case ints([Int])
    case floats([Double])
    case strings([String])
    case tensors([HostTensor])
    case graphs([any Subgraph])

    /// The kind in words, with its article.
    package var kind: String {
        switch self {
        case .int: "an integer"
        case .float: "a float"
        case .string: "a string"
        case .tensor: "a tensor"
        case .graph: "a graph"
        case .type: "a type"
        case .ints: "a list of integers"
        case .floats: "a list of floats"
        case .strings: "a list of strings"
        case .tensors: "a list of tensors"
        case .graphs: "a list of graphs"
        }
    }
}
