internal import AcceleratorAPI
internal import ComputeGraph
internal import Essentials
internal import ModelRunning
internal import ONNXFormat
internal import ONNXImport
internal import SwiftProtobuf

// The types of a node's outputs, found by reading the node as a model of its own.

extension LibraryGraph {
    /// Values of more elements shape no output, so they count by their type only.
    private static let largestShapingConstant: Int64 = 4096

    /// The types by place, nil for outputs that are left out; nil altogether where an input's shape is not known or a
    /// shape depends on a value.
    func inferredTypes(of node: ProtoNode) throws -> [TensorType?]? {
        var model = ProtoModel()
        model.irVersion = formatVersion
        model.functions = functions
        model.opsetImport = proto.opsetImport
        model.graph.name = node.name
        model.graph.node = [node]
        var types: [String: TensorType] = [:]
        for name in Set(node.input) where !name.isEmpty {
            guard let number = number(of: name) else {
                throw failure(.graph, "graph_add_node", "The value \(name) is not in the graph.")
            }
            let value = values[number]
            if let constant = value.constant,
                constant.dims.reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue })
                    <= LibraryGraph.largestShapingConstant
            {
                model.graph.initializer.append(constant)
                continue
            }
            guard let type = value.type else { return nil }
            types[name] = type
            model.graph.input.append(ProtoValueInfo(value))
        }
        let wanted = node.output.filter { !$0.isEmpty }
        model.graph.output = wanted.map { name in
            var info = ProtoValueInfo()
            info.name = name
            return info
        }
        let found = try outputTypes(of: model, types, node)
        guard let found, found.count == wanted.count else { return nil }
        var rest = found[...]
        return node.output.map { $0.isEmpty ? nil : rest.popFirst() }
    }

    private func outputTypes(
        of model: ProtoModel, _ types: [String: TensorType], _ node: ProtoNode
    ) throws -> [TensorType]? {
        do {
            let read = try ONNXModel(
                model.serializedBytes(), registry: ModelSetup.allOperators, limits: ModelRequest.limits)
            let graph = try read.graph(for: types)
            return graph.outputs.map(graph.type(of:))
        } catch let error as ONNXError {
            switch error {
            case .valueNeeded: return nil
            case .unsupported: throw problem(.operatorName, node, error.summary)
            default:
                let code: DeviceError.Code =
                    error.summary.contains("attribute") ? .operatorAttribute : .operatorInput
                throw problem(code, node, error.summary)
            }
        }
    }

    private func problem(_ code: DeviceError.Code, _ node: ProtoNode, _ text: String) -> DeviceError {
        DeviceError(
            code, operation: "graph_add_node", text: text, node: node.name, operatorName: node.opType)
    }

    /// Finds the types of all nodes' outputs again, after one has changed.
    func inferAgain() throws {
        for case let node? in nodes {
            let types = try inferredTypes(of: node)
            for (place, name) in node.output.enumerated() where !name.isEmpty {
                guard let number = number(of: name) else { continue }
                let type = types.flatMap { $0.indices.contains(place) ? $0[place] : nil }
                values[number].element = type?.element
                values[number].shape = type?.shape.extents
            }
        }
    }
}
