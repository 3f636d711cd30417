internal import ControlAPI
internal import Scheduling

// What agents say, in the words of the comparison with the state.

extension AttemptID {
    init(_ attempt: Reconciliation.Attempt) { self.init(attempt.job, attempt.attempt) }

    var reconciled: Reconciliation.Attempt { .init(job, attempt) }
}

extension AttemptStatus.State {
    var reconciled: KnownAttempt {
        switch self {
        case .starting: .starting
        case .running: .running
        case .suspended: .suspended
        case .ended(let end): .ended(end.outcome)
        }
    }
}

extension AgentHello {
    /// The machine with everything that placement asks for.
    var describedMachine: Machine {
        var machine = machine
        machine.machineClass = machineClass
        machine.enforcement = enforcement
        return machine
    }
}
