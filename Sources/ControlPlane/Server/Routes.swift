internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import Scheduling

/// A request on its way to a route.
struct RouteRequest: Sendable {
    var method: String
    /// The parts of the path behind `/v1`, without escapes.
    var path: [String]
    var query: [String: String]
    var key: String?
    var token: String?
    var caller: Caller
    var body: Data
    /// Calls what it is given once the connection of the request is gone.
    var whenClosed: @Sendable (@escaping @Sendable () -> Void) -> Void

    var userName: String {
        if case .user(_, let name) = caller { name } else { "" }
    }

    func decoded<Value: Codable>(_ type: Value.Type) throws -> Value {
        try StrictJSON.decode(type, from: body)
    }
}

/// Everything that can be asked of the daemon over HTTP, by method and path.
struct Routes: Sendable {
    let daemon: ClusterDaemon
    let submissions = SubmissionReader()
    /// What machines must show to join; nil when none may.
    let joinToken: String?
    let stopRequested: @Sendable () -> Void

    func answer(_ request: RouteRequest) async throws -> HTTPAnswer {
        guard let first = request.path.first else { throw notFound(request) }
        if case .network = request.caller, first != "agents" {
            throw HTTPProblem(403, "Only agents may come over the network.")
        }
        if first == "status", request.method == "GET" { return try .value(await status()) }
        try checkPhase()
        switch first {
        case "leases": return try await leases(request)
        case "jobs": return try await jobs(request)
        case "agents": return try await agents(request)
        case "events": return try await events(request)
        case "queues": return try await queues(request)
        case "accounts": return try await accounts(request)
        case "machines": return try await machines(request)
        case "devices": return try await devices(request)
        case "description": return try await description(request)
        case "backup": return try await backup(request)
        case "shutdown" where request.method == "POST":
            stopRequested()
            return .done
        default: throw notFound(request)
        }
    }

    func notFound(_ request: RouteRequest) -> HTTPProblem {
        HTTPProblem(
            404, "hengd has nothing under \(request.method) /v1/\(request.path.joined(separator: "/")).")
    }

    private func checkPhase() throws {
        switch daemon.currentPhase {
        case .working: return
        case .recovering:
            var problem = HTTPProblem(
                503, "hengd is still reading its state.", nextStep: "Try again in a moment.",
                exitCode: .setupMissing)
            problem.isPassing = true
            throw problem
        case .failed(let why): throw HTTPProblem(503, why, exitCode: .setupMissing)
        }
    }

    /// Records events that must all be taken in, or says why one was not.
    func record(_ events: [Event]) async throws {
        let actions = try await daemon.ask { Mail.record(events, $0) }
        for action in actions.joined() {
            switch action {
            case .refused(let error): throw error
            case .ignored(let why):
                throw HTTPProblem(409, "Not done: \(why).", exitCode: .negative)
            default: continue
            }
        }
    }
}
