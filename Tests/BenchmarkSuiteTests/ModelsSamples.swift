import AcceleratorAPI
import Backends
import BenchmarkSuite
import Essentials
import Foundation
import Synchronization

/// Recipes small enough to be prepared in milliseconds, of the same layers as the real ones.
enum TinyModels {
    static func residual(seed: UInt64 = 1) -> ModelSpecification {
        var network = ResidualNetwork(size: 16)
        network.depths = [1, 2]
        network.width = 8
        network.classes = 12
        var specification = ModelSpecification(
            name: "tiny-residual", architecture: .residual(network), dataClasses: 10, noise: 8,
            calibrationSamples: 20, fittingSamples: 100, ridge: 0.1)
        specification.seed = seed
        return specification
    }

    static func encoder(seed: UInt64 = 1) -> ModelSpecification {
        var encoder = Encoder()
        encoder.layers = 2
        encoder.width = 32
        encoder.heads = 2
        encoder.hidden = 64
        encoder.length = 24
        encoder.vocabulary = 512
        var specification = ModelSpecification(
            name: "tiny-encoder", architecture: .encoder(encoder), dataClasses: 5, noise: 96,
            calibrationSamples: 0, fittingSamples: 100, ridge: 1)
        specification.seed = seed
        return specification
    }

    static let all = [residual(), encoder()]
}

func firstDevice() throws -> Device {
    guard let device = try Backends.devices().first else { throw Failure("This machine has no device.") }
    return device
}

/// Prepares with a folder, or without, and returns what was said on the way.
func prepared(
    _ specification: ModelSpecification, samples: Int = 40, cacheFolder: String? = nil
) throws -> (model: PreparedModel, messages: [String]) {
    var messages: [String] = []
    let model = try PreparedModel.prepare(
        specification, samples: samples, device: try firstDevice(), cacheFolder: cacheFolder
    ) { messages.append($0) }
    return (model, messages)
}

/// A folder that is gone after the closure.
func withCacheFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("heng-models-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// The only file of a cache folder, by its path.
func onlyFile(in folder: String) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    guard names.count == 1 else { throw Failure("The folder holds \(names), and should hold one file.") }
    return "\(folder)/\(names[0])"
}
