package import AcceleratorAPI
package import CHengAccelerator
package import ComputeGraph
internal import Essentials

/// The way from a C description of an operator to a graph of ours that computes it.
package enum OperatorCrossing {
    /// A graph for one described call.
    package struct CallGraph: Sendable {
        /// Its inputs are those of the call that are not constant, in their order; its outputs are the call's.
        package let graph: Graph
        /// The place in the call of each input of the graph.
        package let inputs: [Int]
        /// What the caller wants of the results.
        package let demand: Arithmetic
    }

    /// The versions of operator sets that "newest" stands for.
    package static let newestVersion = 27

    /// Builds the graph of a described call, with the checks that a model file's calls get.
    ///
    /// Nothing in the description is trusted. Throws the class of the part that is wrong: `operatorName`,
    /// `operatorInput`, `operatorAttribute`, `operatorStaticOnly` where a shape is not known, `version` for a struct.
    package static func graph(
        of description: UnsafePointer<heng_operator_description>?,
        registry: ModelOperatorRegistry = registry, limits: ModelLimits = ModelLimits()
    ) throws(DeviceError) -> CallGraph {
        let call = try unsafe DescribedCall(reading: description)
        guard let domain = OperatorSchema.Domain(rawValue: call.domain),
            let type = registry[call.name, domain]
        else {
            throw failure(.operatorName, call, "There is no operator \(call.qualifiedName).")
        }
        var builder = GraphBuilder(evaluator: nil, limits: limits)
        builder.beginCall(call.node ?? call.name)
        var (values, places): ([GraphValue?], [Int]) = ([], [])
        for (index, input) in call.inputs.enumerated() {
            switch input {
            case .omitted: values.append(nil)
            case .constant(let tensor): values.append(.tensor(builder.constant(tensor)))
            case .varying(let type, let name):
                values.append(.tensor(builder.input(name ?? "input_\(index)", type)))
                places.append(index)
            }
        }
        let operatorCall = OperatorCall(
            schema: type.schema, node: call.node ?? call.name,
            version: call.version == 0 ? newestVersion : call.version, attributes: call.attributes,
            inputs: values, wantedOutputs: wanted(call, type.schema))
        let outputs = try build(type, operatorCall, call, in: &builder)
        return CallGraph(graph: builder.build(outputs: outputs), inputs: places, demand: call.demand)
    }

    /// The operators of all families, made once.
    package static let registry = ModelOperatorRegistry()

    /// Which outputs a call asks for; one that names none asks for all that must be there.
    private static func wanted(_ call: DescribedCall, _ schema: OperatorSchema) -> [Bool] {
        if !call.wantedOutputs.isEmpty { return call.wantedOutputs }
        return schema.outputs.prefix { $0.presence == .required }.map { _ in true }
    }

    private static func build(
        _ type: any ModelOperator.Type, _ operatorCall: OperatorCall, _ call: DescribedCall,
        in builder: inout GraphBuilder
    ) throws(DeviceError) -> [ValueID] {
        let results: [GraphValue]
        do { results = try type.checkedBuild(operatorCall, in: &builder) } catch {
            throw crossed(error, call)
        }
        var ids: [ValueID] = []
        for (index, isWanted) in operatorCall.wantedOutputs.enumerated() where isWanted {
            guard case .tensor(let id) = results[index] else {
                throw failure(
                    .operatorOutput, call, "Output \(index) of \(call.qualifiedName) is not a tensor.")
            }
            ids.append(id)
        }
        return ids
    }

    /// An error of the graph as one of the interface.
    private static func crossed(_ error: any Error, _ call: DescribedCall) -> DeviceError {
        let text = (error as? any ReportableError)?.summary ?? "\(error)"
        let code: DeviceError.Code =
            switch error as? GraphError {
            case .valueNeeded: .operatorStaticOnly
            case .tooLarge, .limitPassed: .outOfHostMemory
            default: text.contains("attribute") ? .operatorAttribute : .operatorInput
            }
        return failure(code, call, text)
    }

    static func failure(_ code: DeviceError.Code, _ call: DescribedCall, _ text: String) -> DeviceError {
        DeviceError(
            code, operation: "operator_prepare", text: text, node: call.node, operatorName: call.name)
    }
}
