package import Collectives
internal import Essentials
package import LoadGeneration
internal import Synchronization

/// The replicas of a job as the load generator sees them: samples go into the shared queue, answers come out.
///
/// Latency is stamped here, in the tester's process, when an answer has arrived; what a replica says about time is
/// only kept beside it.
package final class ReplicaSystem: SystemUnderTest {
    package let name: String
    private let batch: Int
    private let queue: OwnedQueue
    private let stop: StopFlag
    private let state = Mutex(State())

    private struct State {
        var nextRequest: UInt64 = 1
        var open: [UInt64: (ids: [Int], completions: Completions)] = [:]
        var failure: String?
    }

    /// Up to `batch` samples of a query travel in one request; `stop` is set when a replica dies.
    package init(name: String, region: SharedRegion, batch: Int, stop: StopFlag) throws {
        self.name = name
        self.batch = batch
        self.stop = stop
        queue = OwnedQueue(try RequestQueue(region: region))
        try startCollecting(from: RequestQueue(region: region))
    }

    package func issue(_ query: Span<QuerySample>, completions: Completions) throws {
        var start = 0
        while start < query.count {
            let end = min(start + batch, query.count)
            try send((start..<end).map { query[$0] }, completions)
            start = end
        }
    }

    private func send(_ samples: [QuerySample], _ completions: Completions) throws {
        let id = try state.withLock { state in
            if let failure = state.failure { throw Failure(failure) }
            defer { state.nextRequest += 1 }
            state.open[state.nextRequest] = (samples.map(\.id), completions)
            return state.nextRequest
        }
        let request = SharedRequest(
            id: id, created: .monotonicNow(), samples: InlineBatch(samples.map { UInt32($0.index) }))
        while try !queue.value.submit(request, timeout: .milliseconds(200)) {
            if let failure { throw Failure(failure) }
        }
    }

    /// Why nothing more will be answered; nil while all replicas live.
    package var failure: String? { state.withLock { $0.failure } }

    /// Ends the replicas once they have worked off what is left.
    package func close() { queue.value.close() }

    private func collect(from queue: RequestQueue) {
        while true {
            switch queue.nextCompletion(timeout: .milliseconds(200)) {
            case .item(let completion): deliver(completion)
            case .closed: return
            case .timedOut: noteDeaths(queue)
            }
        }
    }

    private func deliver(_ completion: SharedCompletion) {
        guard let asked = state.withLock({ $0.open.removeValue(forKey: completion.id) }) else { return }
        guard completion.status == 0, completion.results.count == asked.ids.count else {
            for id in asked.ids {
                asked.completions.fail(id, because: "replica \(completion.replica) failed a request")
            }
            return
        }
        for (place, id) in asked.ids.enumerated() {
            let result = completion.results[place]
            asked.completions.complete(
                Response(
                    id: id, result: result, start: completion.started,
                    isFinite: result != ReplicaWorker.notFinite))
        }
    }

    /// Fails everything that is open when a replica died, and stops the load, so that a run ends and says why.
    private func noteDeaths(_ queue: RequestQueue) {
        guard let dead = queue.deadReplicas().first else { return }
        let reason = "replica \(dead.replica) died"
        let open = state.withLock { state in
            state.failure = reason
            defer { state.open = [:] }
            return state.open.values.map { $0 }
        }
        stop.set()
        for asked in open {
            for id in asked.ids { asked.completions.fail(id, because: reason) }
        }
    }

    /// A queue object belongs to one thread: the collector has one of its own.
    private func startCollecting(from queue: RequestQueue) throws {
        let collector = OwnedQueue(queue)
        try startThread { [self] in collect(from: collector.value) }
    }
}

/// A queue object that is handed to the one thread that uses it from then on.
private final class OwnedQueue: @unchecked Sendable {
    let value: RequestQueue
    init(_ value: RequestQueue) { self.value = value }
}
