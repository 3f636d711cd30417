internal import ArgumentParser
internal import Essentials

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what would hinder jobs here, and says what to do about it.",
        discussion: """
            Example: heng doctor

            The exit code is 1 when something must be changed; notes are about what is weaker here than elsewhere.
            """)

    @OptionGroup var display: ListingOptions

    func run() throws {
        let checks = DoctorChecks.all()
        let problems = checks.filter { $0.level == .problem }
        try display.show(checks, names: problems.map(\.name)) {
            checks.map { check in
                let line =
                    "\(check.level.rawValue.padded(to: 7))  \(check.name.padded(to: 18))  \(check.finding)"
                return check.advice.map { "\(line)\n\("".padded(to: 29))\($0)" } ?? line
            }.joined(separator: "\n")
        }
        if !problems.isEmpty { throw ArgumentParser.ExitCode(Essentials.ExitCode.negative.rawValue) }
    }
}
