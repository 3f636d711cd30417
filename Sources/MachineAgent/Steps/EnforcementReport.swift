/// What holds a step to each limit it asked for, or why nothing does.
package struct EnforcementReport: Hashable, Codable, Sendable {
    package enum Limit: String, Codable, Sendable {
        case cores
        case share = "cpu share"
        case memory
        case numa
        case weight = "cpu weight"
        case processes
    }

    package enum Strength: String, Codable, Sendable {
        /// The kernel enforces it, and the step cannot lift it.
        case hard
        /// It holds for programs that do not work against it.
        case soft
        case none = "not enforced"
    }

    package struct Entry: Hashable, Codable, Sendable {
        package var limit: Limit
        /// The request as text: `0-3`, `2 GiB`.
        package var requested: String
        package var strength: Strength
        /// The mechanism, or the reason why there is none.
        package var means: String

        package init(_ limit: Limit, _ requested: String, _ strength: Strength, _ means: String) {
            self.limit = limit
            self.requested = requested
            self.strength = strength
            self.means = means
        }
    }

    package var entries: [Entry]

    package init(entries: [Entry] = []) { self.entries = entries }

    /// One line for each requested limit, for people.
    package var lines: [String] {
        entries.map { "\($0.limit.rawValue) \($0.requested): \($0.strength.rawValue), \($0.means)" }
    }

    package subscript(_ limit: Limit) -> Entry? { entries.first { $0.limit == limit } }
}
