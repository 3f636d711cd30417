package import Essentials
package import LoadGeneration
package import MachineAgent
internal import Synchronization

/// Ends a run early, when the user asks for it or when its time is used up.
package final class RunStopper: Sendable {
    /// What jobs listen to, while they wait and while they run.
    package let jobs: LedgerInterrupt
    /// What load generators look at.
    package let load = StopFlag()

    private let over: LedgerInterrupt
    private let reason = Mutex<RunStopped.Reason?>(nil)

    /// Watches from now on; `deadline` nil is no limit.
    package init(user: LedgerInterrupt, deadline: TimePoint?) throws {
        jobs = try LedgerInterrupt()
        over = try LedgerInterrupt()
        try startThread { [over, weak self] in
            switch user.wait(or: over, until: deadline) {
            case .this: self?.stop(.interrupted)
            case .deadline: self?.stop(.overBudget)
            case .other: break
            }
        }
    }

    deinit { over.trigger() }

    /// Why the run has to end; nil while it may go on.
    package var why: RunStopped.Reason? { reason.withLock { $0 } }

    private func stop(_ why: RunStopped.Reason) {
        reason.withLock { $0 = $0 ?? why }
        load.set()
        jobs.trigger()
    }
}

/// A run that ended early; its partial record is kept.
package struct RunStopped: ReportableError {
    package enum Reason: String, Sendable {
        case interrupted = "interrupted"
        case overBudget = "the budget was used up"
    }

    package var reason: Reason
    package var folder: String

    package init(reason: Reason, folder: String) {
        self.reason = reason
        self.folder = folder
    }

    package var summary: String {
        let kept = "\(folder)/result.json holds what was measured, marked incomplete"
        return switch reason {
        case .interrupted: "The run was interrupted; \(kept)."
        case .overBudget: "The budget is used up; \(kept)."
        }
    }

    package var nextStep: String? {
        switch reason {
        case .interrupted: nil
        case .overBudget: "Give more with --budget, or choose --tier smoke."
        }
    }

    package var exitCode: ExitCode {
        switch reason {
        case .interrupted: .interrupted
        case .overBudget: .inconclusive
        }
    }
}
