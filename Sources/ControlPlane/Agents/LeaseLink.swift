internal import ControlAPI
internal import Foundation
internal import Synchronization

/// The way to a command that runs an attached job itself: a stream that it reads for as long as it lives.
final class LeaseLink: Sendable {
    let events: AsyncThrowingStream<ServerEvent, any Error>
    private let continuation: AsyncThrowingStream<ServerEvent, any Error>.Continuation
    private let life = Mutex<Task<Void, Never>?>(nil)

    init() {
        (events, continuation) = AsyncThrowingStream.makeStream()
        let continuation = continuation
        let task = Task {
            while !Task.isCancelled {
                // Only cancelling ends the sleep early.
                try? await Task.sleep(for: HTTPAnswer.signOfLife)
                continuation.yield(ServerEvent(name: "", data: ""))
            }
        }
        life.withLock { $0 = task }
        continuation.onTermination = { _ in task.cancel() }
    }

    func send(_ news: LeaseNews) {
        // News are numbers and texts, which always become JSON.
        guard let data = try? JSONEncoder().encode(news) else { return }
        continuation.yield(
            ServerEvent(name: LeaseNews.eventName, data: String(decoding: data, as: UTF8.self)))
    }

    /// Nothing more will be said.
    func finish() { continuation.finish() }
}
