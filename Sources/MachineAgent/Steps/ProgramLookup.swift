#if canImport(Glibc)
internal import Glibc
#endif

/// Looks for a program as `execvp` will, so that a wrong name is told before a job waits for its place.
///
/// Whether the file can be executed is left to the start itself, which has the kernel's own answer.
enum ProgramLookup {
    static func require(
        _ command: [String], environment: [String: String], workingDirectory: String?
    ) throws(StepError) {
        guard let program = command.first, !program.isEmpty else { throw .emptyCommand }
        let start = workingDirectory ?? "."
        if program.contains("/") {
            guard exists(program, from: start) else { throw .commandNotFound(program, path: nil) }
            return
        }
        let path = environment["PATH"] ?? usualPath
        let folders = path.split(separator: ":", omittingEmptySubsequences: false)
        // An empty entry is the working folder.
        let isThere = folders.contains { exists($0.isEmpty ? program : "\($0)/\(program)", from: start) }
        guard isThere else { throw .commandNotFound(program, path: path) }
    }

    /// Whether there is such a program where one is looked for without a PATH.
    static func exists(_ program: String) -> Bool {
        usualPath.split(separator: ":").contains { exists("\($0)/\(program)", from: "/") }
    }

    /// Where the C library looks without a PATH.
    static let usualPath = "/bin:/usr/bin"

    private static func exists(_ path: String, from folder: String) -> Bool {
        unsafe access(path.hasPrefix("/") ? path : "\(folder)/\(path)", F_OK) == 0
    }
}
