import ComputeGraph
import Essentials
import Foundation
import ImageDecoding
import ONNXImport

struct ReferenceEvaluator: GraphEvaluator {
    func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        try ReferenceInterpreter.run(graph, inputs: inputs)
    }
}
func difference(_ found: HostValue, _ expected: HostValue) -> String? {
    switch (found, expected) {
    case (.tensor(let f), .tensor(let e)):
        if f.type != e.type { return "type \(f.type), expected \(e.type)" }
        switch e.type.element.kind {
        case .string:
            return zip(f.strings, e.strings).enumerated().first { $0.element.0 != $0.element.1 }
                .map { "[\($0.offset)] '\($0.element.0)', expected '\($0.element.1)'" }
        case .complex: return nil
        case .floating where e.type.element.size > 1:
            return Exactness.within(relative: 1e-3, absolute: 1e-7).firstDifference(f, from: e).map {
                "\($0)"
            }
        default: return Exactness.exact.firstDifference(f, from: e).map { "\($0)" }
        }
    case (.sequence(let f, _), .sequence(let e, _)):
        if f.count != e.count { return "\(f.count) elements, expected \(e.count)" }
        return zip(f, e).lazy.compactMap { difference($0, $1) }.first
    case (.optional(let f, _), .optional(let e, _)):
        if let f, let e { return difference(f, e) }
        return (f == nil) == (e == nil) ? nil : "one is none"
    case (.map(let f), .map(let e)):
        return "map \(f) \(e)"
    case (let f, .optional(let e?, _)): return difference(f, e)
    default: return "kinds differ"
    }
}
/// Writes the graph of a model for these inputs, reads it again, and runs it; nil where its shapes depend on values.
func roundTrip(_ model: ONNXModel, _ inputs: [HostValue?], _ registry: ModelOperatorRegistry) throws
    -> [HostValue]?
{
    var types: [String: TensorType] = [:]
    for (input, value) in zip(model.inputs, inputs) {
        guard let value else { continue }
        guard case .tensor(let tensor) = value else { return nil }
        types[input.name] = tensor.type
    }
    guard let graph = try? model.graph(for: types) else { return nil }
    let names = model.outputs.map(\.name)
    guard names.count == graph.outputs.count else { return nil }
    let again = try ONNXModel(ONNXExport.bytes(of: graph, outputNames: names), registry: registry)
    return try again.run(inputs.filter { $0 != nil }, evaluator: ReferenceEvaluator())
}
var arguments = CommandLine.arguments
let wantsRoundTrip = arguments.contains("--round-trip")
arguments.removeAll { $0 == "--round-trip" }
var skipped = 0
let root = arguments[1]
let pattern = try Regex(arguments.count > 2 ? arguments[2] : ".")
let registry = ModelOperatorRegistry(adding: imageOperators)
var passed = 0
var failed = 0
for name in try FileManager.default.contentsOfDirectory(atPath: root).sorted() where name.contains(pattern) {
    let folder = "\(root)/\(name)"
    guard FileManager.default.fileExists(atPath: "\(folder)/model.onnx") else { continue }
    if ProcessInfo.processInfo.environment["TRACE"] != nil { print("run \(name)") }
    do {
        let model = try ONNXModel(contentsOf: "\(folder)/model.onnx", registry: registry)
        var set = 0
        while FileManager.default.fileExists(atPath: "\(folder)/test_data_set_\(set)") {
            let data = "\(folder)/test_data_set_\(set)"
            let inputs = try model.inputs.enumerated().map { index, input -> HostValue? in
                let file = "\(data)/input_\(index).pb"
                guard FileManager.default.fileExists(atPath: file), let type = input.type else { return nil }
                return try ONNXValueFile.read(file, as: type)
            }
            let outputs: [HostValue]
            if wantsRoundTrip {
                guard let results = try roundTrip(model, inputs, registry) else {
                    skipped += 1
                    set += 1
                    continue
                }
                outputs = results
            } else {
                outputs = try model.run(inputs, evaluator: ReferenceEvaluator())
            }
            for (index, output) in outputs.enumerated() {
                let file = "\(data)/output_\(index).pb"
                guard FileManager.default.fileExists(atPath: file) else { continue }
                let expected = try ONNXValueFile.read(
                    file, as: model.outputs[index].type ?? .tensor(.float32, shape: nil))
                if let why = difference(output, expected) { throw Failure("output \(index): \(why)") }
            }
            set += 1
        }
        if set == 0 { throw Failure("no data") }
        passed += 1
    } catch {
        failed += 1
        print("FAIL \(name): \((error as? any ReportableError)?.summary ?? "\(error)")")
    }
}
print("\(passed) passed, \(failed) failed, of which \(skipped) sets have no static shapes")
