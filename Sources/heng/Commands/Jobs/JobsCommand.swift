internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import MachineAgent
internal import Scheduling
internal import TopologyDiscovery

struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists jobs, with the reason of every wait.",
        discussion: """
            Examples: heng jobs --json
                      heng jobs --all -u $USER --state failed,timeout

            Without hengd these are the jobs of this machine's ledger, ended ones included.
            """)

    @Argument(help: "Only these: 12, 12_3, 12_[1-5,9], 12-20, last.")
    var jobs: [String] = []

    @Flag(name: .shortAndLong, help: "Ended jobs too.")
    var all = false

    @Option(name: .shortAndLong, help: "Only jobs of this user.")
    var user: String?

    @Option(name: .shortAndLong, help: "Only jobs of this name.")
    var name: String?

    @Option(name: [.customShort("p"), .long], help: "Only jobs of this queue.")
    var queue: String?

    @Option(help: "Only jobs in these states, with commas between.")
    var state: [String] = []

    @OptionGroup var display: ListingOptions

    func run() throws {
        let states = try StateText.read(state)
        let table =
            if let client = try DaemonAccess.find() {
                try client.jobs(
                    selection(
                        jobs, user: user, name: name, queue: queue, states: state, JobLookup(client: client)),
                    includingEnded: all || !jobs.isEmpty || states.contains { StateText.ended.contains($0) })
            } else {
                try embedded(states)
            }
        try display.show(table, names: table.rows.map(\.job.description)) { table.description }
    }

    /// The jobs of the machine's ledger, which knows neither queues nor arrays.
    private func embedded(_ states: [String]) throws -> JobTable {
        if queue != nil { throw OwnJob.refusal(of: "--queue") }
        let folder = try LedgerFolder.path(environment: ProcessInfo.processInfo.environment)
        var table = try Ledger(in: folder, machine: thisMachine()).jobs()
        let words = try JobWord.read(all: jobs)
        let newest = table.rows.map(\.job).max()
        table.rows = table.rows.filter { row in
            (user == nil || row.user == user) && (name == nil || row.name == name)
                && (states.isEmpty || states.contains(row.state))
                && (words.isEmpty
                    || words.contains { word in
                        switch word {
                        case .reference(let reference): reference.job == row.job && reference.tasks == nil
                        case .last: row.job == newest
                        }
                    })
        }
        return table
    }
}

/// The name under which the ledger keeps this machine: the host name, as topology discovery has it.
func thisMachine() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
