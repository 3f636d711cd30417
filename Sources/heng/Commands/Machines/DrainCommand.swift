internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import JobSubmission

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Gives a machine no new work; what runs there goes on.",
        discussion: "Example: heng drain --why 'new memory' $(hostname)")

    @Argument(help: "The machine, by its name in heng status; this one when left out.")
    var machine: String?

    @Option(help: "Why, for those who wait.")
    var why = "on request"

    @OptionGroup var display: ListingOptions

    func run() throws {
        let machine = try NameCheck.name(machine ?? thisMachine(), option: "The machine")
        try DaemonAccess.require(for: "heng drain").drain(machine, why: why)
        try display.show([machine], names: [machine]) { "Drained \(machine)" }
    }
}

struct UndrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain", abstract: "Gives a drained machine work again.",
        discussion: "Example: heng undrain")

    @Argument(help: "The machine, by its name in heng status; this one when left out.")
    var machine: String?

    @OptionGroup var display: ListingOptions

    func run() throws {
        let machine = try NameCheck.name(machine ?? thisMachine(), option: "The machine")
        try DaemonAccess.require(for: "heng undrain").undrain(machine)
        try display.show([machine], names: [machine]) { "Undrained \(machine)" }
    }
}
