internal import ControlAPI
internal import ControlPlane
internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Scheduling
internal import Synchronization

/// The agent of this machine: supervised processes, held to their limits as well as the machine can.
final class MachineRuntime: AgentRuntime {
    private let folder: String
    private let machine: Machine
    private let machineClass: MachineClass
    private let host = Mutex<AttemptHost?>(nil)

    init(folder: String, machine: Machine, machineClass: MachineClass) {
        self.folder = folder
        self.machine = machine
        self.machineClass = machineClass
    }

    func join(
        expecting attempts: [String: [AttemptID]], reporting report: @escaping @Sendable (AgentReport) -> Void
    ) throws -> AgentHello {
        let isolation = Isolation.detect()
        let host = try AttemptHost(
            folder: folder, machine: machine.name, isolation: isolation, supervisor: .locate(),
            report: report)
        self.host.withLock { $0 = host }
        return AgentHello(
            machine: machine, machineClass: machineClass, boot: BootName.current,
            enforcement: isolation.enforcement, attempts: host.adopted)
    }

    var statuses: [AttemptStatus] { host.withLock { $0 }?.statuses ?? [] }

    func carryOut(_ command: AgentCommand) { host.withLock { $0 }?.perform(command) }

    func leave() { host.withLock { $0 }?.close() }
}
