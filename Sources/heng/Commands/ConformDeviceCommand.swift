internal import ArgumentParser
internal import DeviceConformance
internal import Essentials

/// What every run of the kit can be told.
struct KitChoices: ParsableArguments {
    @Option(help: "The device, as `heng devices` names it; with --plugin its number follows the colon.")
    var device = "cpu:0"

    @Option(
        help: ArgumentHelp("Load this library instead of the backends that are known.", valueName: "file"))
    var plugin: String?

    @Option(help: ArgumentHelp("What the device promises, and what it is not held to.", valueName: "file"))
    var profile: String?

    @Option(help: "Only cases whose name matches this regular expression.")
    var filter: String?

    @Option(
        help: ArgumentHelp(
            "Compare the bits of results with this device as well; may be given several times.",
            valueName: "device"))
    var against: [String] = []

    @Option(help: "The folder of ONNX's public cases, instead of the fetched ones.")
    var cases: String?

    @Option(help: "What the random inputs of properties come from.")
    var seed: UInt64 = 1

    @Option(help: "How many seconds the search for leaks takes.")
    var soak = 2.0

    @Option(help: "The seconds that one case may take.")
    var timeLimit = 120.0

    @Flag(help: "Leave out what takes long: large copies, and modes of ONNX's cases beyond the first.")
    var quick = false

    @Flag(help: "Run what the profile excludes as well, and fail when it passes.")
    var verify = false

    @Option(help: ArgumentHelp("Write all results as JSON.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write all results as JUnit's XML.", valueName: "file"))
    var junit: String?

    @Option(help: ArgumentHelp("Write a page that shows all results.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Say what differs from this earlier report.", valueName: "file"))
    var compare: String?
}

/// A command that runs some levels of the kit.
protocol KitCommand: ParsableCommand {
    /// Nil for all that the profile has.
    static var levels: [Level]? { get }
    var choices: KitChoices { get }
}

extension KitCommand {
    func run() throws {
        let name = Self.configuration.commandName ?? "all"
        try KitSession(choices, command: name, levels: Self.levels).run()
    }
}

extension ConformCommand {
    struct OnDevice: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "device", abstract: "Checks loading and the runtime of a device (levels L0 and L1).",
            discussion: """
                Examples: heng conform device --device cpu:0
                          heng conform device --plugin ./libvendor.so --device gpu:0 --html report.html
                          heng conform device --filter '^runtime/copy/'
                """)
        static let levels: [Level]? = [.load, .runtime]
        @OptionGroup var choices: KitChoices
    }

    struct Operators: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "operators", abstract: "Checks the operators that a device offers (level L2).",
            discussion: "Example: heng conform operators --device cpu:0 --filter Softmax --seed 7")
        static let levels: [Level]? = [.operators]
        @OptionGroup var choices: KitChoices
    }

    struct Models: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "models", abstract: "Checks whole models on a device (level L3).",
            discussion: "Example: heng conform models --device cpu:0")
        static let levels: [Level]? = [.models]
        @OptionGroup var choices: KitChoices
    }

    struct Robustness: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "robustness", abstract: "Checks what a device does when things go wrong (level L4).",
            discussion: "Example: heng conform robustness --device cpu:0 --soak 3600")
        static let levels: [Level]? = [.robustness]
        @OptionGroup var choices: KitChoices
    }

    struct Determinism: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "determinism", abstract: "Checks that results repeat bit by bit (level D).",
            discussion: """
                Devices of one library that claim the same bits on every device are compared with each other.

                Examples: heng conform determinism --device cpu:0
                          heng conform determinism --device simdev:0 --against simdev:1
                """)
        static let levels: [Level]? = [.determinism]
        @OptionGroup var choices: KitChoices
    }

    struct Performance: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "performance",
            abstract: "Measures a device; only budgets of the profile judge it (level P).",
            discussion: "Example: heng conform performance --device cpu:0")
        static let levels: [Level]? = [.performance]
        @OptionGroup var choices: KitChoices
    }

    struct Everything: KitCommand {
        static let configuration = CommandConfiguration(
            commandName: "all", abstract: "Checks every level that the device's profile has.",
            discussion: "Example: heng conform all --device cpu:0 --json report.json --html report.html")
        static let levels: [Level]? = nil
        @OptionGroup var choices: KitChoices
    }

    struct Clauses: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clauses",
            abstract: "Lists our reading of GB/T 45280, and what tests each requirement.",
            discussion: """
                The text of the standard was not read: each line is our reading of public material about it. With a
                report of `heng conform all` it says how the device fared.

                Examples: heng conform clauses
                          heng conform clauses --report report.json
                """)

        @Option(help: ArgumentHelp("A report that --json wrote.", valueName: "file"))
        var report: String?

        @OptionGroup var output: OutputOptions

        func run() throws {
            let result = try report.map { try KitResult.read($0) }
            let rows = Requirement.all.map { requirement in
                ClauseRow(
                    requirement: requirement.name, module: requirement.module.rawValue,
                    ourReading: requirement.text, functions: requirement.functions,
                    cases: requirement.cases + requirement.furtherCases,
                    outcomes: result.map { requirement.outcomes(in: $0) },
                    status: requirement.status(in: result))
            }
            let groups = InterfaceGroup.all.map { group in
                GroupRow(group: group.name, table: group.table, status: group.status(in: result))
            }
            try output.show(ClauseList(requirements: rows, groups: groups)) { text(rows, groups) }
        }

        private func text(_ rows: [ClauseRow], _ groups: [GroupRow]) -> String {
            let lines = rows.map { row in
                "\(row.requirement)  \(row.status)\n    our reading: \(row.ourReading)\n    functions: "
                    + row.functions.joined(separator: ", ")
                    + (row.cases.isEmpty
                        ? "" : "\n    cases: \((row.outcomes ?? row.cases).joined(separator: ", "))")
            }
            let tables = groups.map { "    \($0.group) (\($0.table)): \($0.status)" }
            return lines.joined(separator: "\n") + "\nGroups of the header:\n"
                + tables.joined(separator: "\n")
                + "\nThe text of GB/T 45280-2025 was not read: these are our readings of public material about it."
        }
    }
}

/// What the command shows, as JSON.
private struct ClauseList: Codable {
    var requirements: [ClauseRow]
    var groups: [GroupRow]
}

/// A group of the header as the command shows it.
private struct GroupRow: Codable {
    var group: String
    var table: String
    var status: String
}

/// A requirement as the command shows it.
private struct ClauseRow: Codable {
    var requirement: String
    var module: String
    var ourReading: String
    var functions: [String]
    var cases: [String]
    /// How the cases ended, with a report.
    var outcomes: [String]?
    var status: String

    private enum CodingKeys: String, CodingKey {
        case requirement, module, functions, cases, outcomes, status
        case ourReading = "our_reading"
    }
}
