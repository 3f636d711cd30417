internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore

/// What a route gives back.
enum HTTPAnswer: Sendable {
    case json(Data)
    /// Nothing to say.
    case done
    /// Server-sent events, until the stream ends or the client goes.
    case events(AsyncThrowingStream<ServerEvent, any Error>)

    static func value(_ value: some Encodable) throws -> HTTPAnswer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return .json(try encoder.encode(value))
    }

    /// A comment at times shows both sides that the other is there.
    static let signOfLife: Duration = .seconds(10)

    var response: Response {
        switch self {
        case .json(let data):
            Response(
                status: .ok, headers: HTTPAnswer.headers("application/json", length: data.count),
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
        case .done:
            Response(
                status: .ok, headers: HTTPAnswer.headers("application/json", length: 2),
                body: ResponseBody(byteBuffer: ByteBuffer(string: "{}")))
        case .events(let events):
            Response(
                status: .ok, headers: HTTPAnswer.headers("text/event-stream", length: nil),
                body: ResponseBody { writer in
                    for try await event in events { try await writer.write(event.bytes) }
                    try await writer.finish(nil)
                })
        }
    }

    static func response(_ problem: HTTPProblem) -> Response {
        // Encoding two texts and a number cannot fail.
        let body = (try? JSONEncoder().encode(problem.reply)) ?? Data()
        var headers = headers("application/json", length: body.count)
        if problem.isPassing { headers[.retryAfter] = "1" }
        return Response(
            status: HTTPResponse.Status(code: problem.status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private static func headers(_ type: String, length: Int?) -> HTTPFields {
        var headers = HTTPFields()
        headers[.contentType] = type
        if let length {
            headers[.contentLength] = "\(length)"
        } else {
            headers[.transferEncoding] = "chunked"
        }
        if let name = HTTPField.Name("heng-protocol") { headers[name] = "\(DaemonProtocol.version)" }
        return headers
    }
}

extension ServerEvent {
    var bytes: ByteBuffer {
        // An event without a name is a comment.
        guard !name.isEmpty else { return ByteBuffer(string: ": \n\n") }
        var text = ""
        if let id { text += "id: \(id)\n" }
        text += "event: \(name)\n"
        for line in data.split(separator: "\n", omittingEmptySubsequences: false) {
            text += "data: \(line)\n"
        }
        return ByteBuffer(string: text + "\n")
    }
}
