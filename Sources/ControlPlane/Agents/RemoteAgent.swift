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

    private let heartbeat: Duration
    /// The daemon shows a sign of life more often than this.
    static let silenceLimit: Duration = .seconds(30)
    private static let pauses: [Duration] = [.milliseconds(200), .seconds(1), .seconds(3), .seconds(10)]

    package init(
        _ runtime: any AgentRuntime, of machineClass: MachineClass, server address: DaemonAddress,
        token: String, heartbeat: Duration = .seconds(4), log: DaemonLog
    ) {
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
        while !isOver {
            var hello = greeting
            hello.attempts = runtime.statuses
            do {
                let client = DaemonClient(address, token: token)
                let stream = try client.events(
                    "POST", "/v1/agents", hello, silence: RemoteAgent.silenceLimit)
                log.write("connected to \(address)")
                failures = 0
                while let event = stream.next() { take(event) }
                log.write("the connection to \(address) is gone")
            } catch {
                if failures == 0 { log.write("\(error)") }
            }
            let pause = RemoteAgent.pauses[min(failures, RemoteAgent.pauses.count - 1)]
            failures += 1
            usleep(UInt32(pause.nanoseconds / 1000))
        }
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
            do {
                try client.send(
                    "POST", "/v1/agents/\(escaped(machine))/reports", waiting.isEmpty ? [.heartbeat] : waiting
                )
                waiting = []
            } catch {
                // Said by the other thread; the reports wait for the next try.
                usleep(300_000)
            }
        }
    }
}
