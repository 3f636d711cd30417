/// One request and its answer on a connection: as much of HTTP/1.1 as the daemon speaks.
struct HTTPExchange {
    var status = 0
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    /// Sends a request and reads the head of the answer.
    init(
        _ method: String, _ target: String, headers: [(String, String)], body: [UInt8],
        on connection: inout Connection
    ) throws {
        var text = "\(method) \(target) HTTP/1.1\r\nhost: hengd\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if !body.isEmpty || method != "GET" { text += "content-length: \(body.count)\r\n" }
        try connection.write(Array((text + "\r\n").utf8) + body)
        try readHead(&connection)
    }

    private mutating func readHead(_ connection: inout Connection) throws {
        repeat {
            let line = String(decoding: try connection.readLine(limit: 65_536), as: UTF8.self)
            let parts = line.split(separator: " ", maxSplits: 2)
            guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let number = Int(parts[1]) else {
                throw Connection.Trouble.closed
            }
            status = number
            headers = [:]
            while true {
                let line = String(decoding: try connection.readLine(limit: 65_536), as: UTF8.self)
                guard !line.isEmpty else { break }
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                headers[line[..<colon].lowercased()] = String(value)
            }
        } while status == 100
    }

    var isChunked: Bool { headers["transfer-encoding"]?.lowercased() == "chunked" }
    /// The other side cannot answer yet, and will soon.
    var asksToComeAgain: Bool { status == 503 && headers["retry-after"] != nil }
    var closesConnection: Bool { headers["connection"]?.lowercased() == "close" }

    /// Reads the rest of the answer.
    mutating func readBody(_ connection: inout Connection) throws {
        if isChunked {
            while let chunk = try HTTPExchange.readChunk(&connection) { body += chunk }
        } else if let count = headers["content-length"].flatMap({ Int($0) }), count > 0 {
            body = try connection.read(count)
        }
    }

    /// Nil at the end.
    static func readChunk(_ connection: inout Connection) throws -> [UInt8]? {
        let head = String(decoding: try connection.readLine(limit: 1024), as: UTF8.self)
        guard let size = Int(head.prefix { $0 != ";" }, radix: 16), size >= 0 else {
            throw Connection.Trouble.closed
        }
        let chunk = try connection.read(size)
        _ = try connection.readLine(limit: 1024)
        return size == 0 ? nil : chunk
    }
}
