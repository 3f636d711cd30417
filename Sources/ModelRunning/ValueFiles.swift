package import ComputeGraph
package import Essentials
package import ONNXImport
internal import Results
internal import TensorFiles

/// Values of models in files: `.npy`, `.npz` and ONNX's `.pb`, told apart by their ending.
package enum ValueFiles {
    /// Reads the value of one input.
    package static func read(_ path: String, as type: ValueType, limit: ByteCount) throws -> HostValue {
        switch ending(path) {
        case "npy":
            return .tensor(
                try NumpyFile.tensor(from: DurableFile.read(path, limit: limit), named: path, limit: limit))
        case "pb": return try ONNXValueFile.read(path, as: type)
        default: throw unknownEnding(path)
        }
    }

    /// Reads the tensors of several inputs by name.
    package static func readArchive(_ path: String, limit: ByteCount) throws -> [String: HostValue] {
        let tensors = try NumpyArchive.tensors(
            from: DurableFile.read(path, limit: limit), named: path, limit: limit)
        return Dictionary(tensors.map { ($0.name, .tensor($0.tensor)) }, uniquingKeysWith: { $1 })
    }

    /// Writes one value, whole or not at all.
    package static func write(_ value: HostValue, to path: String, named name: String) throws {
        switch (ending(path), value) {
        case ("npy", .tensor(let tensor)): try DurableFile.write(NumpyFile.bytes(of: tensor), to: path)
        case ("pb", _): try DurableFile.write(ONNXValueFile.bytes(of: value, named: name), to: path)
        case ("npy", _):
            throw Failure(
                "The output \(name) is no tensor, and .npy holds one.", nextStep: "Write it as .pb.",
                exitCode: .wrongUse)
        default: throw unknownEnding(path)
        }
    }

    /// Writes several tensors into one archive.
    package static func writeArchive(_ values: [(name: String, value: HostValue)], to path: String) throws {
        let tensors = try values.map { name, value in
            guard case .tensor(let tensor) = value else {
                throw Failure(
                    "The output \(name) is no tensor, and .npz holds tensors.",
                    nextStep: "Write the outputs as .pb, one by one.", exitCode: .wrongUse)
            }
            return NamedTensor(name, tensor)
        }
        try DurableFile.write(NumpyArchive.bytes(of: tensors), to: path)
    }

    package static func isArchive(_ path: String) -> Bool { ending(path) == "npz" }

    private static func ending(_ path: String) -> String {
        path.lastIndex(of: ".").map { path[path.index(after: $0)...].lowercased() } ?? ""
    }

    private static func unknownEnding(_ path: String) -> Failure {
        Failure(
            "\(path) does not end in .npy, .npz or .pb.",
            nextStep: "Its ending says how a file is read and written.",
            exitCode: .wrongUse)
    }
}
