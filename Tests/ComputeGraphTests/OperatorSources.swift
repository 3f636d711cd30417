import ComputeGraph
import Foundation

/// The operators as their source files tell, so that a new one without a test is noticed.
enum OperatorSources {
    /// The operators that ONNX does not have, and that its public cases therefore do not prove.
    static var ownOperators: [String] {
        let called = Set(ModelOperatorRegistry().schemas.filter { $0.domain != .heng }.map(\.name))
        return names { $0.contains("static let name = \"") }.filter { !called.contains($0) }
    }
    static var differentiable: [String] {
        names { $0.contains("func gradient(") || $0.contains(": ReductionOperator") }
    }

    private static func names(where condition: (String) -> Bool) -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/ComputeGraph/Operators").standardized
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .filter { condition(text(of: $0)) }
            .map { $0.deletingPathExtension().lastPathComponent }.sorted()
    }

    private static func text(of file: URL) -> String {
        do {
            return try String(contentsOf: file, encoding: .utf8)
        } catch {
            preconditionFailure("\(file.path) cannot be read: \(error)")
        }
    }
}
