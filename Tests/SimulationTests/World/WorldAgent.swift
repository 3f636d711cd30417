import Essentials
import Scheduling

/// The agent of a simulated machine: starts attempts, stops them, and keeps their ends until it may forget them.
struct WorldAgent {
    enum State: Equatable {
        case running
        case suspended
        case ended(JobOutcome)
    }

    struct Attempt {
        var state: State
        /// Run time that is left.
        var left: Duration
        var since: TimePoint
        var isStopping = false
    }

    /// False while the machine is down.
    var isUp = true
    /// False while nothing reaches it and nothing comes from it.
    var isConnected = true
    var attempts: [Reconciliation.Attempt: Attempt] = [:]

    var living: [Reconciliation.Attempt] {
        attempts.filter { if case .ended = $0.value.state { false } else { true } }.map(\.key)
            .sorted { ($0.job, $0.attempt) < ($1.job, $1.attempt) }
    }

    var known: [Reconciliation.Attempt: KnownAttempt] {
        attempts.mapValues { attempt in
            switch attempt.state {
            case .running: .running
            case .suspended: .suspended
            case .ended(let outcome): .ended(outcome)
            }
        }
    }
}
