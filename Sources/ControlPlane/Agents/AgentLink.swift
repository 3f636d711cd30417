internal import ControlAPI
internal import Essentials

/// The way to an agent, in this process or on another machine.
protocol AgentLink: AnyObject, Sendable {
    /// Never blocks; what cannot be delivered is settled when the agent connects again.
    func send(_ command: AgentCommand)
}

/// The agent of this process.
final class LocalLink: AgentLink {
    private let runtime: any AgentRuntime

    init(_ runtime: any AgentRuntime) { self.runtime = runtime }

    func send(_ command: AgentCommand) { runtime.carryOut(command) }
}
