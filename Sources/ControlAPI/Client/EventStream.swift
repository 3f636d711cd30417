internal import Essentials

/// One event that a server sent.
package struct ServerEvent: Hashable, Sendable {
    package var id: String?
    /// What kind of event it is.
    package var name: String
    package var data: String

    package init(id: String? = nil, name: String, data: String) {
        self.id = id
        self.name = name
        self.data = data
    }
}

/// Server-sent events as they come; blocks until the next one.
package final class EventStream {
    private var connection: Connection
    private let isChunked: Bool
    private var pending: [UInt8] = []
    private var isAtEnd = false

    init(_ connection: consuming Connection, _ answer: HTTPExchange) {
        self.connection = connection
        isChunked = answer.isChunked
    }

    /// Ends the stream, for a thread that waits in `next` too.
    package func shutDown() { connection.shutDown() }

    /// Nil when the daemon has ended the stream, or has gone.
    package func next() -> ServerEvent? {
        var event = ServerEvent(name: "message", data: "")
        var hasData = false
        while let line = nextLine() {
            if line.isEmpty {
                if hasData { return event }
                continue
            }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            var value = parts.count == 2 ? parts[1] : ""
            if value.hasPrefix(" ") { value = value.dropFirst() }
            switch parts[0] {
            case "id": event.id = String(value)
            case "event": event.name = String(value)
            case "data":
                event.data += (hasData ? "\n" : "") + value
                hasData = true
            // A comment, which only shows that the daemon is there, or a field of tomorrow.
            default: break
            }
        }
        return nil
    }

    private func nextLine() -> String? {
        while true {
            if let end = pending.firstIndex(of: 10) {
                defer { pending.removeFirst(end + 1) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            guard !isAtEnd, let more = nextBytes() else { return nil }
            pending += more
        }
    }

    private func nextBytes() -> [UInt8]? {
        // A broken connection ends the stream as the daemon's own end does; whoever follows connects again.
        guard isChunked, let chunk = try? HTTPExchange.readChunk(&connection) else {
            isAtEnd = true
            return nil
        }
        return chunk
    }
}

/// A stream that one thread reads and another may only shut down.
package struct StreamHandle: @unchecked Sendable {
    // Unchecked: `shutDown` touches nothing but the socket, which lives as long as the stream.
    package let stream: EventStream
    package init(_ stream: EventStream) { self.stream = stream }
}
