package import ComputeGraph
internal import Essentials
internal import FoundationEssentials
internal import ONNXFormat
internal import SwiftProtobuf

/// Writes a graph as an ONNX model.
///
/// Parameters and constants become initializers. The operator set is the oldest that has every call in the written
/// form, but not older than `minimalVersion`, so that most runtimes read the file.
package enum ONNXExport {
    /// The operator set of ONNX 1.16, which all runtimes in use read.
    package static let minimalVersion = 21
    /// The file's bytes.
    ///
    /// Throws where a node's operator is not one that model files have, as gradients and updates are.
    package static func bytes(
        of graph: Graph, named name: String = "graph", parameters: [String: HostTensor] = [:],
        outputNames: [String]? = nil
    ) throws -> [UInt8] {
        let graph = try graph.expandedForWriting()
        var writer = GraphWriter(
            graph: graph, names: UniqueNames(graph, outputNames), outputNames: outputNames)
        try writer.write(parameters)
        var model = ProtoModel()
        model.irVersion = formatVersion(of: writer.versions[""] ?? minimalVersion)
        model.producerName = "heng"
        model.graph = writer.proto
        model.graph.name = name
        model.opsetImport = writer.versions.sorted { $0.key < $1.key }.map { domain, version in
            var set = ProtoOperatorSet()
            set.domain = domain
            set.version = Int64(version)
            return set
        }
        return try model.serializedBytes()
    }

    /// The format of the release that the operator set appeared in.
    private static func formatVersion(of version: Int) -> Int64 {
        switch version {
        case ...22: 10
        case 23: 11
        case 24: 12
        default: 13
        }
    }
}

extension ElementType {
    /// The first operator set whose operators take the type wherever they ever do.
    fileprivate var version: Int {
        switch self {
        case .bfloat16: 22
        case .float4e2m1: 23
        case .float8e8m0: 24
        case .int2, .uint2: 25
        default: ONNXExport.minimalVersion
        }
    }
}

/// A name for each value, no two the same.
private struct UniqueNames {
    private let names: [String]

    /// Outputs take the given names, as far as each is made by a node and named once.
    init(_ graph: Graph, _ outputNames: [String]?) {
        let made = Set(graph.nodes.flatMap(\.outputs))
        let chosen = zip(graph.outputs, outputNames ?? []).filter { made.contains($0.0) }
        let outputs = Dictionary(chosen, uniquingKeysWith: { first, _ in first })
        var seen = Set(outputNames ?? [])
        names = graph.values.enumerated().map { index, value in
            if let name = outputs[ValueID(index: index)] { return name }
            let name =
                value.name.isEmpty || !seen.insert(value.name).inserted
                ? "\(value.name)_v\(index)" : value.name
            seen.insert(name)
            return name
        }
    }

    subscript(value: ValueID) -> String { names[value.index] }
}

private struct GraphWriter {
    let graph: Graph
    let names: UniqueNames
    let outputNames: [String]?
    var proto = ProtoGraph()
    var versions: [String: Int] = ["": ONNXExport.minimalVersion]
    private var nodeNames: Set<String> = []

    init(graph: Graph, names: UniqueNames, outputNames: [String]?) {
        self.graph = graph
        self.names = names
        self.outputNames = outputNames
    }

    mutating func write(_ parameters: [String: HostTensor]) throws {
        proto.input = graph.inputs.map(valueInfo)
        for id in graph.parameters {
            guard let tensor = parameters[graph.name(of: id)] else {
                throw GraphError.missingParameter(name: graph.name(of: id))
            }
            proto.initializer.append(ProtoTensor(tensor, named: names[id]))
        }
        for (id, tensor) in graph.constants.sorted(by: { $0.key.index < $1.key.index }) {
            proto.initializer.append(ProtoTensor(tensor, named: names[id]))
        }
        versions[""] = graph.values.map(\.type.element.version).max() ?? ONNXExport.minimalVersion
        for node in graph.nodes { try write(node) }
        writeOutputs()
    }

    /// An output that no node makes, or that is named twice, gets a node of its own.
    private mutating func writeOutputs() {
        let made = Set(graph.nodes.flatMap(\.outputs))
        var listed: Set<ValueID> = []
        for (place, id) in graph.outputs.enumerated() {
            var info = valueInfo(id)
            if !made.contains(id) || !listed.insert(id).inserted {
                info.name = outputNames?[place] ?? "output_\(place)_of_\(names[id])"
                var node = ProtoNode()
                node.opType = "Identity"
                node.input = [names[id]]
                node.output = [info.name]
                proto.node.append(node)
            }
            proto.output.append(info)
        }
    }

    private mutating func write(_ node: Node) throws {
        let (inputs, outputs) = (node.inputs.map(graph.type(of:)), node.outputs.map(graph.type(of:)))
        guard let call = node.operator.written(inputs: inputs, outputs: outputs) else {
            throw GraphError.failed(
                "The node \(node.name) uses \(node.operator.name), which model files have no operator for.")
        }
        var proto = ProtoNode()
        // Runtimes refuse two nodes of one name.
        let name = "\(node.name)_\(names[node.outputs[0]])"
        proto.name = nodeNames.insert(node.name).inserted ? node.name : name
        nodeNames.insert(proto.name)
        proto.opType = call.name
        if call.domain != .onnx { proto.domain = call.domain.rawValue }
        versions[call.domain.rawValue] = max(versions[call.domain.rawValue] ?? 1, call.since)
        proto.input = call.inputs.enumerated().map { place, input in
            switch input {
            case .operand(let index): return names[node.inputs[index]]
            case .omitted: return ""
            case .constant(let tensor):
                let name = "\(names[node.outputs[0]])_input_\(place)"
                self.proto.initializer.append(ProtoTensor(tensor, named: name))
                return name
            }
        }
        while proto.input.last == "" { proto.input.removeLast() }
        let places = call.outputs ?? Array(node.outputs.indices)
        proto.output = places.map { place in place.map { names[node.outputs[$0]] } ?? "" }
        proto.attribute = try call.attributes.sorted { $0.key < $1.key }.map(ProtoAttribute.init)
        self.proto.node.append(proto)
    }

    private func valueInfo(_ id: ValueID) -> ProtoValueInfo {
        let type = graph.type(of: id)
        var info = ProtoValueInfo()
        info.name = names[id]
        info.type.tensorType.elemType = type.element.rawValue
        info.type.tensorType.shape = ProtoTensorShape()
        info.type.tensorType.shape.dim = type.shape.extents.map { extent in
            var dimension = ProtoDimension()
            dimension.dimValue = Int64(extent)
            return dimension
        }
        return info
    }
}

extension ProtoAttribute {
    fileprivate init(_ name: String, _ attribute: Attribute) throws {
        self.init()
        self.name = name
        switch attribute {
        case .float(let value): (type, f) = (1, Float(value))
        case .int(let value): (type, i) = (2, Int64(value))
        case .string(let value): (type, s) = (3, Data(value.utf8))
        case .tensor(let value): (type, t) = (4, ProtoTensor(value))
        case .floats(let values): (type, floats) = (6, values.map { Float($0) })
        case .ints(let values): (type, ints) = (7, values.map(Int64.init))
        case .strings(let values): (type, strings) = (8, values.map { Data($0.utf8) })
        case .tensors(let values): (type, tensors) = (9, values.map { ProtoTensor($0) })
        case .graph, .graphs, .type:
            throw GraphError.failed("The attribute \(name) is \(attribute.kind), which is not written.")
        }
    }
}
