import ComputeGraph
import Essentials
import HardwareTopology
import ONNXImport
import Results
import Scheduling
import TopologyDiscovery

#if canImport(Glibc)
import Glibc
#endif

/// What reads bytes that strangers wrote; `HENG_FUZZ_TARGET` names one of them.
private let readers: [String: @Sendable ([UInt8]) throws -> Void] = [
    "topology": { _ = try Topology(xmlDocument: String(decoding: $0, as: UTF8.self), name: "fuzz") },
    "synthetic": { _ = try Topology(synthetic: String(decoding: $0.prefix(200), as: UTF8.self)) },
    "samples": { bytes in
        let records = try SampleFile.decoded(bytes)
        // What was read once is written and read again without a change.
        let again = try SampleFile.decoded(SampleFile.encoded(records))
        precondition(again == records)
    },
    "result": { bytes in
        let result = try ResultFile.decoded(bytes)
        let again = try ResultFile.decoded(ResultFile.encoded(result))
        precondition(again == result)
    },
    "onnx": { bytes in
        let model = try ONNXModel(bytes, registry: registry, limits: modelLimits)
        _ = (model.summary, model.unservedNodes)
        let open = OpenDimensions(of: model)
        let extents = Dictionary(open.names.map { ($0, 2) }, uniquingKeysWith: { first, _ in first })
        let types = try open.types(extents)
        let inputs = model.inputs.map { input in
            types[input.name].flatMap {
                $0.heldBytes < 1 << 20 ? HostValue.tensor(HostTensor(zeros: $0)) : nil
            }
        }
        _ = try model.run(inputs, evaluator: SmallEvaluator())
    },
    "amounts": { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = CPUSet(parsing: text)
        _ = ByteCount(parsing: text)
        _ = CoreAmount(parsing: text)
        _ = DeviceShare(parsing: text)
        _ = DeviceID(parsing: text)
    },
]

private let registry = ModelOperatorRegistry()
private let modelLimits = ModelLimits(memory: 64 << 20, operations: 1 << 32, calls: 10_000)

/// Computes graphs by their references as long as that takes no time.
private struct SmallEvaluator: GraphEvaluator {
    func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        var account = ModelAccount(modelLimits)
        for node in graph.nodes {
            let (inputs, outputs) = (node.inputs.map(graph.type(of:)), node.outputs.map(graph.type(of:)))
            try account.spend(node.operator.work(inputs: inputs, outputs: outputs), byReference: true)
        }
        return try ReferenceInterpreter.run(graph, inputs: inputs)
    }
}

private let chosen: @Sendable ([UInt8]) throws -> Void = {
    let name = unsafe getenv("HENG_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let reader = readers[name] else {
        print("Set HENG_FUZZ_TARGET to one of \(readers.keys.sorted().joined(separator: ", ")).")
        exit(2)
    }
    return reader
}()

/// Called with each input; one that is refused is fine, a crash is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    do { try chosen(input) } catch {}
    return 0
}

/// libFuzzer's own main function as a call, since the package manager defines main itself.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

var count = CommandLine.argc
var arguments = unsafe CommandLine.unsafeArgv
exit(unsafe runFuzzer(&count, &arguments, testOneInput))
