package import ComputeGraph

/// A model as its file tells it, checked for form: names and attributes, tensors decoded.
struct ModelGraph: Sendable {
    var name: String
    var nodes: [ModelNode]
    var inputs: [ModelValue]
    var outputs: [ModelValue]
    /// What the file says of values between nodes.
    var inner: [ModelValue]
    var initializers: [(name: String, tensor: HostTensor)]
}

/// The name and declared type of a value; the type is nil where the file has none.
package struct ModelValue: Sendable {
    package var name: String
    package var type: ValueType?
    /// The names that the file gives to open extents, by axis.
    package var dimensionNames: [Int: String]
}

struct ModelNode: Sendable {
    var name: String
    var operatorName: String
    var domain: String
    var overload: String
    var inputs: [String]
    var outputs: [String]
    var attributes: [String: ModelAttribute]
}

indirect enum ModelAttribute: Sendable {
    case known(Attribute)
    case graph(ModelGraph)
    case graphs([ModelGraph])
    /// An attribute of the function around the node.
    case reference(String)
}

/// A function of the model's own, called like an operator.
struct ModelFunction: Sendable {
    var inputs: [String]
    var outputs: [String]
    var attributes: [String: ModelAttribute]
    var nodes: [ModelNode]
    var versions: OperatorSets
}

/// The version of each operator set that a model or function is written for, by domain.
struct OperatorSets: Sendable {
    private let versions: [String: Int]

    init(_ versions: [(domain: String, version: Int)]) {
        self.versions = Dictionary(
            versions.map { (Self.canonical($0.domain), $0.version) }, uniquingKeysWith: { max($0, $1) })
    }

    /// The default domain has two names.
    static func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

    /// The version; a domain that is not named counts as version 1, as the oldest files have it.
    subscript(domain: String) -> Int { versions[Self.canonical(domain)] ?? 1 }

    var sorted: [(domain: String, version: Int)] {
        versions.map { ($0.key, $0.value) }.sorted { $0.domain < $1.domain }
    }
}
