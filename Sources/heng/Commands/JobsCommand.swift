internal import ArgumentParser
internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Scheduling
internal import TopologyDiscovery

struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists the jobs of this machine, with the reason of every wait.",
        discussion: "Example: heng jobs --json")

    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try LedgerFolder.path(environment: ProcessInfo.processInfo.environment)
        let jobs = try Ledger(in: folder, machine: thisMachine()).jobs()
        try output.show(jobs) { jobs.description }
    }
}

/// The name under which the ledger keeps this machine: the host name, as topology discovery has it.
func thisMachine() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
