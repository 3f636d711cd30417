package import Scheduling

extension Isolation {
    /// How strongly this machine can hold a job to each kind of limit, for the greeting of an agent.
    package var enforcement: [String: EnforcementStrength] {
        [
            "compute": hasHome(.cpu) ? .hard : .none,
            "memory": hasHome(.memory) ? .hard : .soft,
            "cores": hasHome(.cpuset) ? .hard : .soft,
            "numa": hasHome(.cpuset) ? .hard : .soft,
            "processes": hasHome(.pids) ? .hard : .soft,
            // Without a group by SIGSTOP, which a job can answer.
            "freeze": hasHome(.freezer) ? .hard : .soft,
        ]
    }

    private func hasHome(_ controller: Controller) -> Bool {
        if case .missing = home(of: controller) { false } else { true }
    }
}
