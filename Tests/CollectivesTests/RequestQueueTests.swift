import Collectives
import Essentials
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Request queue in shared memory", .timeLimit(.minutes(10)))
struct RequestQueueTests {
    private func queue(capacity: Int, replicas: Int = 1) throws -> TemporaryRegion {
        try TemporaryRegion {
            try RequestQueue.createRegion(path: $0, capacity: capacity, replicas: replicas)
        }
    }

    private func request(_ id: Int, samples: [UInt32] = [0]) -> SharedRequest {
        SharedRequest(
            id: UInt64(id), created: TimePoint(nanoseconds: 5), samples: InlineBatch(samples), tag: 9)
    }

    private func completion(of request: SharedRequest, by replica: Int) -> SharedCompletion {
        SharedCompletion(
            id: request.id, replica: replica, started: TimePoint(nanoseconds: 6),
            ended: TimePoint(nanoseconds: 7),
            results: InlineBatch(request.samples.elements.map { Int32($0) + 1 }), tag: request.tag)
    }

    @Test func `requests and completions come whole and in order`() throws {
        let queue = try RequestQueue(region: queue(capacity: 8).region)
        try queue.attach(replica: 0)
        let full = (0..<64).map { UInt32($0) * 1000 }

        #expect(try queue.submit(request(1, samples: full), timeout: .zero))
        #expect(try queue.submit(request(2, samples: []), timeout: .zero))
        guard case .item(let first) = queue.nextRequest(replica: 0, timeout: .zero) else {
            Issue.record("no request")
            return
        }
        #expect(first.id == 1 && first.tag == 9 && first.created == TimePoint(nanoseconds: 5))
        #expect(first.samples.elements == full)
        #expect(queue.state(of: 0).request == 1)
        #expect(queue.complete(completion(of: first, by: 0), timeout: .zero))
        guard case .item(let answer) = queue.nextCompletion(timeout: .zero) else {
            Issue.record("no completion")
            return
        }

        #expect(answer.id == 1 && answer.replica == 0 && answer.status == 0 && answer.tag == 9)
        #expect(answer.started == TimePoint(nanoseconds: 6) && answer.ended == TimePoint(nanoseconds: 7))
        #expect(answer.results.elements == full.map { Int32($0) + 1 })
        #expect(queue.waiting == 1)
        #expect(
            queue.state(of: 0)
                == .init(replica: 0, process: getpid(), isAlive: true, request: nil, completed: 1))
    }

    @Test func `a full queue says so, and an empty one too`() throws {
        let queue = try RequestQueue(region: queue(capacity: 2).region)
        try queue.attach(replica: 0)

        #expect(try queue.submit(request(1), timeout: .zero))
        #expect(try queue.submit(request(2), timeout: .zero))
        #expect(try !queue.submit(request(3), timeout: .milliseconds(1)))
        guard case .timedOut = queue.nextCompletion(timeout: .milliseconds(1)) else {
            Issue.record("a completion out of nothing")
            return
        }
    }

    @Test func `a closed queue gives what is left, and then its end`() throws {
        let queue = try RequestQueue(region: queue(capacity: 4).region)
        try queue.attach(replica: 0)
        #expect(try queue.submit(request(1), timeout: .zero))

        queue.close()

        #expect(throws: CollectiveError.closed) { try queue.submit(request(2), timeout: .zero) }
        guard case .item(let last) = queue.nextRequest(replica: 0, timeout: .zero) else {
            Issue.record("the last request is lost")
            return
        }
        guard case .closed = queue.nextRequest(replica: 0, timeout: .seconds(60)) else {
            Issue.record("no end for the replica")
            return
        }
        guard case .timedOut = queue.nextCompletion(timeout: .milliseconds(1)) else {
            Issue.record("an end while a replica still works")
            return
        }
        #expect(queue.complete(completion(of: last, by: 0), timeout: .zero))
        guard case .item = queue.nextCompletion(timeout: .zero),
            case .closed = queue.nextCompletion(timeout: .seconds(60))
        else {
            Issue.record("no end after the last completion")
            return
        }
    }

    @Test func `a replica's place is taken once`() throws {
        let queue = try RequestQueue(region: queue(capacity: 4).region)
        try queue.attach(replica: 0)

        #expect(throws: CollectiveError.replicaTaken(0, process: getpid())) { try queue.attach(replica: 0) }
        #expect(queue.deadReplicas() == [])
    }

    @Test(arguments: propertySeeds.prefix(10)) func `many producers and replicas lose and double nothing`(
        seed: UInt64
    )
        throws
    {
        var random = SeededGenerator(seed: seed, purpose: "queue")
        let producers = 1 + random.below(3)
        let replicas = 1 + random.below(3)
        let perProducer = 300
        let total = producers * perProducer
        let region = try queue(capacity: 1 + random.below(20), replicas: replicas)

        // Thread 0 collects, then come the producers and the replicas.
        let seen = try onThreads(1 + producers + replicas) { thread -> [UInt64] in
            let queue = try RequestQueue(region: region.region)
            if thread == 0 { return try collect(total, from: queue) }
            if thread <= producers {
                for number in 0..<perProducer {
                    let id = (thread - 1) * perProducer + number
                    guard try queue.submit(request(id), timeout: .seconds(60)) else {
                        throw Failure("The queue stays full.")
                    }
                }
                return []
            }
            return try serve(queue, replica: thread - 1 - producers)
        }

        #expect(seen[0].sorted() == (0..<total).map { UInt64($0) })
        let served = seen.dropFirst(1 + producers)
        #expect(served.joined().sorted() == (0..<total).map { UInt64($0) })
        for replica in served { #expect(hasOrderOfEachProducer(replica, perProducer: perProducer)) }
    }

    private func collect(_ total: Int, from queue: RequestQueue) throws -> [UInt64] {
        var ids: [UInt64] = []
        while ids.count < total {
            guard case .item(let completion) = queue.nextCompletion(timeout: .seconds(60)) else {
                throw Failure("A completion is missing.")
            }
            ids.append(completion.id)
        }
        queue.close()
        return ids
    }

    private func serve(_ queue: RequestQueue, replica: Int) throws -> [UInt64] {
        try queue.attach(replica: replica)
        var ids: [UInt64] = []
        while case .item(let request) = queue.nextRequest(replica: replica, timeout: .seconds(60)) {
            ids.append(request.id)
            guard queue.complete(completion(of: request, by: replica), timeout: .seconds(60)) else {
                throw Failure("Nobody takes completions.")
            }
        }
        return ids
    }

    private func hasOrderOfEachProducer(_ ids: [UInt64], perProducer: Int) -> Bool {
        let byProducer = Dictionary(grouping: ids) { Int($0) / perProducer }
        return byProducer.values.allSatisfy { $0 == $0.sorted() }
    }
}
