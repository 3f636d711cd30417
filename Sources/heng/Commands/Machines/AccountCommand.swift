internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import JobSubmission
internal import Scheduling

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Lists accounts, or sets the share and the quota of one.",
        discussion: """
            Examples: heng account
                      heng account lab --shares 3 --cores 16 --mem 64GiB

            A job is charged to the account of --account, or to one of its user's name. What is not said stays, and the
            word none lifts a limit. What an account has used loses half of its weight in each week.
            """)

    @Argument(help: "Its name; without one, all are listed.")
    var name: String?

    @Option(help: "Its part of the machines under fair share, in proportion to the other accounts.")
    var shares: String?

    @Option(help: "Jobs that may hold resources at once.")
    var running: String?

    @Option(help: "Cores that its jobs may hold together.")
    var cores: String?

    @Option(help: "Memory that its jobs may hold together.")
    var mem: String?

    @Option(help: "Whole accelerators, or parts such as 1.5, that its jobs may hold together.")
    var devices: String?

    @OptionGroup var display: ListingOptions

    private var changesNothing: Bool {
        shares == nil && running == nil && cores == nil && mem == nil && devices == nil
    }

    func validate() throws {
        if name == nil, !changesNothing { throw ValidationError("Name the account to set.") }
    }

    func run() throws {
        let name = try name.map { try NameCheck.name($0, option: "The account") }
        // Everything is read before anything is asked.
        var dry = AccountSettings()
        try change(&dry)
        let client = try DaemonAccess.require(for: "heng account")
        let rows = try client.accounts()
        guard let name, !changesNothing else { return try show(rows, name) }
        var settings = rows.first { $0.name == name }?.settings ?? AccountSettings()
        try change(&settings)
        try client.set(settings, ofAccount: name)
        try show(client.accounts(), name)
    }

    private func change(_ settings: inout AccountSettings) throws {
        if let shares { settings.shares = try Amounts.count(shares, in: 1...1_000_000, option: "--shares") }
        if let running {
            settings.quota.runningJobs = try limit(running) {
                try Amounts.count($0, in: 0...100_000_000, option: "--running")
            }
        }
        if let cores {
            settings.quota.cores = try limit(cores) { try Amounts.cores($0, option: "--cores") }
        }
        if let mem { settings.quota.memory = try limit(mem) { try Amounts.memory($0, option: "--mem") } }
        if let devices {
            settings.quota.devices = try limit(devices) {
                try Amounts.share($0, option: "--devices").units
            }
        }
    }

    private func show(_ rows: [AccountRow], _ name: String?) throws {
        let chosen = rows.filter { name == nil || $0.name == name }
        if chosen.isEmpty, let name {
            throw Failure(
                "There is no account '\(name)'.",
                nextStep: "An account is there once it has a setting or a job; `heng account` lists them.",
                exitCode: .negative)
        }
        try display.show(chosen, names: chosen.map(\.name)) { text(chosen) }
    }

    private func text(_ rows: [AccountRow]) -> String {
        textTable(
            header: ["ACCOUNT", "SHARES", "JOBS", "RUNNING", "CORES", "MEMORY", "USED CORE HOURS", "QUOTA"],
            rows.map { row in
                [
                    row.name, "\(row.settings.shares)", "\(row.jobs)", "\(row.runningJobs)",
                    row.cores.formatted(significant: 4), row.memory == .zero ? "-" : "\(row.memory)",
                    (row.usedCoreSeconds / 3600).formatted(significant: 4),
                    QueueTable.quota(row.settings.quota, "together") ?? "-",
                ]
            })
    }
}
