internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Synchronization

// Agents of other machines: commands go to them as server-sent events, their reports come as requests.
extension Routes {
    func agents(_ request: RouteRequest) async throws -> HTTPAnswer {
        try checkToken(request)
        switch (request.method, request.path.count) {
        case ("POST", 1): return try await join(request)
        case ("POST", 3) where request.path[2] == "reports":
            try await checkInstance(request)
            for report in try request.decoded([AgentReport].self) {
                daemon.put(.report(machine: request.path[1], report))
            }
            return .done
        default: throw notFound(request)
        }
    }

    /// Users of the Unix socket have proved more than a token does.
    private func checkToken(_ request: RouteRequest) throws {
        guard case .network = request.caller else { return }
        guard let joinToken, let token = request.token, Routes.areEqual(joinToken, token) else {
            throw HTTPProblem(
                401, "The join token is missing or wrong.",
                nextStep: "Give the agent the text of `join-token` in the daemon's state folder.",
                exitCode: .setupMissing)
        }
    }

    /// Takes as long for a wrong token as for the right one.
    private static func areEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Of two agents of one name only the one that was let in has something to say.
    private func checkInstance(_ request: RouteRequest) async throws {
        let name = request.path[1]
        let known = try await daemon.look { $0.links[name]?.hello.instance }
        guard let known, let given = request.query["instance"], known != given else { return }
        throw HTTPProblem(
            409, "Another agent lends a machine of the name \(name).",
            nextStep: "Give one of them another name with --name.", exitCode: .setupMissing)
    }

    private func join(_ request: RouteRequest) async throws -> HTTPAnswer {
        let hello = try request.decoded(AgentHello.self)
        let link = RemoteLink()
        let name = hello.machine.name
        try await daemon.ask { Mail.joined(hello, link, $0) } as Void
        let daemon = daemon
        link.whenOver { daemon.put(.parted(machine: name, link)) }
        request.whenClosed { daemon.put(.parted(machine: name, link)) }
        return .events(link.events)
    }
}

/// The way to an agent on another machine: a stream that it reads.
final class RemoteLink: AgentLink {
    let events: AsyncThrowingStream<ServerEvent, any Error>
    private let continuation: AsyncThrowingStream<ServerEvent, any Error>.Continuation
    private let life = Mutex<Task<Void, Never>?>(nil)

    /// More than this many commands that nobody reads mean that nobody is there.
    private static let bound = 100_000

    init() {
        (events, continuation) = AsyncThrowingStream.makeStream(
            bufferingPolicy: .bufferingOldest(RemoteLink.bound))
        let continuation = continuation
        let task = Task {
            while !Task.isCancelled {
                continuation.yield(ServerEvent(name: "", data: ""))
                // Only cancelling ends the sleep early.
                try? await Task.sleep(for: HTTPAnswer.signOfLife)
            }
        }
        life.withLock { $0 = task }
    }

    func send(_ command: AgentCommand) {
        // Commands are numbers and texts, which always become JSON.
        guard let data = try? JSONEncoder().encode(command) else { return }
        let event = ServerEvent(name: "command", data: String(decoding: data, as: UTF8.self))
        if case .dropped = continuation.yield(event) { continuation.finish() }
    }

    func whenOver(_ body: @escaping @Sendable () -> Void) {
        continuation.onTermination = { [weak self] _ in
            self?.life.withLock { $0 }?.cancel()
            body()
        }
    }

    /// Another connection of the same machine has taken over.
    func close() { continuation.finish() }
}
