package import Essentials
internal import Foundation

/// Asks a daemon, one request after the other, over one connection that it keeps.
///
/// It blocks its thread, and starts none: a command is a short-lived process, and every thread would cost it more than
/// the request. One thread uses it at a time.
package final class DaemonClient {
    package let address: DaemonAddress
    private let token: String?
    private var connection: ConnectionBox?
    private let encoder: JSONEncoder
    private var lastSubmission: (request: SubmitRequest, text: [UInt8])?
    private let decoder = JSONDecoder()

    /// Longer than any answer takes, a backup included.
    private static let timeout: Duration = .seconds(120)
    /// How long a daemon may read its log.
    private static let patience: Duration = .seconds(60)

    package init(_ address: DaemonAddress, token: String? = nil) {
        self.address = address
        self.token = token
        encoder = JSONEncoder()
        // Equal requests are equal texts, which the daemon knows again.
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// A client of the daemon of a state folder.
    package convenience init(_ paths: StatePaths) { self.init(.socket(paths.socket)) }

    package func get<Reply: Decodable>(_ target: String, as type: Reply.Type = Reply.self) throws -> Reply {
        try decode(exchange("GET", target))
    }

    package func send<Reply: Decodable>(
        _ method: String, _ target: String, _ body: some Encodable, headers: [(String, String)] = [],
        as type: Reply.Type = Reply.self
    ) throws -> Reply {
        try decode(exchange(method, target, headers: headers, body: Array(encoder.encode(body))))
    }

    func send<Reply: Decodable>(
        _ method: String, _ target: String, _ body: [UInt8], headers: [(String, String)]
    ) throws -> Reply {
        try decode(exchange(method, target, headers: headers, body: body))
    }

    /// The text of a submission; whoever submits the same again and again pays for it once.
    func encodedSubmission(_ request: SubmitRequest) throws -> [UInt8] {
        if let lastSubmission, lastSubmission.request == request { return lastSubmission.text }
        let text = Array(try encoder.encode(request))
        lastSubmission = (request, text)
        return text
    }

    /// For answers that have nothing to say.
    package func send(_ method: String, _ target: String) throws { _ = try exchange(method, target) }

    package func send(_ method: String, _ target: String, _ body: some Encodable) throws {
        _ = try exchange(method, target, body: Array(encoder.encode(body)))
    }

    /// Opens a stream of events on a connection of its own.
    ///
    /// `silence` ends the stream when so long not even a sign of life has come.
    package func events(
        _ method: String = "GET", _ target: String, _ body: (some Encodable)? = Int?.none,
        after last: String? = nil, silence: Duration? = nil
    ) throws -> EventStream {
        let bytes = try body.map { Array(try encoder.encode($0)) } ?? []
        var headers = self.headers([("accept", "text/event-stream")])
        if let last { headers.append(("last-event-id", last)) }
        do {
            var connection = try Connection(address, timeout: silence)
            var answer = try HTTPExchange(method, target, headers: headers, body: bytes, on: &connection)
            guard answer.status == 200 else {
                try answer.readBody(&connection)
                throw refusal(answer)
            }
            return EventStream(connection, answer)
        } catch let trouble as Connection.Trouble {
            throw failure(trouble)
        }
    }

    private func headers(_ more: [(String, String)]) -> [(String, String)] {
        var headers = more + [("heng-protocol", "\(DaemonProtocol.version)")]
        if let token { headers.append(("authorization", "Bearer \(token)")) }
        return headers
    }

    /// Whether somebody listens; the connection serves the next request.
    package func isListening() -> Bool { (try? usableConnection()) != nil }

    /// Repeats what a daemon answers that still reads its log.
    private func exchange(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) throws -> HTTPExchange {
        let headers = self.headers(headers)
        let end = TimePoint.monotonicNow() + DaemonClient.patience
        while true {
            let answer = try exchangeOnce(method, target, headers: headers, body: body)
            if answer.asksToComeAgain, TimePoint.monotonicNow() < end {
                usleep(20_000)
                continue
            }
            guard (200..<300).contains(answer.status) else { throw refusal(answer) }
            return answer
        }
    }

    private func exchangeOnce(
        _ method: String, _ target: String, headers: [(String, String)], body: [UInt8]
    ) throws -> HTTPExchange {
        do {
            let box = try usableConnection()
            var answer = try HTTPExchange(method, target, headers: headers, body: body, on: &box.connection)
            try answer.readBody(&box.connection)
            if answer.closesConnection { connection = nil }
            return answer
        } catch let trouble as Connection.Trouble {
            connection = nil
            throw failure(trouble)
        }
    }

    /// The daemon closes what was idle for long, so a kept connection may be gone by now.
    private func usableConnection() throws -> ConnectionBox {
        if let connection, !connection.connection.isStale { return connection }
        let new = ConnectionBox(try Connection(address, timeout: DaemonClient.timeout))
        connection = new
        return new
    }

    private func decode<Reply: Decodable>(_ answer: HTTPExchange) throws -> Reply {
        do {
            return try decoder.decode(Reply.self, from: Data(answer.body))
        } catch {
            throw Failure(
                "The answer of hengd on \(address) cannot be understood.",
                nextStep: "Check that heng and hengd are of the same release: `heng status`.", cause: error)
        }
    }

    private func refusal(_ answer: HTTPExchange) -> any Error {
        guard let reply = try? decoder.decode(ErrorReply.self, from: Data(answer.body)) else {
            return DaemonRefusal(
                status: answer.status,
                summary: "hengd on \(address) refused with the HTTP status \(answer.status).")
        }
        return DaemonRefusal(
            status: answer.status, summary: reply.summary, nextStep: reply.nextStep,
            exitCode: ExitCode(rawValue: reply.exitCode) ?? .executionFailed)
    }

    private func failure(_ trouble: Connection.Trouble) -> any Error {
        switch trouble {
        case .refused:
            Failure(
                "hengd does not answer on \(address).", nextStep: "Start it with `heng up`.",
                exitCode: .setupMissing)
        case .closed:
            Failure(
                "hengd on \(address) closed the connection before it answered.",
                nextStep: "See whether it runs with `heng status`, and its log, hengd.log.")
        case .timedOut:
            Failure(
                "hengd on \(address) did not answer in time.",
                nextStep: "Look at its log, hengd.log, in the state folder.")
        case .system(let code):
            Failure(
                "hengd cannot be reached on \(address): \(unsafe String(cString: strerror(code))).",
                exitCode: .setupMissing)
        }
    }
}

/// What a daemon says when it does not do what it was asked for.
package struct DaemonRefusal: ReportableError, Hashable {
    /// Of HTTP.
    package var status: Int
    package var summary: String
    package var nextStep: String?
    package var exitCode: ExitCode = .executionFailed

    /// The token was not the right one.
    package var isAboutToken: Bool { status == 401 }
}

/// What daemon and clients agree on beside the values.
package enum DaemonProtocol {
    /// Grows with every change that an older side would misunderstand; each side sends its own as `heng-protocol`.
    package static let version = 1
    /// The largest script of a job.
    package static let scriptLimit: ByteCount = .mebibytes(4)
    /// The largest body of a request: a script, escaped, beside an environment.
    package static let bodyLimit: ByteCount = .mebibytes(12)
    /// The header that carries a client's key of a submission.
    package static let keyHeader = "idempotency-key"
}

private final class ConnectionBox {
    var connection: Connection
    init(_ connection: consuming Connection) { self.connection = connection }
}
