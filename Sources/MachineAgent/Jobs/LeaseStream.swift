internal import ControlAPI
internal import Essentials
internal import FoundationEssentials
internal import Scheduling
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// What a daemon has said about one lease so far, kept by a thread that listens.
final class LeaseStream: Sendable {
    let job: JobID
    private let address: DaemonAddress
    private let state: Mutex<State>

    /// Before a daemon that does not come back is given up by a job that still waits.
    private static let patience: Duration = .seconds(60)

    struct State {
        var reason: WaitReason?
        var lease: Lease?
        var stop: StopReason?
        var end: JobEnd?
        var signals: [JobSignal] = []
        /// The daemon has not been there for a long time.
        var isGone = false
        fileprivate var isClosed = false
        /// Triggered by the next change.
        fileprivate var change: LedgerInterrupt
        fileprivate var connection: StreamHandle

        mutating func takeSignals() -> [JobSignal] {
            defer { signals = [] }
            return signals
        }
    }

    /// Asks for a lease; returns when the daemon has put the job into its queue.
    init(_ address: DaemonAddress, _ request: LeaseRequest) throws {
        let stream = try DaemonClient(address).events("POST", "/v1/leases", request)
        guard case .accepted(let job)? = try LeaseStream.next(stream) else {
            throw Failure(
                "hengd on \(address) closed the connection before it took the job.",
                nextStep: "See whether it runs with `heng status`, and its log, hengd.log.")
        }
        self.job = job
        self.address = address
        let handle = StreamHandle(stream)
        state = Mutex(State(change: try LedgerInterrupt(), connection: handle))
        try startThread { [self] in follow(handle) }
    }

    /// The daemon's last word on the job.
    var lastEnd: JobEnd? { state.withLock(\.end) }

    static func gone(_ job: JobID) -> Failure {
        Failure(
            "hengd has not been there for a minute, and job \(job) still waits.",
            nextStep: "Start it with `heng up`, and run the job again.", exitCode: .setupMissing)
    }

    /// Looks after each piece of news until `look` has an answer; nil when interrupted.
    func wait<Answer>(_ interrupt: LedgerInterrupt, _ look: (inout State) throws -> Answer?) throws -> Answer?
    {
        while true {
            let (answer, change) = try state.withLock { state in (try look(&state), state.change) }
            if let answer { return answer }
            guard interrupt.wait(or: change) == .other else { return nil }
        }
    }

    /// Ends the lease; the daemon takes back what it has not been given back.
    func close() {
        let connection = state.withLock { state in
            state.isClosed = true
            return state.connection
        }
        connection.stream.shutDown()
    }

    // MARK: The thread that listens

    private func follow(_ first: StreamHandle) {
        var handle = first
        while true {
            // What cannot be read is of a daemon of another release; the connection starts over.
            while let news = try? LeaseStream.next(handle.stream) { take(news) }
            guard !isOver, let next = reconnect() else { return }
            handle = next
        }
    }

    private var isOver: Bool { state.withLock { $0.isClosed || $0.end != nil } }

    /// Tries until a daemon is there again; nil when there is nothing left to listen to.
    private func reconnect() -> StreamHandle? {
        let start = TimePoint.monotonicNow()
        while !isOver {
            do {
                let handle = StreamHandle(
                    try DaemonClient(address).events("POST", "/v1/leases/\(job)", Int?.none))
                let isWanted = state.withLock { state in
                    if !state.isClosed { state.connection = handle }
                    return !state.isClosed
                }
                return isWanted ? handle : nil
            } catch let refusal as DaemonRefusal where refusal.exitCode == .negative {
                change { $0.end = $0.end ?? .lost }
            } catch {
                if TimePoint.monotonicNow() - start > LeaseStream.patience { change { $0.isGone = true } }
                usleep(200_000)
            }
        }
        return nil
    }

    private func take(_ news: LeaseNews) {
        change { state in
            switch news {
            case .accepted: break
            case .waiting(let reason): state.reason = reason
            case .granted(let lease): state.lease = lease
            case .stop(let reason): state.stop = reason
            case .signal(let number, let toFirstOnly):
                state.signals.append(JobSignal(number: number, isForFirstOnly: toFirstOnly))
            case .ended(let end): state.end = end
            }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let old = state.withLock { state in
            body(&state)
            defer {
                // Without a new one, waits end at once and look again, which costs time and nothing else.
                if let next = try? LedgerInterrupt() { state.change = next }
            }
            return state.change
        }
        old.trigger()
    }

    private static func next(_ stream: EventStream) throws -> LeaseNews? {
        while let event = stream.next() {
            guard event.name == LeaseNews.eventName else { continue }
            return try JSONDecoder().decode(LeaseNews.self, from: Data(event.data.utf8))
        }
        return nil
    }
}
