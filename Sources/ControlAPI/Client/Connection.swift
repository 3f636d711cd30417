internal import Essentials
internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// Where a daemon listens.
package enum DaemonAddress: Hashable, Sendable, CustomStringConvertible {
    case socket(String)
    case host(String, port: UInt16)

    /// Reads `HOST:PORT` and `http://HOST:PORT`, an address of IP version 6 in brackets.
    package init?(parsing text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("http://") { rest = rest.dropFirst(7) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]) else {
            return nil
        }
        let host = rest[..<colon].filter { $0 != "[" && $0 != "]" }
        guard !host.isEmpty else { return nil }
        self = .host(String(host), port: port)
    }

    package var description: String {
        switch self {
        case .socket(let path): path
        case .host(let host, let port): "\(host):\(port)"
        }
    }
}

/// A stream socket that blocks, with what was read and not used yet.
struct Connection: ~Copyable {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var used = 0

    enum Trouble: Error {
        /// Nobody listens.
        case refused
        case closed
        case timedOut
        case system(Int32)
    }

    init(_ address: DaemonAddress, timeout: Duration?) throws {
        switch address {
        case .socket(let path): descriptor = try Connection.open(path)
        case .host(let host, let port): descriptor = try Connection.open(host, port)
        }
        if let timeout { setTimeout(timeout) }
    }

    deinit { close(descriptor) }

    private func setTimeout(_ timeout: Duration) {
        var limit = timeval(tv_sec: Int(timeout.components.seconds), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, size)
        }
    }

    private static func open(_ path: String) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(
                "The path of the daemon's socket, \(path), is longer than the system allows (107 bytes).",
                nextStep: "Choose a shorter state folder with HENG_STATE_DIR.", exitCode: .setupMissing)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble.system(errno) }
        let status = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw Connection.failure(descriptor) }
        return descriptor
    }

    private static func open(_ host: String, _ port: UInt16) throws -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, "\(port)", &hints, &found) == 0, let first = unsafe found else {
            throw Failure("There is no machine with the name \(host).", exitCode: .setupMissing)
        }
        defer { unsafe freeaddrinfo(first) }
        let type = unsafe first.pointee.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = unsafe socket(first.pointee.ai_family, type, 0)
        guard descriptor >= 0 else { throw Trouble.system(errno) }
        guard unsafe connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
            throw Connection.failure(descriptor)
        }
        var on: Int32 = 1
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    private static func failure(_ descriptor: Int32) -> any Error {
        let code = errno
        close(descriptor)
        return code == ENOENT || code == ECONNREFUSED ? Trouble.refused : Trouble.system(code)
    }

    /// Ends all reading and writing, also that of another thread that waits in it.
    func shutDown() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Whether the other side has closed it, or sent something nobody asked for.
    var isStale: Bool {
        var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&look, 1, 0) != 0
    }

    mutating func write(_ bytes: [UInt8]) throws(Trouble) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe send(
                    descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done,
                    Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Connection.trouble(count) }
            done += count
        }
    }

    /// Up to and without the end of the line, which is `\n` or `\r\n`.
    mutating func readLine(limit: Int = 1 << 20) throws(Trouble) -> [UInt8] {
        var scanned = used
        while true {
            if let end = buffer[scanned...].firstIndex(of: 10) {
                defer { used = end + 1 }
                return Array(buffer[used..<end].last == 13 ? buffer[used..<(end - 1)] : buffer[used..<end])
            }
            scanned = buffer.count
            guard buffer.count - used < limit else { throw .closed }
            let before = used
            try fill()
            scanned -= before - used
        }
    }

    mutating func read(_ count: Int) throws(Trouble) -> [UInt8] {
        while buffer.count - used < count { try fill() }
        defer { used += count }
        return Array(buffer[used..<(used + count)])
    }

    private mutating func fill() throws(Trouble) {
        if used > 0 {
            buffer.removeFirst(used)
            used = 0
        }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Connection.trouble(count) }
            buffer.append(contentsOf: chunk[..<count])
            return
        }
    }

    private static func trouble(_ count: Int) -> Trouble {
        guard count < 0 else { return .closed }
        switch errno {
        case EAGAIN: return .timedOut
        case EPIPE, ECONNRESET: return .closed
        default: return .system(errno)
        }
    }
}
