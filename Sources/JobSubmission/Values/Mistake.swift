internal import Essentials

/// A wrong value of an option: one sentence that names it, and how to write it.
func mistake(_ summary: String, _ nextStep: String) -> Failure {
    Failure(summary, nextStep: nextStep, exitCode: .wrongUse)
}

/// A whole number of plain digits in a range; signs, spaces and other scripts' digits are none.
func wholeNumber(_ text: some StringProtocol, in range: ClosedRange<Int>) -> Int? {
    guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (48...57).contains($0) }),
        let number = Int(text), range.contains(number)
    else { return nil }
    return number
}

/// The text as an error shows it: shortened, and without what would break the line.
func shown(_ text: some StringProtocol) -> String {
    let short = text.prefix(60)
    let safe = short.unicodeScalars.map { scalar -> String in
        isControl(scalar) ? scalar.escaped(asASCII: true) : String(scalar)
    }.joined()
    return short.count < text.count ? safe + "..." : safe
}

/// Whether a scalar moves the cursor, ends a line or turns the writing's direction.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: true
    default: false
    }
}
