internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store
internal import Synchronization

extension Routes {
    func status() async throws -> DaemonStatus {
        let phase = daemon.currentPhase
        guard case .working = phase else {
            var trouble: String?
            if case .failed(let why) = phase { trouble = why }
            return DaemonStatus(
                version: DaemonVersion.text, pid: ProcessInfo.processInfo.processIdentifier,
                stateFolder: daemon.folder, isReady: false, startedAt: daemon.startedAt,
                durability: DaemonVersion.durability, jobsWaiting: 0, jobsRunning: 0, machines: [],
                queues: [], trouble: trouble)
        }
        let (folder, startedAt) = (daemon.folder, daemon.startedAt)
        return try await daemon.look { owner in
            DaemonStatus(
                version: DaemonVersion.text, pid: ProcessInfo.processInfo.processIdentifier,
                stateFolder: folder, isReady: owner.isReady, startedAt: startedAt,
                durability: DaemonVersion.durability, jobsWaiting: owner.state.waitingCount,
                jobsRunning: owner.state.activeJobs.count, machines: owner.machineRows,
                queues: owner.state.queues.map(\.name), trouble: owner.trouble.map { "\($0)" })
        }
    }

    func queues(_ request: RouteRequest) async throws -> HTTPAnswer {
        switch (request.method, request.path.count) {
        case ("GET", 1): return try .value(await daemon.look { $0.state.queues })
        case ("PUT", 2):
            let queue = try request.decoded(Queue.self)
            guard queue.name == request.path[1] else {
                throw HTTPProblem(400, "The queue's name differs from that in the path.")
            }
            try checkName(queue.name, of: "queue")
            try await record([.queueSet(queue)])
            return .done
        case ("DELETE", 2):
            try await record([.queueRemoved(request.path[1])])
            return .done
        default: throw notFound(request)
        }
    }

    func accounts(_ request: RouteRequest) async throws -> HTTPAnswer {
        if request.method == "GET", request.path.count == 1 {
            return try .value(
                await daemon.look { $0.state.accountRows(at: max($0.state.time, $0.clock.now())) })
        }
        guard request.method == "PUT", request.path.count == 2 else { throw notFound(request) }
        let name = request.path[1]
        try checkName(name, of: "account")
        try await record([.quotaSet(account: name, request.decoded(AccountSettings.self))])
        return .done
    }

    func machines(_ request: RouteRequest) async throws -> HTTPAnswer {
        switch (request.method, request.path.count, request.path.last) {
        case ("GET", 1, _): return try .value(await status().machines)
        case ("POST", 3, "drain"):
            let why = try request.decoded(DrainRequest.self).why
            try await record([.drained(request.path[1], why: why)])
            return .done
        case ("POST", 3, "health"):
            let health = try request.decoded(HealthRequest.self)
            let part = MachinePart(machine: request.path[1], device: health.device)
            try await record([.healthChanged(part, health.level, why: health.why)])
            return .done
        case ("POST", 3, "undrain"):
            try await record([.undrained(request.path[1])])
            return .done
        default: throw notFound(request)
        }
    }

    func devices(_ request: RouteRequest) async throws -> HTTPAnswer {
        let path = request.path
        switch (request.method, path.count) {
        case ("GET", 1): return try .value(await daemon.look { $0.state.devices })
        case ("POST", 1):
            let device = try request.decoded(NamedDeviceRequest.self)
            try checkName(device.name, of: "virtual device")
            try await record([.deviceMade(device)])
            return .done
        case ("PATCH", 2):
            try await record([.deviceResized(path[1], request.decoded(NamedDeviceRequest.Amounts.self))])
            return .done
        case ("DELETE", 2):
            try await record([.deviceDeleted(path[1])])
            return .done
        default: throw notFound(request)
        }
    }

    func description(_ request: RouteRequest) async throws -> HTTPAnswer {
        guard request.method == "GET" else { throw notFound(request) }
        return try .value(
            await daemon.look { owner in owner.links.values.map(\.hello).map(MachineDescription.init) })
    }

    func backup(_ request: RouteRequest) async throws -> HTTPAnswer {
        guard request.method == "POST" else { throw notFound(request) }
        return try .value(BackupReply(path: await daemon.backUp()))
    }

    /// Names end up in tables, in paths of control groups and in addresses.
    private func checkName(_ name: String, of what: String) throws {
        let isPlain = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [45, 46, 95].contains(byte)
        }
        guard isPlain, (1...64).contains(name.utf8.count), !name.hasPrefix(".") else {
            throw HTTPProblem(
                422, "\(name.debugDescription) cannot be the name of a \(what).",
                nextStep: "Use 1 to 64 letters, digits, '-', '_' and '.', the first not a dot.")
        }
    }
}

/// What this program says of itself.
package enum DaemonVersion {
    package static let text = "0.1.0"
    static let durability = "power: a submission is on the disk before it is answered"
}

/// A machine as its agent describes it.
struct MachineDescription: Codable, Sendable {
    var machine: Machine
    var machineClass: MachineClass
    var enforcement: [String: EnforcementStrength]

    init(_ hello: AgentHello) {
        machine = hello.machine
        machineClass = hello.machineClass
        enforcement = hello.enforcement
    }
}

extension Owner {
    var machineRows: [DaemonStatus.MachineRow] {
        state.machineFacts.map { facts in
            let link = links[facts.name]
            let isThere = link.map { !($0.link is AbsentLink) } ?? false
            return DaemonStatus.MachineRow(
                name: facts.name, machineClass: link?.hello.machineClass ?? .cloud,
                state: !isThere ? "DOWN" : facts.status.stateName,
                why: !isThere ? "its agent has not connected" : facts.status.closedBecause,
                cores: facts.cores,
                coresFree: facts.coresFree, memory: facts.memory, memoryFree: facts.memoryFree,
                devices: facts.devices, jobs: facts.jobs, enforcement: link?.hello.enforcement ?? [:],
                faults: facts.status.faults)
        }
    }
}

extension ClusterDaemon {
    /// Copies the database on a thread of its own.
    func backUp() async throws -> String {
        guard
            isBackingUp.withLock({ isBusy in
                defer { isBusy = true }
                return !isBusy
            })
        else { throw StoreError.busy("A backup") }
        defer { isBackingUp.withLock { $0 = false } }
        let folder = folder
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try startThread {
                    continuation.resume(with: Result { try Backups.make(of: folder, at: .wallNow()) })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
