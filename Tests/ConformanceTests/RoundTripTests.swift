import ComputeGraph
import Conformance
import Essentials
import Foundation
import ONNXImport
import Testing

/// The folder into which `make onnx-cases` fetches the public cases for this user; nil where it is not there.
private let publicCases: String? = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let folder = (cache ?? (environment["HOME"] ?? "") + "/.cache") + "/heng/onnx-1.22.0"
    return FileManager.default.fileExists(atPath: folder + "/node") ? folder : nil
}()

private struct References: GraphEvaluator {
    func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        try ReferenceInterpreter.run(graph, inputs: inputs)
    }
}

/// A case whose model becomes a graph, which is written and read again.
private struct RoundTrip {
    let model: ONNXModel
    let inputs: [HostTensor?]
    let outputs: [HostTensor]
    private let registry: ModelOperatorRegistry

    /// Nil where the model cannot be read, or has values that are no tensors.
    init?(_ given: ConformanceCase, in folder: String, _ registry: ModelOperatorRegistry) {
        guard let model = try? ONNXModel(contentsOf: given.model, registry: registry),
            let inputs = Self.tensors("input", model.inputs, folder),
            let outputs = Self.tensors("output", model.outputs, folder)
        else { return nil }
        (self.model, self.inputs, self.outputs, self.registry) =
            (model, inputs, outputs.compactMap(\.self), registry)
    }

    private static func tensors(_ kind: String, _ values: [ModelValue], _ folder: String) -> [HostTensor?]? {
        var tensors: [HostTensor?] = []
        for (index, value) in values.enumerated() {
            let path = "\(folder)/\(kind)_\(index).pb"
            guard FileManager.default.fileExists(atPath: path) else {
                tensors.append(nil)
                continue
            }
            guard let type = value.type, case .tensor(let tensor)? = try? ONNXValueFile.read(path, as: type)
            else { return nil }
            tensors.append(tensor)
        }
        return tensors
    }

    /// The graph in which inputs are constants as far as shapes depend on them, and how many inputs are left.
    ///
    /// Nil where no graph holds the model: it works on strings or sequences.
    var graph: (graph: Graph, inputs: Int)? {
        for count in [inputs.count, 1, 0] {
            var (types, values): ([String: TensorType], [String: HostTensor]) = ([:], [:])
            for (index, input) in model.inputs.enumerated() {
                guard let tensor = inputs[index] else { continue }
                if index < count { types[input.name] = tensor.type } else { values[input.name] = tensor }
            }
            if let graph = try? model.graph(for: types, holding: values),
                graph.outputs.count == model.outputs.count
            {
                return (graph, count)
            }
        }
        return nil
    }

    /// What the file gives that the graph is written to.
    func results(of graph: Graph, inputs count: Int) throws -> [HostValue] {
        let file = try ONNXExport.bytes(of: graph, outputNames: model.outputs.map(\.name))
        let values = inputs.prefix(count).compactMap { $0.map(HostValue.tensor) }
        return try ONNXModel(file, registry: registry).run(values, evaluator: References())
    }
}

@Suite("Models written and read again", .timeLimit(.minutes(10)))
struct RoundTripTests {
    @Test(.enabled(if: publicCases != nil, "make onnx-cases fetches them"))
    func `the public cases pass after their graphs went through a file`() throws {
        let registry = ModelOperatorRegistry()
        let cases = try CaseDiscovery.cases(in: #require(publicCases) + "/node") { name in
            Exclusion.reason(for: name, under: .standard) == nil
        }
        var written = 0
        for given in cases {
            guard case .folders(let folders) = given.data, let folder = folders.first,
                let trip = RoundTrip(given, in: folder, registry), let (graph, count) = trip.graph
            else { continue }
            do {
                var agreement = Agreement(for: given)
                let results = try trip.results(of: graph, inputs: count)
                for (found, expected) in zip(results, trip.outputs) {
                    agreement.compare(found, with: .tensor(expected), name: "an output")
                }
                if let problem = agreement.problems[.standard] { Issue.record("\(given.name): \(problem)") }
                written += 1
            } catch {
                Issue.record("\(given.name): \((error as? any ReportableError)?.summary ?? "\(error)")")
            }
        }
        #expect(written > 1700)
    }
}
