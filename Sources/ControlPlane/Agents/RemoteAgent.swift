package import ControlAPI
internal import Essentials
internal import Foundation
package import Scheduling
internal import Synchronization

/// The agent's end of the connection to a daemon on another machine.
///
/// It connects again whenever the connection is gone, and says each time what it has. What runs goes on meanwhile.
package final class RemoteAgent: Sendable {
    private let runtime: any AgentRuntime
    private let address: DaemonAddress
    private let token: String
    private let machineClass: MachineClass
    private let log: DaemonLog
    private let reports = Mailbox<AgentReport>()
    private let isStopped = Mutex(false)
    /// Only an agent that was let in has anything to report.
    private let isConnected = Mutex(false)
    private let instance = UUID().uuidString
    private let refused: @Sendable (any Error) -> Void

    private let heartbeat: Duration
    /// The daemon shows a sign of life more often than this.
    static let silenceLimit: Duration = .seconds(30)
    private static let pauses: [Duration] = [.milliseconds(200), .seconds(1), .seconds(3), .seconds(10)]
    /// After refusals, which pass only when somebody does something.
    private static let refusedPause: Duration = .seconds(60)
    /// The same words are said again after so many tries.
    private static let silentTries = 30

    /// `refused` is called when the daemon does not take the token of an agent that it has never let in.
    package init(
        _ runtime: any AgentRuntime, of machineClass: MachineClass, server address: DaemonAddress,
        token: String, heartbeat: Duration = .seconds(4), log: DaemonLog,
        refused: @escaping @Sendable (any Error) -> Void
    ) {
        self.refused = refused
        self.heartbeat = heartbeat
        self.runtime = runtime
        self.machineClass = machineClass
        self.address = address
        self.token = token
        self.log = log
    }

    /// Adopts what is there, and works on threads of its own until `stop`.
    package func start() throws {
        var hello = try runtime.join(expecting: [:]) { [reports] in reports.put($0) }
        hello.machineClass = machineClass
        hello.instance = instance
        let greeting = hello
        try startThread { [self] in follow(greeting) }
        try startThread { [self] in report(for: greeting.machine.name) }
    }

    package func stop() {
        isStopped.withLock { $0 = true }
        runtime.leave()
    }

    private var isOver: Bool { isStopped.withLock { $0 } }

    /// Reads commands, one connection after the other.
    private func follow(_ greeting: AgentHello) {
        var failures = 0
        var wasLetIn = false
        var lastWords = ""
        while !isOver {
            var isRefused = false
            var hello = greeting
            hello.attempts = runtime.statuses
            do {
                let client = DaemonClient(address, token: token)
                let stream = try client.events(
                    "POST", "/v1/agents", hello, silence: RemoteAgent.silenceLimit)
                log.write("connected to \(address)")
                (failures, wasLetIn, lastWords) = (0, true, "")
                isConnected.withLock { $0 = true }
                while let event = stream.next() { take(event) }
                isConnected.withLock { $0 = false }
                log.write("the connection to \(address) is gone")
            } catch {
                let refusal = error as? DaemonRefusal
                // Trying again with the same token would not help; one that was let in before has jobs to come back for.
                if !wasLetIn, refusal?.isAboutToken == true { return refused(error) }
                isRefused = refusal != nil
                let words = "\(error)"
                if words != lastWords || failures % RemoteAgent.silentTries == 0 {
                    log.write("\(words) It is tried again.")
                }
                lastWords = words
            }
            pause(after: failures, isRefused: isRefused)
            failures += 1
        }
    }

    /// In short steps, so that a stop is seen.
    private func pause(after failures: Int, isRefused: Bool) {
        let isLong = isRefused && failures >= RemoteAgent.pauses.count
        let pause =
            isLong
            ? RemoteAgent.refusedPause : RemoteAgent.pauses[min(failures, RemoteAgent.pauses.count - 1)]
        let end = TimePoint.monotonicNow() + pause
        while !isOver, TimePoint.monotonicNow() < end { usleep(100_000) }
    }

    private func take(_ event: ServerEvent) {
        guard event.name == "command" else { return }
        do {
            runtime.carryOut(try JSONDecoder().decode(AgentCommand.self, from: Data(event.data.utf8)))
        } catch {
            log.write("a command of \(address) cannot be read: \(error)")
        }
    }

    /// Sends what there is to say, and at least a sign of life.
    private func report(for machine: String) {
        let client = DaemonClient(address, token: token)
        var waiting: [AgentReport] = []
        while !isOver {
            waiting += reports.takeAll(waitingAtMost: heartbeat)
            guard isConnected.withLock(\.self) else { continue }
            do {
                try client.send(
                    "POST", "/v1/agents/\(escaped(machine))/reports?instance=\(instance)",
                    waiting.isEmpty ? [.heartbeat] : waiting
                )
                waiting = []
            } catch {
                // Said by the other thread; the reports wait for the next try.
                usleep(300_000)
            }
        }
    }
}
