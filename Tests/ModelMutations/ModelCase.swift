package import Essentials
internal import Foundation
internal import ONNXFormat
internal import SwiftProtobuf

/// A model with the values of its inputs, as files hold them.
package struct ModelCase: Sendable {
    package var name: String
    package var model: [UInt8]
    /// nil where an input is not given.
    package var inputs: [[UInt8]?]

    package init(name: String, model: [UInt8], inputs: [[UInt8]?]) {
        self.name = name
        self.model = model
        self.inputs = inputs
    }
}

extension ModelCase {
    /// The cases in a folder and the folders in it, in the order of their paths.
    ///
    /// A case is a folder with `model.onnx`; its first set of data is taken. Large ones are left out, because each
    /// of many mutants reads its case anew.
    package static func all(under root: String, largest: ByteCount = .kibibytes(256)) throws -> [ModelCase] {
        // `subpaths` does not look behind a link.
        let root = URL(fileURLWithPath: root).resolvingSymlinksInPath().path
        guard let paths = FileManager.default.subpaths(atPath: root) else {
            throw Failure("There is no folder \(root).", exitCode: .setupMissing)
        }
        return try paths.filter { $0.hasSuffix("/model.onnx") }.sorted().compactMap { path in
            let folder = "\(root)/\(path.dropLast("/model.onnx".count))"
            let found = try ModelCase(folder: folder, name: String(path.dropLast("/model.onnx".count)))
            return found.byteCount <= largest.bytes ? found : nil
        }
    }

    private var byteCount: Int { inputs.reduce(model.count) { $0 + ($1?.count ?? 0) } }

    private init(folder: String, name: String) throws {
        self.name = name
        model = try bytes("\(folder)/model.onnx")
        let inputCount = (try? ProtoModel(serializedBytes: model).graph.input.count) ?? 0
        inputs = try (0..<inputCount).map { index in
            let file = "\(folder)/test_data_set_0/input_\(index).pb"
            return FileManager.default.fileExists(atPath: file) ? try bytes(file) : nil
        }
    }

    /// Where the public cases of ONNX lie once they have been fetched.
    package static var publicCases: String {
        let environment = ProcessInfo.processInfo.environment
        let cache =
            environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? "\(environment["HOME"] ?? "")/.cache"
        return "\(cache)/heng/onnx-1.22.0"
    }
}

private func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
