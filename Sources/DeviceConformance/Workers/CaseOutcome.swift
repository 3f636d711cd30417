/// How a case ended.
package enum CaseOutcome: Hashable, Sendable {
    case pass
    case fail(String)
    /// The model asks for an operator that we do not have.
    case unsupported(String)
    case excluded(String)
    /// The process that ran it ended.
    case crashed(String)
    case timedOut(String)
    case notRun(String)

    /// The outcome in one word, as reports have it.
    package enum Word: String, Codable, Hashable, Sendable, CaseIterable {
        case pass, fail, unsupported, excluded, crashed
        case timedOut = "timed-out"
        case notRun = "not-run"
    }

    package var word: Word {
        switch self {
        case .pass: .pass
        case .fail: .fail
        case .unsupported: .unsupported
        case .excluded: .excluded
        case .crashed: .crashed
        case .timedOut: .timedOut
        case .notRun: .notRun
        }
    }

    package var reason: String? {
        switch self {
        case .pass: nil
        case .fail(let reason), .unsupported(let reason), .excluded(let reason), .crashed(let reason),
            .timedOut(let reason), .notRun(let reason):
            reason
        }
    }

    package init(_ word: Word, reason: String?) {
        let reason = reason ?? ""
        self =
            switch word {
            case .pass: .pass
            case .fail: .fail(reason)
            case .unsupported: .unsupported(reason)
            case .excluded: .excluded(reason)
            case .crashed: .crashed(reason)
            case .timedOut: .timedOut(reason)
            case .notRun: .notRun(reason)
            }
    }

    /// Whether the case says nothing against us.
    package var isFine: Bool { word == .pass || word == .excluded }
}
