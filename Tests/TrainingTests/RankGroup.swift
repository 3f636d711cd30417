import Foundation
import Synchronization
import Training

/// Ranks as threads of one process, that add up their numbers in the order of the ranks.
final class RankGroup: Sendable {
    private struct Exchange {
        var handedIn: [Int: [Float]] = [:]
        var sum: [Float] = []
        var taken = 0
    }

    private let count: Int
    private let exchange = Mutex(Exchange())

    private init(count: Int) { self.count = count }

    struct Reducer: GradientReducer {
        let group: RankGroup
        let rank: Int
        var rankCount: Int { group.count }

        func sum(_ numbers: inout MutableSpan<Float>) throws {
            let own = numbers.indices.map { numbers[$0] }
            group.handIn(own, rank: rank)
            let sum = group.takeSum()
            for index in sum.indices { numbers[index] = sum[index] }
        }
    }

    private func handIn(_ numbers: [Float], rank: Int) {
        waitUntil { exchange in
            // The sum before this one must have been taken by all.
            guard exchange.sum.isEmpty else { return false }
            exchange.handedIn[rank] = numbers
            if exchange.handedIn.count == count {
                exchange.sum = numbers.indices.map { index in
                    (0..<count).reduce(0) { $0 + (exchange.handedIn[$1]?[index] ?? .nan) }
                }
                exchange.handedIn = [:]
            }
            return true
        }
    }

    private func takeSum() -> [Float] {
        var sum: [Float] = []
        waitUntil { exchange in
            guard !exchange.sum.isEmpty else { return false }
            sum = exchange.sum
            exchange.taken += 1
            if exchange.taken == count { (exchange.sum, exchange.taken) = ([], 0) }
            return true
        }
        return sum
    }

    private func waitUntil(_ done: (inout Exchange) -> Bool) {
        while !exchange.withLock({ done(&$0) }) { sched_yield() }
    }

    /// Runs the body once per rank, each on a thread of its own, and returns what each returned.
    static func run<Answer: Sendable>(
        count: Int, _ body: @escaping @Sendable (Reducer) throws -> Answer
    ) throws -> [Answer] {
        let group = RankGroup(count: count)
        let answers = Mutex<[Int: Swift.Result<Answer, any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: count) { rank in
            let answer = Swift.Result { try body(Reducer(group: group, rank: rank)) }
            answers.withLock { $0[rank] = answer }
        }
        return try answers.withLock { answers in
            try (0..<count).map { rank in
                guard let answer = answers[rank] else { preconditionFailure("rank \(rank) did not end") }
                return try answer.get()
            }
        }
    }
}
