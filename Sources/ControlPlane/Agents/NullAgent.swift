package import ControlAPI
internal import Essentials
internal import Foundation
package import Scheduling
internal import Synchronization

/// An agent that starts nothing: each attempt ends as soon as it has started, or after a given time.
///
/// It is for measuring the scheduler by itself, and for tests of the daemon. Attempts that the daemon expects after a
/// restart count as still running.
package final class NullAgent: AgentRuntime {
    private let machine: Machine
    private let duration: Duration
    private let state = Mutex(State())
    private let timer = DispatchQueue(label: "heng.null-agent")

    private struct State {
        var report: (@Sendable (AgentReport) -> Void)?
        var running: Set<AttemptID> = []
    }

    package init(machine: Machine, duration: Duration = .zero) {
        self.machine = machine
        self.duration = duration
    }

    package func join(
        expecting attempts: [String: [AttemptID]], reporting report: @escaping @Sendable (AgentReport) -> Void
    ) throws -> AgentHello {
        let attempts = attempts[machine.name] ?? []
        state.withLock { state in
            state.report = report
            state.running = Set(attempts)
        }
        for attempt in attempts { end(attempt, after: duration) }
        return AgentHello(
            machine: machine, boot: BootName.current,
            attempts: attempts.map { AttemptStatus($0, .running) })
    }

    package var statuses: [AttemptStatus] {
        state.withLock { $0.running.map { AttemptStatus($0, .running) } }
    }

    package func carryOut(_ command: AgentCommand) {
        switch command {
        case .start(let start): self.start(start.attempt)
        case .stop(let attempt, let signal, _): end(attempt, with: .signalled(signal))
        case .suspend(let attempt): report(.suspended(attempt))
        case .resume(let attempt): report(.resumed(attempt))
        case .test(let device):
            report(.tested(name: device.name, DeviceTest(revision: device.revision, limits: [])))
        case .reset(let part, _): report(.reset(part, failure: nil))
        case .signal, .resize, .limitTime, .forget, .deleteDevice, .keepDevices: break
        }
    }

    package func leave() { state.withLock { $0.report = nil } }

    private func start(_ attempt: AttemptID) {
        guard state.withLock({ $0.running.insert(attempt).inserted }) else { return }
        report(.started(attempt, AttemptRun(processes: [], enforcement: [], files: [])))
        end(attempt, after: duration)
    }

    private func end(_ attempt: AttemptID, after duration: Duration) {
        guard duration > .zero else { return end(attempt, with: .exited(code: 0)) }
        timer.asyncAfter(deadline: .now() + .nanoseconds(Int(duration.nanoseconds))) {
            self.end(attempt, with: .exited(code: 0))
        }
    }

    private func end(_ attempt: AttemptID, with outcome: JobOutcome) {
        guard state.withLock({ $0.running.remove(attempt) != nil }) else { return }
        report(.ended(attempt, AttemptEnd(outcome: outcome)))
    }

    private func report(_ report: AgentReport) { state.withLock(\.report)?(report) }
}
