package import ComputeGraph
internal import Essentials
internal import ONNXFormat
internal import Results

/// A model read from an ONNX file: it can be looked at, run, and made a `Graph` of known shapes.
package struct ONNXModel: Sendable {
    package let formatVersion: Int
    package let producer: String
    package private(set) var inputs: [ModelValue]
    package private(set) var outputs: [ModelValue]
    /// Inputs that need not be given, because the file holds a value for them.
    package let optionalInputs: Set<String>
    private var graph: ModelGraph
    private var context: BuildingContext
    private let limits: ModelLimits

    /// Reads a file, and the files beside it that it names.
    package init(
        contentsOf path: String, registry: ModelOperatorRegistry, limits: ModelLimits = ModelLimits()
    ) throws {
        let bytes = try DurableFile.read(path, limit: .bytes(Self.largestFile(limits)))
        try self.init(
            bytes, named: path, registry: registry, limits: limits,
            externalData: try ExternalData(besideModelAt: path))
    }

    /// Reads a model from memory; it may not name other files.
    package init(_ bytes: [UInt8], registry: ModelOperatorRegistry, limits: ModelLimits = ModelLimits())
        throws
    {
        try self.init(bytes, named: "The model", registry: registry, limits: limits, externalData: nil)
    }

    /// Its bytes are in memory three times while they are decoded; the format itself ends at 2 GiB.
    private static func largestFile(_ limits: ModelLimits) -> Int { min(limits.memory / 4, 1 << 31 - 1) }

    private init(
        _ bytes: [UInt8], named name: String, registry: ModelOperatorRegistry, limits: ModelLimits,
        externalData: ExternalData?
    ) throws {
        guard bytes.count <= Self.largestFile(limits) else {
            throw ONNXError.malformed(
                what: name,
                reason: "it has \(bytes.count) bytes, and at most \(Self.largestFile(limits)) are read")
        }
        let decodedSize = DecodedSize(of: bytes).bytes
        guard decodedSize <= limits.memory else {
            throw ONNXError.malformed(
                what: name, reason: "it would take \(decodedSize) bytes, and the limit is \(limits.memory)")
        }
        let proto = try ProtoModel(reading: bytes, named: name)
        guard proto.hasGraph else { throw ONNXError.malformed(what: name, reason: "it holds no graph") }
        let decoder = ModelDecoder(
            tensors: TensorDecoder(externalData: externalData, budget: ByteBudget(limits.memory)))
        graph = try decoder.graph(proto.graph)
        var functions: [BuildingContext.FunctionName: ModelFunction] = [:]
        for function in proto.functions {
            let key = BuildingContext.FunctionName(
                domain: OperatorSets.canonical(function.domain), name: function.name,
                overload: function.overload)
            functions[key] = try decoder.function(function)
        }
        context = BuildingContext(
            registry: registry, functions: functions,
            versions: OperatorSets(proto.opsetImport.map { ($0.domain, Int($0.version)) }))
        self.limits = limits
        formatVersion = Int(proto.irVersion)
        producer = [proto.producerName, proto.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
        let initialized = Set(graph.initializers.map(\.name))
        inputs = graph.inputs
        optionalInputs = initialized.intersection(graph.inputs.map(\.name))
        outputs = graph.outputs
    }

    /// The versions of the operator sets that the model is written for; the empty domain is ONNX's own.
    package var operatorSets: [(domain: String, version: Int)] { context.versions.sorted }
    /// The nodes of the outermost graph.
    package var nodeCount: Int { graph.nodes.count }
    package var initializers: [(name: String, tensor: HostTensor)] { graph.initializers }
}

extension ONNXModel {
    /// Runs the model once on values for its inputs, nil for those that the file has values for.
    ///
    /// The evaluator runs each part of the graph when its shapes are known. As constants the values are part of the
    /// model, and what depends on them only is computed while it is built.
    package func run(
        _ values: [HostValue?], asConstants: Bool = false, evaluator: any GraphEvaluator
    ) throws -> [HostValue] {
        guard values.count <= inputs.count else {
            throw ONNXError.wrongInput(
                name: "list", reason: "has \(values.count) values, and the model takes \(inputs.count)")
        }
        var builder = GraphBuilder(evaluator: evaluator, limits: limits)
        var given: [GraphValue?] = []
        for (index, input) in inputs.enumerated() {
            let value = index < values.count ? values[index] : nil
            if value == nil && !optionalInputs.contains(input.name) {
                throw ONNXError.wrongInput(name: input.name, reason: "is missing")
            }
            if let value { try check(value, for: input) }
            given.append(value.map { builder.input(input.name, given: $0, asConstant: asConstants) })
        }
        let results = try graph.build(inputs: given, names: [:], context: context, in: &builder)
        do {
            return try builder.hostValues(results)
        } catch let error as any ReportableError {
            throw ONNXError.failed(reason: error.summary)
        }
    }

    /// The model for inputs of the given types as one graph.
    ///
    /// The inputs in `values` become constants of it. Throws `GraphError.valueNeeded`, inside an error that names
    /// the node, where a shape depends on the values of others.
    package func graph(
        for types: [String: TensorType], holding values: [String: HostTensor] = [:]
    ) throws -> Graph {
        var builder = GraphBuilder(evaluator: nil, limits: limits)
        var given: [GraphValue?] = []
        for input in inputs {
            if let tensor = values[input.name] {
                try check(.tensor(tensor), for: input)
                given.append(.tensor(builder.constant(input.name, tensor)))
                continue
            }
            guard let type = types[input.name] else {
                if optionalInputs.contains(input.name) {
                    given.append(nil)
                    continue
                }
                throw ONNXError.wrongInput(name: input.name, reason: "has no type here")
            }
            given.append(.tensor(builder.input(input.name, type)))
        }
        let results = try graph.build(inputs: given, names: [:], context: context, in: &builder)
        return builder.build(outputs: results.flatMap(\.tensors))
    }

    /// The same model without any extent that it declares; ranks and element types are left.
    package var withOpenExtents: ONNXModel {
        var open = self
        open.inputs = inputs.map(\.withOpenExtents)
        open.outputs = outputs.map(\.withOpenExtents)
        open.graph = graph.withOpenExtents
        open.context.functions = context.functions.mapValues(\.withOpenExtents)
        return open
    }

    private func check(_ value: HostValue, for input: ModelValue) throws {
        guard let declared = input.type, !declared.admits(value) else { return }
        throw ONNXError.wrongInput(name: input.name, reason: "is \(declared), and \(value.type) was given")
    }
}

extension ValueType: CustomStringConvertible {
    /// Whether a value is of this type as far as the type says.
    func admits(_ value: HostValue) -> Bool {
        switch (self, value) {
        case (.tensor(let element, let shape), .tensor(let tensor)):
            guard element == tensor.type.element else { return false }
            guard let shape else { return true }
            return shape.count == tensor.type.shape.rank
                && zip(shape, tensor.type.shape.extents).allSatisfy { $0 == nil || $0 == $1 }
        case (.sequence(let element), .sequence(let values, _)): return values.allSatisfy(element.admits)
        case (.optional(let element), .optional(let value, _)): return value.map(element.admits) ?? true
        case (.optional(let element), let value): return element.admits(value)
        case (.map(let key, _), .map(let map)): return key == map.keys.type.element
        default: return false
        }
    }

    package var description: String {
        switch self {
        case .tensor(let element, nil): "\(element)[...]"
        case .tensor(let element, let shape?):
            "\(element)[\(shape.map { $0.map(String.init) ?? "?" }.joined(separator: "x"))]"
        case .sequence(let element): "sequence(\(element))"
        case .optional(let element): "optional(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        }
    }
}

/// What a model's file holds, for people to look at.
package struct ModelSummary: Sendable, Codable {
    package var formatVersion: Int
    package var producer: String
    /// By domain; ONNX's own is `ai.onnx`.
    package var operatorSets: [String: Int]
    package var inputs: [Parameter]
    package var outputs: [Parameter]
    /// Nodes by operator, those in subgraphs and in the bodies of functions included.
    package var operatorCounts: [String: Int]
    package var functionCount: Int
    package var initializerCount: Int
    package var initializerBytes: Int

    package struct Parameter: Sendable, Codable {
        package var name: String
        package var type: String
    }
}

/// A node that no registered operator and no function of the model serves.
package struct UnservedNode: Sendable, Codable, Hashable {
    package var node: String
    package var operatorName: String
    package var domain: String
}

extension ONNXModel {
    package var summary: ModelSummary {
        var counts: [String: Int] = [:]
        for node in allNodes { counts[node.qualifiedName, default: 0] += 1 }
        let sets = operatorSets.map { ($0.domain.isEmpty ? "ai.onnx" : $0.domain, $0.version) }
        // The oldest files list weights among the inputs.
        let declaredInputs = inputs.filter { !optionalInputs.contains($0.name) }
        return ModelSummary(
            formatVersion: formatVersion, producer: producer,
            operatorSets: Dictionary(sets, uniquingKeysWith: { $1 }),
            inputs: declaredInputs.map {
                .init(name: $0.name, type: $0.typeText)
            },
            outputs: outputs.map { .init(name: $0.name, type: $0.typeText) },
            operatorCounts: counts, functionCount: context.functions.count,
            initializerCount: initializers.count,
            initializerBytes: initializers.reduce(0) { $0 + $1.tensor.type.byteCount })
    }

    /// The nodes that cannot run, those in subgraphs and functions included.
    package var unservedNodes: [UnservedNode] {
        allNodes.filter { node in
            let key = BuildingContext.FunctionName(
                domain: node.domain, name: node.operatorName, overload: node.overload)
            if context.functions[key] != nil { return false }
            guard let domain = OperatorSchema.Domain(rawValue: node.domain) else { return true }
            return context.registry[node.operatorName, domain] == nil
        }.map { UnservedNode(node: $0.name, operatorName: $0.operatorName, domain: $0.domain) }
    }

    /// The names of open extents, each with the inputs' axes that it names.
    package var dimensionNames: Set<String> { Set(inputs.flatMap(\.dimensionNames.values)) }

    private var allNodes: [ModelNode] {
        graph.allNodes + context.functions.values.flatMap { $0.nodes.flatMap(\.withInner) }
    }
}

extension ModelGraph {
    fileprivate var allNodes: [ModelNode] { nodes.flatMap(\.withInner) }
}

extension ModelNode {
    fileprivate var qualifiedName: String { domain.isEmpty ? operatorName : "\(domain).\(operatorName)" }

    /// The node and those of its subgraphs.
    fileprivate var withInner: [ModelNode] {
        [self]
            + attributes.values.flatMap { attribute -> [ModelNode] in
                switch attribute {
                case .graph(let graph): graph.allNodes
                case .graphs(let graphs): graphs.flatMap(\.allNodes)
                case .known, .reference: []
                }
            }
    }
}

extension ModelValue {
    /// The declared type, with the names that the file gives to open extents.
    package var typeText: String {
        guard case .tensor(let element, let shape?) = type else { return type?.description ?? "?" }
        let extents = shape.enumerated().map { axis, extent in
            extent.map(String.init) ?? dimensionNames[axis] ?? "?"
        }
        return "\(element)[\(extents.joined(separator: "x"))]"
    }
}
