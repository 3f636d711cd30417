internal import Essentials

/// How long an agent of another machine may say nothing.
package struct AgentPatience: Hashable, Sendable {
    /// After so long, its machine gets no new work.
    package var silence: Duration
    /// After so long, its jobs are given up, and run again elsewhere where they may.
    package var loss: Duration

    package init(silence: Duration = .seconds(15), loss: Duration = .seconds(300)) {
        self.silence = silence
        self.loss = max(silence, loss)
    }
}
