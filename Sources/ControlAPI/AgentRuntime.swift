/// An agent as the daemon in the same process sees it: what starts, watches and ends processes on a machine.
///
/// A remote machine has the same behind a connection. Commands and reports may be repeated, and may come in any order
/// that the network leaves them in; each names its attempt.
package protocol AgentRuntime: AnyObject, Sendable {
    /// Finds what is left of earlier attempts, adopts it, and says what there is.
    ///
    /// `expecting` are the attempts that the daemon believes to run, by machine. Reports come from any thread from
    /// now on, those about adopted attempts included. May block, so it is called from a thread of its own.
    func join(
        expecting attempts: [String: [AttemptID]], reporting report: @escaping @Sendable (AgentReport) -> Void
    ) throws -> AgentHello

    /// Every attempt that it knows now, for the greeting after a broken connection.
    var statuses: [AttemptStatus] { get }

    /// Takes a command and returns at once.
    func carryOut(_ command: AgentCommand)

    /// Ends the agent and leaves everything that runs alone.
    func leave()
}
