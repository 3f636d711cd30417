internal import ArgumentParser
internal import Essentials

/// A wrong use of the command line: one sentence, and what to do next.
struct UsageError: ReportableError {
    let summary: String
    let nextStep: String?
    var exitCode: Essentials.ExitCode { .wrongUse }

    /// Says in our form what the parser found.
    init(_ error: any Error, arguments: [String]) {
        let lines = Heng.message(for: error).split { $0.isNewline || $0 == "\t" }
        let text = lines.map { $0.split(separator: " ").joined(separator: " ") }.joined(separator: " ")
        summary = text.hasSuffix(".") || text.hasSuffix("?") ? text : text + "."
        let command = arguments.first.flatMap { Self.commands.contains($0) ? $0 : nil }
        if command == "submit", text.contains("nexpected argument") {
            nextStep = "Put the command to run after --, as in `heng submit --cores 1 -- uname -a`."
        } else {
            nextStep =
                "See `\((["heng"] + [command].compactMap(\.self) + ["--help"]).joined(separator: " "))`."
        }
    }

    /// Nil unless the first argument, or the one after `help`, is a word that is no command.
    init?(unknownCommandIn arguments: [String]) {
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        guard let word = words.first, !word.hasPrefix("-"), !Self.allCommands.contains(word), word != "help"
        else { return nil }
        summary = "There is no command '\(word)'."
        nextStep = "The commands are \(Self.commands.joined(separator: ", ")); see `heng --help`."
    }

    /// The names of the commands that `heng --help` lists.
    private static var commands: [String] {
        configurations.filter { $0.shouldDisplay }.compactMap { $0.commandName }
    }

    /// Those, and the ones that only `heng` itself calls.
    private static var allCommands: [String] { configurations.compactMap { $0.commandName } }

    private static var configurations: [CommandConfiguration] {
        Heng.configuration.subcommands.map { $0.configuration }
    }
}

/// An option's amount, or the error that says how to write one.
func parsedAmount<Amount>(
    _ text: String, _ option: String, _ example: String, _ parse: (String) -> Amount?
) throws -> Amount {
    guard let amount = parse(text) else {
        throw Failure(
            "\(option) \(text) is not an amount.", nextStep: "Write it like \(option) \(example).",
            exitCode: .wrongUse)
    }
    return amount
}
