package import ControlAPI
internal import Essentials
internal import Foundation
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
internal import Glibc
#endif

/// The daemon's sockets: one for the users of this machine, and one for agents of others if wanted.
///
/// All of HTTP runs on one thread, which only waits, parses and writes; what takes time runs elsewhere.
package final class HTTPServer: Sendable {
    private let routes: Routes
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let log: DaemonLog

    /// A connection that says nothing is closed after so long.
    private static let idleLimit: TimeAmount = .seconds(60)

    package init(
        _ daemon: ClusterDaemon, joinToken: String?, stopRequested: @escaping @Sendable () -> Void
    ) {
        routes = Routes(daemon: daemon, joinToken: joinToken, stopRequested: stopRequested)
        log = daemon.log
    }

    /// Listens until the task is cancelled.
    package func run(socket path: String, listening address: DaemonAddress?) async throws {
        guard path.utf8.count <= 107 else {
            throw Failure(
                "The path of the socket, \(path), is longer than the system allows (107 bytes).",
                nextStep: "Choose a shorter state folder with --state.", exitCode: .setupMissing)
        }
        let executor = LoopExecutor(group.next())
        try await withTaskExecutorPreference(executor) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await self.serve(.unixDomainSocket(path: path), socket: path) }
                if case .host(let host, let port)? = address {
                    tasks.addTask { try await self.serve(.hostname(host, port: Int(port))) }
                }
                try await tasks.next()
                tasks.cancelAll()
            }
        }
    }

    private func serve(_ address: BindAddress, socket: String? = nil) async throws {
        let channel = HTTP1Channel(
            responder: { request, writer, channel in
                let response = await self.respond(request, channel)
                try await writer.write(
                    response: HTTPResponse(status: response.status, headerFields: response.headers),
                    body: response.body)
            },
            configuration: .init(
                additionalChannelHandlers: [RequestGuard()], idleTimeout: HTTPServer.idleLimit))
        let close: @Sendable () -> Void = {
            // The folder keeps others out until then, and jobs must not inherit a mask of ours.
            if let socket { _ = unsafe chmod(socket, 0o600) }
        }
        var logger = Logger(label: "hengd") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(address: address, backlog: 4096),
            onServerRunning: { _ in close() }, eventLoopGroup: group,
            logger: logger)
        try await server.run()
    }

    private func respond(_ request: Request, _ channel: any Channel) async -> Response {
        do {
            return try await routes.answer(read(request, channel)).response
        } catch {
            return HTTPAnswer.response(HTTPProblem(error))
        }
    }

    private func read(_ request: Request, _ channel: any Channel) async throws -> RouteRequest {
        let parts = request.uri.path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
        guard parts.first == "v1" else {
            throw HTTPProblem(404, "hengd has nothing under \(request.uri.path).")
        }
        try checkVersion(request)
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
        return RouteRequest(
            method: request.method.rawValue, path: Array(parts.dropFirst()), query: query,
            key: HTTPServer.header(DaemonProtocol.keyHeader, of: request),
            token: HTTPServer.header("authorization", of: request)?.replacing("Bearer ", with: ""),
            caller: try await Caller.of(channel), body: try await body(of: request),
            whenClosed: { body in channel.closeFuture.whenComplete { _ in body() } })
    }

    private static func header(_ name: String, of request: Request) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    /// Clients of our own say their version; others are taken at their word.
    private func checkVersion(_ request: Request) throws {
        guard let text = HTTPServer.header("heng-protocol", of: request) else { return }
        guard text == "\(DaemonProtocol.version)" else {
            throw HTTPProblem(
                400,
                "The client speaks version \(text.debugDescription) of the protocol, hengd \(DaemonProtocol.version).",
                nextStep:
                    "Use heng and hengd of one release; `heng down` and `heng up` start the installed one.",
                exitCode: .setupMissing)
        }
    }

    private func body(of request: Request) async throws -> Data {
        let limit = DaemonProtocol.bodyLimit.bytes
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw HTTPServer.tooLarge
        }
        var data = Data()
        for try await part in request.body {
            guard data.count + part.readableBytes <= limit else { throw HTTPServer.tooLarge }
            data.append(contentsOf: part.readableBytesView)
        }
        return data
    }

    private static var tooLarge: HTTPProblem {
        HTTPProblem(
            413,
            "The request is larger than \(DaemonProtocol.bodyLimit); a script may have \(DaemonProtocol.scriptLimit).",
            nextStep: "Put the data beside the script, and let the script read it.")
    }
}
