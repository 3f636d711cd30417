internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store

extension Routes {
    /// `GET /v1/events?job=N`: changes of all jobs, or of one until it has ended.
    func events(_ request: RouteRequest) async throws -> HTTPAnswer {
        guard request.method == "GET", request.path.count == 1 else { throw notFound(request) }
        let only = request.query["job"].flatMap { Int($0) }.map { JobID($0) }
        // First listen, then look, so that nothing falls between.
        let notices = daemon.watchers.watch()
        var first: JobNotice?
        if let only {
            first = try await daemon.look { owner in
                let job = try owner.state.jobs[only] ?? owner.history(ids: [only]).first
                guard let job else { throw HTTPProblem.unknownJob(only) }
                return JobNotice(
                    job: only, attempt: job.attempt, state: job.phase.stateName, what: "is so now",
                    time: owner.state.time)
            }
        }
        return .events(Routes.stream(notices, first: first, only: only))
    }

    private static func stream(
        _ notices: AsyncStream<JobNotice>, first: JobNotice?, only: JobID?
    ) -> AsyncThrowingStream<ServerEvent, any Error> {
        sendingSignsOfLife { send in
            if let first {
                send(first)
                if isEnd(first.state) { return }
            }
            for await notice in notices where only == nil || notice.job == only {
                send(notice)
                if only != nil, isEnd(notice.state) { return }
            }
        }
    }

    private static func isEnd(_ state: String) -> Bool {
        let living = [
            "HELD", "PENDING", "LAUNCHING", "RUNNING", "SUSPENDED", "COMPLETING", "PREEMPTING",
        ]
        return !living.contains(state)
    }

    /// Runs the sender, with a comment now and then so that both sides notice when the other is gone.
    private static func sendingSignsOfLife(
        _ body: @escaping @Sendable (_ send: (JobNotice) -> Void) async -> Void
    ) -> AsyncThrowingStream<ServerEvent, any Error> {
        AsyncThrowingStream { continuation in
            let sender = Task {
                await body { notice in
                    // A notice is numbers and texts, which always become JSON.
                    guard let data = try? JSONEncoder().encode(notice) else { return }
                    continuation.yield(
                        ServerEvent(
                            id: "\(notice.time.nanoseconds)", name: "job",
                            data: String(decoding: data, as: UTF8.self)))
                }
                continuation.finish()
            }
            let life = Task {
                while !Task.isCancelled {
                    try? await Task.sleep(for: HTTPAnswer.signOfLife)
                    continuation.yield(ServerEvent(name: "", data: ""))
                }
            }
            continuation.onTermination = { _ in
                sender.cancel()
                life.cancel()
            }
        }
    }

    /// `GET /v1/jobs/N/logs?rank=R&stream=output|errors&follow=1`.
    func logs(of id: JobID, _ request: RouteRequest) async throws -> HTTPAnswer {
        let runs = try await runs(of: id)
        let rank = request.query["rank"].flatMap { Int($0) } ?? 0
        let wantsErrors = request.query["stream"] == "errors"
        guard let files = runs.first?.start?.files, !files.isEmpty else {
            if runs.first?.start != nil {
                throw HTTPProblem(
                    409, "Job \(id) writes to the command that runs it, and hengd keeps nothing of that.",
                    exitCode: .wrongUse)
            }
            throw HTTPProblem(
                404, "Job \(id) has no output yet.", nextStep: "See `heng show \(id)`.", exitCode: .negative)
        }
        let place = rank * 2 + (wantsErrors ? 1 : 0)
        guard files.indices.contains(place) else {
            throw HTTPProblem(404, "Job \(id) has no rank \(rank).", exitCode: .negative)
        }
        let reader = LogReader(path: files[place], follows: request.query["follow"] == "1")
        let daemon = daemon
        return .events(
            reader.events { try await daemon.look { $0.state.jobs[id]?.phase.holdsResources ?? false } })
    }
}

/// Reads a job's output in pieces, and goes on as it grows until the job has ended.
private struct LogReader: Sendable {
    let path: String
    let follows: Bool

    private static let piece = 32_768

    func events(while isAlive: @escaping @Sendable () async throws -> Bool)
        -> AsyncThrowingStream<ServerEvent, any Error>
    {
        let position = Position()
        return AsyncThrowingStream {
            // One piece when the client has taken the last one, so a slow reader costs nothing.
            while true {
                if let piece = try position.next(of: path, LogReader.piece) {
                    return ServerEvent(name: "output", data: piece)
                }
                guard follows, !position.isLast else { return nil }
                if try await !isAlive() { position.isLast = true }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Only the one task that reads the stream uses it, one call after the other.
    private final class Position: @unchecked Sendable {
        var offset: UInt64 = 0
        var isLast = false

        /// Base64, because output may be any bytes; nil when there is no more at the moment.
        func next(of path: String, _ limit: Int) throws -> String? {
            guard let file = FileHandle(forReadingAtPath: path) else { return nil }
            defer { try? file.close() }  // It was only read.
            try file.seek(toOffset: offset)
            guard let data = try file.read(upToCount: limit), !data.isEmpty else { return nil }
            offset += UInt64(data.count)
            return data.base64EncodedString()
        }
    }
}
