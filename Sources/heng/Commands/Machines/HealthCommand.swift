internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import JobSubmission
internal import Scheduling

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Shows which parts of machines are not healthy, and sets how healthy a part is.",
        discussion: """
            Examples: heng health
                      heng health set reset-when-idle --device gpu:0 --why 'double-bit errors'
            """,
        subcommands: [List.self, SetLevel.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the parts that are not healthy, and why.",
            discussion: "Example: heng health list")

        @OptionGroup var display: ListingOptions

        func run() throws {
            let machines = try DaemonAccess.require(for: "heng health").status().machines
            let faults = machines.flatMap(\.faults)
            try display.show(faults, names: faults.map { $0.part.device?.description ?? $0.part.machine }) {
                guard !faults.isEmpty else { return "Everything is healthy." }
                return textTable(
                    header: ["MACHINE", "PART", "LEVEL", "WHY"],
                    faults.map { fault in
                        [
                            fault.part.machine, fault.part.device?.description ?? "all of it",
                            fault.levelPhrase, fault.why,
                        ]
                    })
            }
        }
    }

    struct SetLevel: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Says how healthy a part of a machine is.",
            discussion: """
                Example: heng health set isolated --device cpu:0 --why 'memory errors'

                healthy: nothing is wrong.
                ignored: known, and of no consequence.
                retry-request: services should send requests again; jobs go on.
                restart-service: jobs there are started again.
                reset-when-idle: no new work; reset once nothing runs there.
                reset-now: jobs there are started again elsewhere, and the part is reset.
                isolated: jobs there are started again elsewhere, and the part gets no more.
                pre-isolated: no new work; what runs goes on.
                sub-healthy: still usable, but the last to be chosen.
                """)

        @Argument(help: "The level.")
        var level: String

        @Argument(help: "The machine, by its name in heng status; this one when left out.")
        var machine: String?

        @Option(help: "A NUMA node or an accelerator, such as cpu:0 or gpu:1; else the whole machine.")
        var device: String?

        @Option(help: "Why, for those who wait.")
        var why = "on request"

        @OptionGroup var display: ListingOptions

        func run() throws {
            let machine = try NameCheck.name(machine ?? thisMachine(), option: "The machine")
            let part = try device.map { text in
                guard let id = DeviceID(parsing: text) else {
                    throw Failure(
                        "--device \(text) is no part of a machine.",
                        nextStep: "Write it like --device cpu:0; `heng status` lists them.",
                        exitCode: .wrongUse)
                }
                return id
            }
            let health = HealthRequest(
                device: part, level: try Amounts.choice(level, option: "The level"), why: why)
            try DaemonAccess.require(for: "heng health").setHealth(health, of: machine)
            try display.show(health, names: [part?.description ?? machine]) {
                "\(MachinePart(machine: machine, device: part)) is \(health.level.rawValue): \(why)"
            }
        }
    }
}

extension MachineStatus.Fault {
    var levelPhrase: String { resetSince == nil ? level.rawValue : "being reset" }

    /// `gpu:0 isolated: double-bit errors`.
    var phrase: String { "\(part.device?.description ?? "machine") \(levelPhrase): \(why)" }
}
