internal import ControlAPI
internal import ControlPlane
internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Scheduling
internal import Synchronization

/// The agent of this machine: supervised processes, held to their limits as well as the machine can.
final class MachineRuntime: AgentRuntime {
    private let stateFolder: String
    private let machine: Machine
    private let machineClass: MachineClass
    private let resets: ResetPrograms
    private let host = Mutex<(host: AttemptHost, folder: AttemptsFolder)?>(nil)

    init(stateFolder: String, machine: Machine, machineClass: MachineClass, resets: ResetPrograms) {
        self.stateFolder = stateFolder
        self.resets = resets
        self.machine = machine
        self.machineClass = machineClass
    }

    func join(
        expecting attempts: [String: [AttemptID]], reporting report: @escaping @Sendable (AgentReport) -> Void
    ) throws -> AgentHello {
        let isolation = Isolation.detect()
        let folder = try AttemptsFolder(of: stateFolder)
        let options = AttemptOptions(resets: resets, addresses: machine.acceleratorAddresses)
        let host = try AttemptHost(
            folder: folder.path, machine: machine.name, isolation: isolation, supervisor: .locate(),
            options: options, report: report)
        self.host.withLock { $0 = (host, folder) }
        return AgentHello(
            machine: machine, machineClass: machineClass, boot: BootName.current,
            enforcement: isolation.enforcement, attempts: host.adopted)
    }

    var statuses: [AttemptStatus] { host.withLock { $0 }?.host.statuses ?? [] }

    func carryOut(_ command: AgentCommand) { host.withLock { $0 }?.host.perform(command) }

    func leave() {
        guard let (host, folder) = host.withLock({ $0 }) else { return }
        host.close()
        folder.giveBack()
    }
}
