package import Essentials

/// Why a file of tensors cannot be read or written.
package struct TensorFileError: ReportableError, Hashable {
    /// The file, or the part of it, as its reader was told.
    package var name: String
    /// What is wrong, as the end of a sentence about it.
    package var reason: String

    package init(_ name: String, _ reason: String) {
        self.name = name
        self.reason = reason
    }

    package var summary: String { "\(name) \(reason)." }
    package var exitCode: ExitCode { .executionFailed }
}
