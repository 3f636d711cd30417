package import Essentials

/// Lengths of time as sbatch's users write them, and as other people do.
package enum TimeText {
    /// Ten years; longer limits are a slip of the hand, and sums of them would overflow.
    static let longest = 3650 * 86_400

    /// Reads `90` (minutes), `5:30`, `1:30:00`, `1-12`, `1-12:30`, `1-12:30:00`, `1h30m`, `45s`, `2d`.
    ///
    /// `unlimited` and `infinite` are nil. Zero is refused, because nothing can be done in it.
    package static func limit(_ text: String, option: String) throws(Failure) -> Duration? {
        if ["unlimited", "infinite"].contains(text.lowercased()) { return nil }
        return try length(text, option: option)
    }

    /// As `limit`, for what must have an end.
    package static func length(_ text: String, option: String) throws(Failure) -> Duration {
        guard let seconds = clockSeconds(text) ?? unitSeconds(text) else {
            throw mistake(
                "\(option) \(shown(text)) is not a length of time.", "Write it like \(option) \(examples).")
        }
        guard seconds > 0 else {
            throw mistake("\(option) \(shown(text)) leaves no time.", "Write it like \(option) \(examples).")
        }
        return .seconds(seconds)
    }

    private static let examples = "90 (minutes), 1:30:00, 1-12 (days-hours) or 1h30m"

    /// The forms with colons and a dash; a plain number is minutes.
    private static func clockSeconds(_ text: String) -> Int? {
        let halves = text.split(separator: "-", omittingEmptySubsequences: false)
        guard halves.count <= 2, let rest = halves.last else { return nil }
        var fields: [Int] = []
        for field in rest.split(separator: ":", omittingEmptySubsequences: false) {
            guard let number = wholeNumber(field, in: 0...longest) else { return nil }
            fields.append(number)
        }
        if halves.count == 2 {
            guard let days = wholeNumber(halves[0], in: 0...3650), fields.count <= 3 else { return nil }
            fields += Array(repeating: 0, count: 3 - fields.count)
            return checked(days * 86_400 + fields[0] * 3600 + fields[1] * 60 + fields[2])
        }
        switch fields.count {
        case 1: return checked(fields[0] * 60)
        case 2: return checked(fields[0] * 60 + fields[1])
        case 3: return checked(fields[0] * 3600 + fields[1] * 60 + fields[2])
        default: return nil
        }
    }

    /// `1h30m`: units from the largest to the smallest, each at most once.
    private static func unitSeconds(_ text: String) -> Int? {
        let units: [(name: Character, seconds: Int)] = [
            ("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1),
        ]
        var next = 0
        var sum = 0
        var digits = ""
        for character in text.lowercased() {
            guard !character.isASCII || !character.isLetter else {
                guard let unit = units.indices.first(where: { $0 >= next && units[$0].name == character }),
                    let count = wholeNumber(digits, in: 0...longest)
                else { return nil }
                sum += count * units[unit].seconds
                next = unit + 1
                digits = ""
                continue
            }
            digits.append(character)
        }
        return digits.isEmpty && next > 0 ? checked(sum) : nil
    }

    private static func checked(_ seconds: Int) -> Int? { seconds <= longest ? seconds : nil }
}
