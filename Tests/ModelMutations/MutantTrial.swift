internal import ComputeGraph
internal import Essentials
internal import Foundation
package import ModelRunning
internal import ONNXFormat
internal import ONNXImport
internal import SwiftProtobuf

/// Reads, checks and runs cases as `heng model` does, and judges how each ends.
package struct MutantTrial: Sendable {
    package enum Outcome: Sendable {
        case ran
        /// With the sentence that a user reads.
        case refused(String)
        /// Refused, but without a sentence that helps.
        case unclear(String)
    }

    private let setup: ModelSetup

    package init(_ setup: ModelSetup) { self.setup = setup }

    package func run(_ tried: ModelCase) -> Outcome {
        do {
            let model = try opened(tried)
            _ = (model.summary, model.unservedNodes)
            let inputs = try model.inputs.enumerated().map { index, input in
                try (index < tried.inputs.count ? tried.inputs[index] : nil).map { bytes in
                    try ONNXValueFile.decoded(
                        bytes, as: input.type ?? .tensor(.float32, shape: nil), named: "Input \(index)")
                }
            }
            // Shapes may well not be told without the inputs, but that has to be said clearly too.
            if case .failure(let error) = Result(catching: { try InferredShapes(of: model) }),
                case .unclear(let text) = Self.judged(error)
            {
                return .unclear(text)
            }
            _ = try ModelRun(of: model, inputs: inputs, setup: setup)
            return .ran
        } catch {
            return Self.judged(error)
        }
    }

    /// Models that name other files are read from a folder, all others from memory.
    private func opened(_ tried: ModelCase) throws -> ONNXModel {
        guard let proto = try? ProtoModel(serializedBytes: tried.model),
            proto.graph.initializer.contains(where: { $0.dataLocation == 1 })
        else { return try ONNXModel(tried.model, registry: setup.registry, limits: setup.limits) }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heng-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(count: 4096).write(to: folder.appendingPathComponent("data.bin"))
        let path = folder.appendingPathComponent("model.onnx")
        try Data(tried.model).write(to: path)
        return try ONNXModel(contentsOf: path.path, registry: setup.registry, limits: setup.limits)
    }

    /// A refusal is one line of bearable length that names a node or a part of the file.
    private static func judged(_ error: any Error) -> Outcome {
        guard let error = error as? ONNXError else { return .unclear("\(type(of: error)): \(error)") }
        let text = error.summary
        guard text.utf8.count <= 2000 else {
            return .unclear("\(text.utf8.count) bytes: \(text.prefix(200))")
        }
        guard text.hasSuffix("."), text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
        else {
            return .unclear("no plain sentence: \(text.debugDescription)")
        }
        return .refused(text)
    }
}
