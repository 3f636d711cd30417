internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import FoundationEssentials
internal import ModelRunning
internal import ONNXFormat
internal import ONNXImport
internal import SwiftProtobuf

/// A graph that callers change node by node, kept in the form of an ONNX file.
///
/// So it is written as it is, and compiled on the way that files take. Nodes come in an order in which each can run
/// after those before it; a removed node leaves its number unused.
final class LibraryGraph {
    struct Value {
        var name: String
        var element: ElementType?
        /// Nil where the rank is not known; a nil extent is open.
        var shape: [Int?]?
        var constant: ProtoTensor?
        var isInput = false

        var type: TensorType? {
            guard let element, let shape, !shape.contains(nil) else { return nil }
            return (try? Shape(checking: shape.compactMap { $0 })).map { TensorType(element, $0) }
        }
    }

    var values: [Value] = []
    var nodes: [ProtoNode?] = []
    var outputs: [Int] = []
    /// The operator sets by domain; ONNX's own is "".
    var versions: [String: Int64] = [:]
    var functions: [ProtoFunction] = []
    var formatVersion: Int64 = 13
    /// Counts the changes, so that a model tells whether it is of the graph as it is now.
    private(set) var change = 0
    /// What the latest answers point to.
    private(set) var texts = TensorTexts()

    private var numbers: [String: Int] = [:]

    init() {}

    init(copying other: LibraryGraph) {
        values = other.values
        nodes = other.nodes
        outputs = other.outputs
        versions = other.versions
        functions = other.functions
        formatVersion = other.formatVersion
        numbers = other.numbers
    }

    func noteChange() {
        change += 1
        texts = TensorTexts()
    }

    func number(of name: String) -> Int? { numbers[name] }

    /// Adds a value, under a name of its own where none is given.
    func add(_ value: Value, _ operation: StaticString) throws -> Int {
        var value = value
        if value.name.isEmpty { value.name = freshName("value_\(values.count)") }
        guard numbers[value.name] == nil else {
            throw failure(.graph, "\(operation)", "Two values are named \(value.name).")
        }
        numbers[value.name] = values.count
        values.append(value)
        return values.count - 1
    }

    func freshName(_ start: String) -> String {
        var (name, count) = (start, 0)
        while numbers[name] != nil {
            count += 1
            name = "\(start)_\(count)"
        }
        return name
    }

    /// Takes back the values from a number on, where a node could not be added.
    func dropValues(from first: Int) {
        for value in values[first...] { numbers[value.name] = nil }
        values.removeSubrange(first...)
    }

    func node(_ number: UInt32, _ operation: StaticString) throws -> ProtoNode {
        guard nodes.indices.contains(Int(number)), let node = nodes[Int(number)] else {
            throw failure(.outOfRange, "\(operation)", "There is no node \(number).")
        }
        return node
    }

    /// Whether anything reads the value.
    func isRead(_ name: String) -> Bool {
        nodes.contains { $0?.input.contains(name) ?? false } || outputs.contains { values[$0].name == name }
    }
}

// The way to a file and back.
extension LibraryGraph {
    var proto: ProtoModel {
        var model = ProtoModel()
        model.irVersion = formatVersion
        model.producerName = "heng"
        model.producerVersion = LibraryServices.version
        model.functions = functions
        var versions = versions
        if versions[""] == nil { versions[""] = LibraryGraph.newestVersion }
        model.opsetImport = versions.sorted { $0.key < $1.key }.map { domain, version in
            var set = ProtoOperatorSet()
            set.domain = domain
            set.version = version
            return set
        }
        model.graph.name = "graph"
        model.graph.node = nodes.compactMap { $0 }
        model.graph.initializer = values.compactMap(\.constant)
        model.graph.input = values.filter(\.isInput).map(ProtoValueInfo.init)
        model.graph.output = outputs.map { ProtoValueInfo(values[$0]) }
        return model
    }

    var bytes: [UInt8] {
        get throws { try proto.serializedBytes() }
    }

    static let newestVersion: Int64 = 27

    convenience init(reading bytes: [UInt8]) throws {
        // Reading it as a model checks all of it.
        let model = try ONNXModel(bytes, registry: ModelSetup.allOperators, limits: ModelRequest.limits)
        let proto = try ProtoModel(serializedBytes: bytes)
        self.init()
        formatVersion = proto.irVersion
        functions = proto.functions
        versions = Dictionary(
            proto.opsetImport.map { ($0.domain == "ai.onnx" ? "" : $0.domain, $0.version) },
            uniquingKeysWith: { $1 })
        for tensor in proto.graph.initializer {
            let element = ElementType(rawValue: tensor.dataType)
            _ = try add(
                Value(
                    name: tensor.name, element: element, shape: tensor.dims.map { Int($0) }, constant: tensor),
                "graph_read")
        }
        for input in model.inputs where !model.optionalInputs.contains(input.name) {
            guard case .tensor(let element, let shape) = input.type else {
                throw failure(
                    .graph, "graph_read", "The input \(input.name) is not a tensor, and graphs hold tensors.")
            }
            _ = try add(
                Value(name: input.name, element: element, shape: shape, isInput: true), "graph_read")
        }
        for (index, node) in proto.graph.node.enumerated() { try append(node, index) }
        outputs = try proto.graph.output.map { output in
            guard let number = number(of: output.name) else {
                throw failure(.graph, "graph_read", "No node makes the output \(output.name).")
            }
            return number
        }
    }

    private func append(_ node: ProtoNode, _ index: Int) throws {
        var node = node
        if node.name.isEmpty { node.name = "\(node.opType)_\(index)" }
        // In a file each node reads what stands before it, which also excludes circles.
        if let missing = node.input.first(where: { !$0.isEmpty && number(of: $0) == nil }) {
            throw failure(
                .graph, "graph_read", "The node \(node.name) reads \(missing), which nothing before it makes."
            )
        }
        nodes.append(node)
        let types = (try? inferredTypes(of: node)) ?? nil
        for (place, name) in node.output.enumerated() where !name.isEmpty {
            let type = types.flatMap { $0.indices.contains(place) ? $0[place] : nil }
            _ = try add(
                Value(name: name, element: type?.element, shape: type?.shape.extents), "graph_read")
        }
    }
}

extension ProtoValueInfo {
    init(_ value: LibraryGraph.Value) {
        self.init()
        name = value.name
        guard let element = value.element else { return }
        type.tensorType.elemType = element.rawValue
        guard let shape = value.shape else { return }
        type.tensorType.shape.dim = shape.map { extent in
            var dimension = ProtoDimension()
            if let extent { dimension.dimValue = Int64(extent) }
            return dimension
        }
    }
}
