/// How a program of ours ends, as scripts read it.
///
/// The numbers are a promise to users.
package enum ExitCode: Int32, Sendable {
    case done = 0
    /// The answer is no: invalid, a regression, a non-conformance.
    case negative = 1
    case wrongUse = 2
    /// Something that must be set up is missing, or two things cannot be compared.
    case setupMissing = 3
    case executionFailed = 4
    case inconclusive = 5
    case interrupted = 130
}

/// An error that may reach a person: one sentence on what failed and on what, and one on what to do next.
///
/// The text does not repeat that of its `cause`; the printer walks the chain.
package protocol ReportableError: Error, CustomStringConvertible {
    var summary: String { get }
    var nextStep: String? { get }
    var exitCode: ExitCode { get }
    var cause: (any Error)? { get }
}

extension ReportableError {
    package var nextStep: String? { nil }
    package var exitCode: ExitCode { .executionFailed }
    package var cause: (any Error)? { nil }

    package var description: String {
        var text = summary
        if let cause { text += " Cause: \(cause)" }
        if let nextStep { text += " \(nextStep)" }
        return text
    }
}

/// The plainest reportable error, for places that need no type of their own.
package struct Failure: ReportableError {
    package var summary: String
    package var nextStep: String?
    package var exitCode: ExitCode
    package var cause: (any Error)?

    package init(
        _ summary: String, nextStep: String? = nil, exitCode: ExitCode = .executionFailed,
        cause: (any Error)? = nil
    ) {
        self.summary = summary
        self.nextStep = nextStep
        self.exitCode = exitCode
        self.cause = cause
    }
}
