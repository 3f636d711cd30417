import Foundation

/// The operators as their source files tell, so that a new one without a test is noticed.
enum OperatorSources {
    /// What only models call, made of others, has no name of its own.
    static var all: [String] { names { $0.contains("package static let name = ") } }
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
