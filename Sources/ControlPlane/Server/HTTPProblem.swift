internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

/// An answer that is an error: the HTTP status and what a person should know.
struct HTTPProblem: Error {
    var status: Int
    var reply: ErrorReply
    /// The same question will have an answer soon.
    var isPassing = false

    init(_ status: Int, _ summary: String, nextStep: String? = nil, exitCode: ExitCode = .wrongUse) {
        self.status = status
        reply = ErrorReply(summary: summary, nextStep: nextStep, exitCode: exitCode.rawValue)
    }

    /// The status that fits an error of the modules below.
    init(_ error: any Error) {
        switch error {
        case let problem as HTTPProblem: self = problem
        case let error as StoreError: self.init(HTTPProblem.status(of: error), error)
        case let error as RequestError: self.init(error == .noMachine ? 503 : 422, error)
        case let error as any ReportableError: self.init(500, error)
        case is CancellationError: self.init(503, "hengd is ending.", exitCode: .executionFailed)
        default: self.init(500, "hengd failed: \(error).", exitCode: .executionFailed)
        }
    }

    private init(_ status: Int, _ error: any ReportableError) {
        self.status = status
        reply = ErrorReply(
            summary: error.summary, nextStep: error.nextStep, exitCode: error.exitCode.rawValue)
    }

    private static func status(of error: StoreError) -> Int {
        switch error {
        case .full: 507
        case .busy: 409
        case .locked, .cannotUse, .newer, .corrupt, .cannotWrite, .superseded: 503
        }
    }

    static func unknownJob(_ job: JobID) -> HTTPProblem {
        HTTPProblem(
            404, "There is no job \(job).", nextStep: "See `heng jobs --all`.", exitCode: .negative)
    }
}
