internal import Essentials
internal import NIOCore
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Who sent a request: the user at the other end of a Unix socket, or an agent on another machine.
enum Caller: Sendable {
    case user(id: UInt32, name: String)
    case network

    /// Asks the kernel, which remembers who connected.
    static func of(_ channel: any Channel) async throws -> Caller {
        guard case .unixDomainSocket? = channel.localAddress?.protocol.kind,
            let options = channel as? any SocketOptionProvider
        else { return .network }
        let credentials: PeerCredentials = try await options.unsafeGetSocketOption(
            level: .socket, name: NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        ).get()
        return .user(id: credentials.uid, name: names.name(of: credentials.uid))
    }

    private static let names = UserNames()
}

/// As the kernel lays out `struct ucred`, which the C library shows only to GNU programs.
private struct PeerCredentials: Sendable {
    var pid: Int32
    var uid: UInt32
    var gid: UInt32
}

extension NIOBSDSocket.ProtocolFamily {
    fileprivate enum Kind { case unixDomainSocket, other }
    fileprivate var kind: Kind { self == .unix ? .unixDomainSocket : .other }
}

/// Names of users, each looked up once.
private final class UserNames: Sendable {
    private let known = Mutex<[UInt32: String]>([:])

    func name(of id: UInt32) -> String {
        known.withLock { known in
            if let name = known[id] { return name }
            let name = UserNames.lookUp(id)
            known[id] = name
            return name
        }
    }

    /// The number as text for a user without a name.
    private static func lookUp(_ id: UInt32) -> String {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16_384)
        let status = unsafe getpwuid_r(id, &entry, &buffer, buffer.count, &found)
        guard status == 0, unsafe found != nil, let name = unsafe entry.pw_name else { return "\(id)" }
        return unsafe String(cString: name)
    }
}
