internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Synchronization

/// Reads submissions, and knows the latest ones again, because people submit the same thing many times.
final class SubmissionReader: Sendable {
    struct Read: Sendable {
        var job: JobRequest
        /// `LaunchSpecification` as the store keeps it.
        var launch: Data
        var key: String?
        var isTest: Bool
    }

    private let latest = Mutex(Latest())

    private struct Latest {
        var known: [Data: Read] = [:]
        var bytes = 0
    }

    /// Bodies in memory, at most.
    private static let kept = 1 << 20

    func read(_ request: RouteRequest) throws -> Read {
        var read = try latest.withLock { $0.known[request.body] } ?? parse(request.body)
        if let key = request.key { read.key = key }
        return read
    }

    private func parse(_ body: Data) throws -> Read {
        let request = try StrictJSON.decode(SubmitRequest.self, from: body)
        try check(request)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let read = Read(
            job: request.job, launch: try encoder.encode(request.launch), key: request.clientKey,
            isTest: request.isTest)
        latest.withLock { latest in
            guard body.count < SubmissionReader.kept / 8 else { return }
            if latest.bytes + body.count > SubmissionReader.kept { latest = Latest() }
            latest.known[body] = read
            latest.bytes += body.count
        }
        return read
    }

    private func check(_ request: SubmitRequest) throws {
        if let script = request.launch.script, script.utf8.count > DaemonProtocol.scriptLimit.bytes {
            throw HTTPProblem(
                413,
                "The script has \(ByteCount(bytes: script.utf8.count)); at most \(DaemonProtocol.scriptLimit) are taken.",
                nextStep: "Put the data beside the script, and let the script read it.")
        }
        guard !request.launch.command.isEmpty || request.launch.script != nil else {
            throw RequestError.emptyCommand
        }
        let texts =
            request.launch.command + [request.launch.workingDirectory]
            + request.launch.environment.flatMap { [$0.key, $0.value] }
        guard texts.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw HTTPProblem(400, "The command, the folder or the environment has a zero byte in it.")
        }
        if let array = request.job.array {
            guard array.step > 0, !array.indices.isEmpty, array.isBounded, array.count > 0 else {
                throw HTTPProblem(422, "The array has no tasks, or more than 1000000.")
            }
        }
        if let key = request.clientKey, key.utf8.count > 256 {
            throw HTTPProblem(400, "A client key has at most 256 bytes.")
        }
    }

    /// Without an encoder: this answer is what a client waits for most often.
    static func answer(_ reply: SubmitReply) -> HTTPAnswer {
        .json(
            Data(
                "{\"job\":\(reply.job),\"count\":\(reply.count),\"isRepeated\":\(reply.isRepeated)}".utf8))
    }
}

extension ArrayRequest {
    /// Whether its indices can be counted without an overflow, and are not too many.
    fileprivate var isBounded: Bool {
        let bound = 0...1_000_000_000
        guard indices.count <= 10_000,
            indices.allSatisfy({ bound.contains($0.lowerBound) && bound.contains($0.upperBound) })
        else { return false }
        return count <= 1_000_000
    }
}
