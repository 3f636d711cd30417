import ComputeGraph
import Essentials
import Foundation
import ModelRunning
import ONNXFormat
import ONNXImport
import SwiftProtobuf

/// Reads and runs models that a test writes, on the CPU as users do.
struct ModelBed {
    var setup: ModelSetup

    init(memoryLimit: ByteCount = .mebibytes(64)) throws { setup = try ModelSetup(memoryLimit: memoryLimit) }

    func read(_ model: ProtoModel) throws -> ONNXModel {
        try ONNXModel(try model.serializedBytes(), registry: setup.registry, limits: setup.limits)
    }

    /// The outputs of one run.
    @discardableResult
    func run(_ model: ProtoModel, _ inputs: [HostTensor?] = []) throws -> [HostTensor] {
        try run(try read(model), inputs)
    }

    @discardableResult
    func run(_ model: ONNXModel, _ inputs: [HostTensor?] = []) throws -> [HostTensor] {
        let run = try ModelRun(of: model, inputs: inputs.map { $0.map(HostValue.tensor) }, setup: setup)
        return run.outputs.compactMap { if case .tensor(let tensor) = $0.value { tensor } else { nil } }
    }

    /// The sentence with which a model is refused; nil where it runs.
    func refusal(_ model: ProtoModel, _ inputs: [HostTensor?] = []) throws -> String? {
        try refusal { try run(model, inputs) }
    }

    func refusal(_ body: () throws -> Void) throws -> String? {
        do {
            try body()
            return nil
        } catch let error as ONNXError {
            return error.summary
        }
    }

    /// A graph of one node.
    static func node(
        _ node: ProtoNode, inputs: [ProtoValueInfo] = [], initializers: [ProtoTensor] = [],
        version: Int64 = 21
    ) -> ProtoModel {
        ProtoModel(
            ProtoGraph([node], inputs: inputs, outputs: node.output, initializers: initializers),
            version: version)
    }
}

/// A folder of a test's own, gone when the test is.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("heng-onnx-\(UUID())").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}
