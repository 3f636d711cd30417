package import Essentials
package import Scheduling

/// Signals by name or number, and the one that comes before a time limit.
package enum SignalText {
    /// Linux's numbers on the machines that Heng runs on.
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "CHLD": 17, "CONT": 18, "STOP": 19,
        "TSTP": 20,
        "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28,
        "IO": 29,
        "PWR": 30, "SYS": 31,
    ]

    /// Reads `USR1`, `SIGUSR1` and `10`.
    package static func number(_ text: some StringProtocol, option: String) throws(Failure) -> Int32 {
        let upper = text.uppercased()
        if let known = numbers[upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper] { return known }
        if let number = wholeNumber(text, in: 1...64) { return Int32(number) }
        throw mistake(
            "\(option) \(shown(text)) names no signal.", "Write it like \(option) USR1 or \(option) 10.")
    }

    /// The name without `SIG`, or the number.
    package static func name(_ number: Int32) -> String {
        numbers.first { $0.value == number }?.key ?? "\(number)"
    }

    /// Reads `USR1`, `USR1@60` and `B:USR1@60`: to the first process alone, 60 seconds before the time limit.
    package static func warning(_ text: String, option: String = "--signal") throws(Failure) -> WarningSignal
    {
        var rest = Substring(text)
        var toFirstOnly = false
        if let colon = rest.firstIndex(of: ":") {
            guard rest[..<colon].uppercased() == "B" else {
                throw mistake(
                    "\(option) \(shown(text)) has a prefix other than B.",
                    "Write it like \(option) USR1@60 for all processes, or B:USR1@60 for the first one.")
            }
            toFirstOnly = true
            rest = rest[rest.index(after: colon)...]
        }
        let sides = rest.split(separator: "@", omittingEmptySubsequences: false)
        let number = try number(sides[0], option: option)
        guard sides.count > 1 else { return WarningSignal(number, isBatchOnly: toFirstOnly) }
        guard sides.count == 2, let seconds = wholeNumber(sides[1], in: 0...65_535) else {
            throw mistake(
                "\(option) \(shown(text)) has no number of seconds behind the @.",
                "Write it like \(option) B:USR1@60; at most 65535 seconds.")
        }
        return WarningSignal(number, before: .seconds(seconds), isBatchOnly: toFirstOnly)
    }
}
