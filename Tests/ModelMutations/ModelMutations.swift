internal import Essentials
internal import Foundation
internal import ONNXFormat

/// Changes to a decoded model.
enum ModelMutation: CaseIterable {
    // Names and order
    case inputRenamed, inputDropped, inputAdded, outputRenamed, outputDropped, selfReference
    case nodeRepeated, nodeRemoved, nodesSwapped, nodeTaken, namesExchanged, graphOutputChanged, nodesAppended
    // Operators and versions
    case operatorExchanged, domainChanged, versionChanged
    // Attributes
    case attributeRemoved, attributeRepeated, attributeValue, attributeKind, attributeTaken,
        attributeLengthened
    case attributeRenamed
    // Tensors and types
    case tensor, initializerMoved, declaredType, declaredExtent
    // Nesting
    case subgraphNested, functionOfItself, functionsDoubling, functionAdded, subgraphTaken

    func apply(to model: inout ProtoModel, other: ProtoModel, _ random: inout SeededGenerator) {
        switch self {
        case .inputRenamed, .inputDropped, .inputAdded, .outputRenamed, .outputDropped, .selfReference:
            changeNode(&model, &random, changeNames)
        case .nodeRepeated, .nodeRemoved, .nodesSwapped, .nodeTaken:
            changeNodeList(&model, other, &random)
        case .namesExchanged: exchangeNames(&model, &random)
        case .graphOutputChanged: changeGraphOutputs(&model, &random)
        case .nodesAppended: appendNodes(&model, of: other, &random)
        case .operatorExchanged, .domainChanged:
            let donor = randomNode(other, &random)
            changeNode(&model, &random) { node, _, random in
                if self == .domainChanged {
                    node.domain =
                        random.pick(["", "ai.onnx", "ai.onnx.ml", "x", "ai.onnx.preview.training"]) ?? ""
                } else if let donor {
                    (node.opType, node.domain) = (donor.opType, donor.domain)
                }
            }
        case .versionChanged:
            for index in model.opsetImport.indices where random.isOne(in: 2) || model.opsetImport.count == 1 {
                model.opsetImport[index].version = random.pick(Extremes.versions) ?? 0
            }
        case .attributeRemoved, .attributeRepeated, .attributeTaken, .attributeRenamed:
            changeAttributeList(&model, other, &random)
        case .attributeValue, .attributeKind, .attributeLengthened:
            change(.attributes, in: &model, &random) { changeAttribute(&$0, &$1) }
        case .tensor:
            change(.tensors, in: &model, &random) { tensor, random in
                random.pick(TensorMutation.allCases)?.apply(to: &tensor, &random)
            }
        case .initializerMoved: moveInitializer(&model, &random)
        case .declaredType, .declaredExtent: change(.values, in: &model, &random) { changeType(&$0, &$1) }
        case .subgraphNested: nestSubgraphs(&model, &random)
        case .subgraphTaken: takeSubgraph(&model, other, &random)
        case .functionOfItself, .functionsDoubling, .functionAdded: addFunctions(&model, &random)
        }
    }

    private func change<Part>(
        _ parts: Parts<Part>, in model: inout ProtoModel, _ random: inout SeededGenerator,
        _ body: (inout Part, inout SeededGenerator) -> Void
    ) {
        let count = parts.count(in: model)
        guard count > 0 else { return }
        parts.change(random.below(count), in: &model) { body(&$0, &random) }
    }
}

// Names and order.
extension ModelMutation {
    private func changeNode(
        _ model: inout ProtoModel, _ random: inout SeededGenerator,
        _ body: (inout ProtoNode, [String], inout SeededGenerator) -> Void
    ) {
        let names = model.graph.names + ["", "no such name"]
        change(.nodes, in: &model, &random) { body(&$0, names, &$1) }
    }

    private func randomNode(_ model: ProtoModel, _ random: inout SeededGenerator) -> ProtoNode? {
        var copy = model
        var found: ProtoNode?
        change(.nodes, in: &copy, &random) { node, _ in found = node }
        return found
    }

    private func changeNames(_ node: inout ProtoNode, _ names: [String], _ random: inout SeededGenerator) {
        switch self {
        case .inputRenamed:
            if !node.input.isEmpty { node.input[random.below(node.input.count)] = random.pick(names) ?? "" }
        case .selfReference:
            if !node.input.isEmpty { node.input[random.below(node.input.count)] = node.output.first ?? "" }
        case .inputDropped:
            guard !node.input.isEmpty else { return }
            if random.isOne(in: 2) {
                node.input.removeLast()
            } else {
                node.input[random.below(node.input.count)] = ""
            }
        case .inputAdded:
            for _ in 0...random.below(random.isOne(in: 10) ? 1000 : 3) {
                node.input.append(random.pick(names) ?? "")
            }
        case .outputRenamed:
            if !node.output.isEmpty {
                node.output[random.below(node.output.count)] = random.pick(names) ?? ""
            }
        default:
            if random.isOne(in: 2) {
                node.output += ["more", "and more"]
            } else {
                node.output = Array(node.output.dropLast())
            }
        }
    }

    private func changeNodeList(
        _ model: inout ProtoModel, _ other: ProtoModel, _ random: inout SeededGenerator
    ) {
        let taken = randomNode(other, &random)
        change(.nodeLists, in: &model, &random) { nodes, random in
            guard let node = random.pick(nodes) else { return }
            switch self {
            case .nodeRepeated:
                for _ in 0...random.below(random.isOne(in: 10) ? 100 : 3) {
                    nodes.insert(node, at: random.below(nodes.count + 1))
                }
            case .nodeRemoved: nodes.remove(at: random.below(nodes.count))
            case .nodesSwapped: nodes.swapAt(random.below(nodes.count), random.below(nodes.count))
            default:
                guard var taken else { return }
                let names = nodes.flatMap { $0.input + $0.output }
                taken.input = taken.input.map { _ in random.pick(names) ?? "" }
                taken.output = node.output
                nodes.append(taken)
            }
        }
    }

    private func exchangeNames(_ model: inout ProtoModel, _ random: inout SeededGenerator) {
        let names = model.graph.names
        guard let first = random.pick(names), let second = random.pick(names) else { return }
        func exchanged(_ name: String) -> String { name == first ? second : name == second ? first : name }
        Parts<ProtoNode>.nodes.visit(&model) { node in node.input = node.input.map(exchanged) }
    }

    private func changeGraphOutputs(_ model: inout ProtoModel, _ random: inout SeededGenerator) {
        change(.graphs, in: &model, &random) { graph, random in
            guard let index = graph.output.indices.randomElement(using: &random) else { return }
            switch random.below(4) {
            case 0: graph.output[index].name = random.pick(graph.names) ?? ""
            case 1: graph.output.remove(at: index)
            case 2: graph.output.append(graph.output[index])
            default:
                guard !graph.input.isEmpty else { return }
                graph.input.remove(at: random.below(graph.input.count))
            }
        }
    }

    /// Lets the nodes of another model go on with this one's values.
    private func appendNodes(
        _ model: inout ProtoModel, of other: ProtoModel, _ random: inout SeededGenerator
    ) {
        let known = model.graph.names
        let fresh = Set(other.graph.node.flatMap(\.output)).union(other.graph.initializer.map(\.name))
        var chosen: [String: String] = [:]
        for name in other.graph.input.map(\.name) { chosen[name] = random.pick(known) ?? "" }
        func renamed(_ name: String) -> String {
            name.isEmpty ? "" : fresh.contains(name) ? "other \(name)" : chosen[name] ?? name
        }
        for var initializer in other.graph.initializer {
            initializer.name = renamed(initializer.name)
            model.graph.initializer.append(initializer)
        }
        for var node in other.graph.node {
            node.input = node.input.map(renamed)
            node.output = node.output.map(renamed)
            model.graph.node.append(node)
        }
        for var output in other.graph.output {
            output.name = renamed(output.name)
            model.graph.output.append(output)
        }
        for set in other.opsetImport where !model.opsetImport.contains(where: { $0.domain == set.domain }) {
            model.opsetImport.append(set)
        }
    }
}

// Attributes.
extension ModelMutation {
    private func changeAttributeList(
        _ model: inout ProtoModel, _ other: ProtoModel, _ random: inout SeededGenerator
    ) {
        var copy = other
        var taken: ProtoAttribute?
        change(.attributes, in: &copy, &random) { attribute, _ in taken = attribute }
        change(.nodes, in: &model, &random) { node, random in
            guard let index = node.attribute.indices.randomElement(using: &random) else {
                if let taken { node.attribute.append(taken) }
                return
            }
            switch self {
            case .attributeRemoved: node.attribute.remove(at: index)
            case .attributeRepeated: node.attribute.append(node.attribute[index])
            case .attributeRenamed:
                let names = ["axis", "axes", "shape", "k", "to", "pads", "body", "perm", "value"]
                node.attribute[index].name = random.pick(names) ?? ""
            default: if let taken { node.attribute.append(taken) }
            }
        }
    }

    private func changeAttribute(_ attribute: inout ProtoAttribute, _ random: inout SeededGenerator) {
        switch self {
        case .attributeKind:
            if random.isOne(in: 3) { attribute.clearType() } else { attribute.type = Int32(random.below(16)) }
            if random.isOne(in: 4) {
                attribute.refAttrName = random.pick(["axis", "", attribute.name]) ?? ""
            }
        case .attributeLengthened:
            let length = random.pick([0, 1, 2, 65, 1000, 100_000]) ?? 0
            let value = random.isOne(in: 2) ? random.integer() : Int64(random.below(4))
            switch attribute.type {
            case 6: attribute.floats = [Float](repeating: Float(random.float()), count: length)
            case 8: attribute.strings = [Data](repeating: attribute.strings.first ?? Data(), count: length)
            default: attribute.ints = [Int64](repeating: value, count: length)
            }
        default: changeValue(&attribute, &random)
        }
    }

    private func changeValue(_ attribute: inout ProtoAttribute, _ random: inout SeededGenerator) {
        switch attribute.type {
        case 1: attribute.f = Float(random.float())
        case 2: attribute.i = random.integerNear(attribute.i)
        case 3:
            let texts = [
                "", "NOTSET", "SAME_UPPER", "linear", "sum", "ij,jk->ik", "...ij->", "\n", "()", "a{99999}",
            ]
            attribute.s = Data((random.pick(texts) ?? "").utf8)
        case 6:
            if let index = attribute.floats.indices.randomElement(using: &random) {
                attribute.floats[index] = Float(random.float())
            }
        case 7:
            switch (attribute.ints.indices.randomElement(using: &random), random.below(6)) {
            case (let index?, 0): attribute.ints.remove(at: index)
            case (let index?, 1): attribute.ints.append(attribute.ints[index])
            case (let index?, _): attribute.ints[index] = random.integerNear(attribute.ints[index])
            case (nil, _): attribute.ints.append(random.integer())
            }
        case 8:
            if let index = attribute.strings.indices.randomElement(using: &random) {
                attribute.strings[index] = random.pick([Data(), Data("(".utf8), Data("tanh".utf8)]) ?? Data()
            }
        default: attribute.i = random.integer()
        }
    }
}

// Tensors, types and nesting.
extension ModelMutation {
    private func moveInitializer(_ model: inout ProtoModel, _ random: inout SeededGenerator) {
        guard let index = model.graph.initializer.indices.randomElement(using: &random) else { return }
        model.graph.initializer[index].name = random.pick(model.graph.names) ?? ""
    }

    private func changeType(_ value: inout ProtoValueInfo, _ random: inout SeededGenerator) {
        if self == .declaredType {
            switch random.below(5) {
            case 0: value.clearType()
            case 1: value.type.tensorType.clearShape()
            case 2:
                var outer = ProtoTypeInfo()
                outer.sequenceType.elemType = value.type
                value.type = outer
            case 3:
                var outer = ProtoTypeInfo()
                outer.optionalType.elemType = value.type
                value.type = outer
            default: value.type.tensorType.elemType = random.pick(Extremes.elementTypes) ?? 0
            }
        } else if let index = value.type.tensorType.shape.dim.indices.randomElement(using: &random) {
            value.type.tensorType.shape.dim[index].dimValue = random.integer()
        } else {
            for _ in 0..<random.below(random.isOne(in: 10) ? 10000 : 5) {
                value.type.tensorType.shape.dim.append(ProtoDimension())
            }
        }
    }

    /// Puts a graph's own nodes into an attribute of one of them, some times over.
    private func nestSubgraphs(_ model: inout ProtoModel, _ random: inout SeededGenerator) {
        let depth = random.pick([1, 2, 5, 20, 31, 40]) ?? 1
        change(.graphs, in: &model, &random) { graph, random in
            guard let index = graph.node.indices.randomElement(using: &random) else { return }
            let place = graph.node[index].attribute.firstIndex { $0.hasG }
            for _ in 0..<depth {
                var attribute = ProtoAttribute()
                attribute.name = place.map { graph.node[index].attribute[$0].name } ?? "then_branch"
                attribute.type = 5
                attribute.g = graph
                if let place {
                    graph.node[index].attribute[place] = attribute
                } else {
                    graph.node[index].opType = "If"
                    graph.node[index].attribute = [attribute]
                }
                if graph.node.count > 3 { graph.node.removeSubrange(3...) }
                guard graph.node.indices.contains(index) else { return }
            }
        }
    }

    private func takeSubgraph(
        _ model: inout ProtoModel, _ other: ProtoModel, _ random: inout SeededGenerator
    ) {
        var copy = other
        var taken: ProtoGraph?
        change(.graphs, in: &copy, &random) { graph, _ in taken = graph }
        change(.attributes, in: &model, &random) { attribute, _ in
            if let taken, attribute.hasG { attribute.g = taken }
        }
    }

    /// Adds functions named after an operator of the model, so that its nodes call them.
    private func addFunctions(_ model: inout ProtoModel, _ random: inout SeededGenerator) {
        guard let node = randomNode(model, &random) else { return }
        func function(_ name: String, domain: String, nodes: [ProtoNode]) -> ProtoFunction {
            var function = ProtoFunction()
            (function.name, function.domain) = (name, domain)
            function.input = node.input.indices.map { "i\($0)" }
            function.output = node.output.indices.map { "o\($0)" }
            function.node = nodes
            function.opsetImport = model.opsetImport
            return function
        }
        func call(_ name: String, domain: String) -> ProtoNode {
            var call = node
            (call.opType, call.domain) = (name, domain)
            call.input = node.input.indices.map { "i\($0)" }
            call.output = node.output.indices.map { "o\($0)" }
            return call
        }
        switch self {
        case .functionOfItself:
            let body = [ProtoNode](
                repeating: call(node.opType, domain: node.domain), count: 1 + random.below(3))
            model.functions.append(function(node.opType, domain: node.domain, nodes: body))
        case .functionsDoubling:
            // Each calls the next one twice: the last is called 2^n times.
            let depth = 2 + random.below(60)
            for level in 0..<depth {
                let inner =
                    level + 1 < depth
                    ? call("f\(level + 1)", domain: "x") : call(node.opType, domain: node.domain)
                model.functions.append(function("f\(level)", domain: "x", nodes: [inner, inner]))
            }
            change(.nodes, in: &model, &random) { node, _ in (node.opType, node.domain) = ("f0", "x") }
        default:
            model.functions.append(
                function("f", domain: "x", nodes: [call(node.opType, domain: node.domain)]))
            for index in model.graph.node.indices where model.graph.node[index].opType == node.opType {
                (model.graph.node[index].opType, model.graph.node[index].domain) = ("f", "x")
            }
        }
    }
}
