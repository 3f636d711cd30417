internal import ControlAPI
internal import Essentials

/// The way to an agent, in this process or on another machine.
protocol AgentLink: AnyObject, Sendable {
    /// Never blocks; what cannot be delivered is settled when the agent connects again.
    func send(_ command: AgentCommand)
    /// Nothing more is sent this way; an agent that lives connects again.
    func close()
}

/// The agent of this process.
final class LocalLink: AgentLink {
    private let runtime: any AgentRuntime

    init(_ runtime: any AgentRuntime) { self.runtime = runtime }

    func send(_ command: AgentCommand) { runtime.carryOut(command) }

    func close() {}
}

/// The way to a machine that the state knows of and whose agent has not connected to this daemon yet.
final class AbsentLink: AgentLink {
    func send(_ command: AgentCommand) {}
    func close() {}
}
