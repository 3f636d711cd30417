internal import CLinux
package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Up to 64 numbers in place, so that a request needs no allocation.
package struct InlineBatch<Number: FixedWidthInteger & BitwiseCopyable & Sendable>: Sendable {
    package static var limit: Int { Int(SHARED_SAMPLE_LIMIT) }

    package private(set) var count = 0
    fileprivate var storage = InlineArray<64, Number>(repeating: 0)

    package init() {}

    package init(_ numbers: some Sequence<Number>) {
        for number in numbers { append(number) }
    }

    fileprivate init(storage: InlineArray<64, Number>, count: Int) {
        self.storage = storage
        self.count = count
    }

    /// There must be room.
    package mutating func append(_ number: Number) {
        precondition(count < Self.limit, "a batch holds up to \(Self.limit) numbers")
        storage[count] = number
        count += 1
    }

    package subscript(_ index: Int) -> Number {
        precondition(index >= 0 && index < count, "the batch has \(count) numbers")
        return storage[index]
    }

    package var elements: [Number] { (0..<count).map { storage[$0] } }
}

/// A wish for the answers to some samples.
package struct SharedRequest: Sendable {
    /// Unique among the requests of its queue.
    package var id: UInt64
    package var created: TimePoint
    package var samples: InlineBatch<UInt32>
    /// The sender's own mark, such as which model is meant.
    package var tag: UInt32

    package init(id: UInt64, created: TimePoint, samples: InlineBatch<UInt32>, tag: UInt32 = 0) {
        self.id = id
        self.created = created
        self.samples = samples
        self.tag = tag
    }
}

/// A replica's answer to a request.
package struct SharedCompletion: Sendable {
    package var id: UInt64
    package var replica: Int
    /// When the replica took the request, and when it was done, on the monotonic clock.
    package var started: TimePoint
    package var ended: TimePoint
    /// Zero when done; otherwise the replica's own number for what went wrong.
    package var status: Int32
    /// One for each sample, such as the class of a picture.
    package var results: InlineBatch<Int32>
    package var tag: UInt32

    package init(
        id: UInt64, replica: Int, started: TimePoint, ended: TimePoint, status: Int32 = 0,
        results: InlineBatch<Int32>, tag: UInt32 = 0
    ) {
        self.id = id
        self.replica = replica
        self.started = started
        self.ended = ended
        self.status = status
        self.results = results
        self.tag = tag
    }
}

/// What waiting at a queue has brought.
package enum Received<Item: Sendable>: Sendable {
    case item(Item)
    case timedOut
    /// The queue is closed, and nothing more will come.
    case closed
}

/// Requests from some processes to replicas in others, and their completions back, through shared memory.
///
/// Any number of producers, replicas and collectors may use one queue, but an object of this class belongs to one
/// thread at a time; several objects may share a region. Requests are taken in the order in which they were
/// submitted, completions come in the order in which they were made.
@safe package final class RequestQueue {
    package let capacity: Int
    package let replicas: Int

    private let region: SharedRegion
    private var producing = shared_queue_patience()
    private var serving = shared_queue_patience()
    private var completing = shared_queue_patience()
    private var collecting = shared_queue_patience()

    /// Creates a queue in a file of its own; its owner unlinks the region in the end.
    package static func createRegion(
        path: String, capacity: Int, replicas: Int
    ) throws(CollectiveError) -> SharedRegion {
        precondition(capacity >= 1 && capacity <= 1 << 20, "a queue holds 1 to 1048576 requests")
        precondition(
            replicas >= 1 && replicas <= SHARED_REPLICA_LIMIT,
            "a queue has 1 to \(SHARED_REPLICA_LIMIT) replicas")
        let size = shared_queue_size(UInt32(capacity), UInt32(replicas))
        let region = try SharedRegion.create(path: path, size: ByteCount(bytes: size))
        let failure = unsafe shared_queue_lay_out(region.base, UInt32(capacity), UInt32(replicas))
        guard failure == 0 else {
            region.unlink()
            throw .system(call: "making a lock between processes", code: -failure)
        }
        return region
    }

    package init(region: SharedRegion) throws(CollectiveError) {
        var capacity: UInt32 = 0
        var replicas: UInt32 = 0
        guard unsafe shared_queue_inspect(region.base, region.size.bytes, &capacity, &replicas) == 0 else {
            throw .notOurs(path: region.path)
        }
        self.region = region
        self.capacity = Int(capacity)
        self.replicas = Int(replicas)
    }

    // MARK: The side that asks

    /// Hands a request in; false when the queue stayed full for that long.
    package func submit(
        _ request: SharedRequest, timeout: Duration
    ) throws(CollectiveError) -> Bool {
        var head = shared_request(
            id: request.id, created: request.created.nanoseconds, count: UInt32(request.samples.count),
            tag: request.tag)
        let status = unsafe request.samples.storage.span.withUnsafeBufferPointer { samples in
            unsafe shared_queue_push(
                region.base, &head, samples.baseAddress, timeout.nanoseconds, &producing)
        }
        switch -status {
        case 0: return true
        case ETIMEDOUT: return false
        default: throw .closed
        }
    }

    /// The next completion, of any replica.
    package func nextCompletion(timeout: Duration) -> Received<SharedCompletion> {
        var head = shared_completion()
        var storage = InlineArray<64, Int32>(repeating: 0)
        var results = storage.mutableSpan
        let status = unsafe results.withUnsafeMutableBufferPointer { results in
            unsafe shared_queue_take(
                region.base, &head, results.baseAddress, timeout.nanoseconds, &collecting)
        }
        guard status == 0 else { return status == -ETIMEDOUT ? .timedOut : .closed }
        return .item(
            SharedCompletion(
                id: head.id, replica: Int(head.replica), started: TimePoint(nanoseconds: head.started),
                ended: TimePoint(nanoseconds: head.ended), status: head.status,
                results: InlineBatch(storage: storage, count: Int(head.count)), tag: head.tag))
    }

    /// No more requests: replicas work off what is left, and end.
    package func close() { unsafe shared_queue_close(region.base) }

    /// How many requests wait for a replica.
    package var waiting: Int { Int(unsafe shared_queue_waiting(region.base)) }

    // MARK: The side that answers

    /// Takes a replica's place, before the first `nextRequest`.
    package func attach(replica: Int) throws(CollectiveError) {
        precondition(replica >= 0 && replica < replicas, "replica \(replica) is not one of \(replicas)")
        guard unsafe shared_queue_attach(region.base, UInt32(replica)) == 0 else {
            throw .replicaTaken(replica, process: state(of: replica).process ?? 0)
        }
    }

    /// The next request; it must be completed before the replica asks for another one.
    package func nextRequest(replica: Int, timeout: Duration) -> Received<SharedRequest> {
        precondition(replica >= 0 && replica < replicas, "replica \(replica) is not one of \(replicas)")
        var head = shared_request()
        var storage = InlineArray<64, UInt32>(repeating: 0)
        var samples = storage.mutableSpan
        let status = unsafe samples.withUnsafeMutableBufferPointer { samples in
            unsafe shared_queue_pop(
                region.base, UInt32(replica), &head, samples.baseAddress, timeout.nanoseconds, &serving)
        }
        guard status == 0 else { return status == -ETIMEDOUT ? .timedOut : .closed }
        return .item(
            SharedRequest(
                id: head.id, created: TimePoint(nanoseconds: head.created),
                samples: InlineBatch(storage: storage, count: Int(head.count)), tag: head.tag))
    }

    /// Answers a request; false when nobody took completions for that long.
    package func complete(_ completion: SharedCompletion, timeout: Duration) -> Bool {
        precondition(
            completion.replica >= 0 && completion.replica < replicas,
            "replica \(completion.replica) is not one of \(replicas)")
        var head = shared_completion(
            id: completion.id, started: completion.started.nanoseconds,
            ended: completion.ended.nanoseconds, replica: UInt32(completion.replica),
            status: completion.status, count: UInt32(completion.results.count), tag: completion.tag)
        let status = unsafe completion.results.storage.span.withUnsafeBufferPointer { results in
            unsafe shared_queue_complete(
                region.base, &head, results.baseAddress, timeout.nanoseconds, &completing)
        }
        return status == 0
    }

    // MARK: Watching

    package struct ReplicaState: Hashable, Sendable {
        package var replica: Int
        /// Nil before it attaches.
        package var process: Int32?
        package var isAlive: Bool
        /// The request that it works on.
        package var request: UInt64?
        package var completed: UInt64

        package init(replica: Int, process: Int32?, isAlive: Bool, request: UInt64?, completed: UInt64) {
            self.replica = replica
            self.process = process
            self.isAlive = isAlive
            self.request = request
            self.completed = completed
        }
    }

    package func state(of replica: Int) -> ReplicaState {
        precondition(replica >= 0 && replica < replicas, "replica \(replica) is not one of \(replicas)")
        var state = shared_replica()
        unsafe shared_queue_look(region.base, UInt32(replica), &state)
        return ReplicaState(
            replica: replica, process: state.process == 0 ? nil : state.process,
            isAlive: state.is_alive != 0, request: state.holds_request != 0 ? state.request : nil,
            completed: state.completed)
    }

    /// The replicas that attached and have died, with the requests that died with them.
    ///
    /// Ask when `nextCompletion` has timed out, so that answers given in the last moment have been taken before.
    package func deadReplicas() -> [ReplicaState] {
        (0..<replicas).map { state(of: $0) }.filter { $0.process != nil && !$0.isAlive }
    }
}
