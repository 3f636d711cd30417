internal import Essentials
internal import Foundation
package import Scheduling
package import Store

/// The state as the database has it: the last checkpoint and the events behind it.
package struct Recovery {
    package let state: ClusterState
    let recorder: StateRecorder
    let clock: DaemonClock
    /// Events since the checkpoint.
    let replayed: Int

    package init(from store: StateStore) throws {
        var state = ClusterState()
        var recorder = StateRecorder()
        var replayed = 0
        var after: Int64 = 0
        if let checkpoint = try store.checkpoint() {
            state = try StateRecorder.state(of: checkpoint)
            after = checkpoint.event
        }
        // What the actions ask for was done before, or is settled when the agents join.
        try store.events(after: after) { logged in
            let actions = state.on(logged.event, at: logged.time)
            recorder.note(actions, in: state)
            replayed += 1
            if let key = logged.key { store.setResult(KeyResult(actions, logged.event), ofKey: key) }
        }
        let kept = try store.fact("clock").flatMap {
            // One that cannot be read is as good as none.
            try? JSONDecoder().decode(DaemonClock.self, from: Data($0.utf8))
        }
        if let kept, kept.isOfThisBoot, kept.now() >= state.time {
            clock = kept
        } else {
            clock = DaemonClock(notBefore: state.time)
        }
        self.state = state
        self.recorder = recorder
        self.replayed = replayed
    }

    /// Lets the next daemon of this boot go on with the same clock.
    func keepClock(in store: StateStore) throws {
        try store.set("clock", to: String(decoding: JSONEncoder().encode(clock), as: UTF8.self))
    }
}

extension KeyResult {
    /// Nil for a refused submission.
    init?(_ actions: [Action], _ event: Event) {
        guard case .submitted(let request) = event else { return nil }
        for case .accepted(let job) in actions {
            self.init(job: job, count: request.array?.count ?? 1)
            return
        }
        return nil
    }
}
