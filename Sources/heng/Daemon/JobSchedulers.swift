internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import TopologyDiscovery

/// Whoever places the jobs that this command runs by itself.
///
/// It is hengd where that runs for the state folder, and else the machine's ledger there: never both, so that no core is
/// given to two jobs.
enum JobSchedulers {
    /// `client` is the daemon that was found; nil when there is none.
    static func scheduler(of client: DaemonClient?, _ topology: Topology, allowed: CPUSet) throws
        -> any JobScheduler
    {
        if let client {
            return DaemonLeases(client.address, machine: topology.cpus, allowedCPUs: allowed)
        }
        return try EmbeddedScheduler(
            folder: try LedgerFolder.path(environment: ProcessInfo.processInfo.environment),
            topology: topology, allowedCPUs: allowed)
    }
}
