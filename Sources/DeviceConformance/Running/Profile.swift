internal import Essentials
internal import FoundationEssentials
internal import Results

/// What a maker says that a device can do, so that "not offered" and "broken" are told apart.
package struct Profile: Codable, Hashable, Sendable {
    package var name: String
    /// Nil where the profile leaves it to the device's own list of operators.
    package var operators: [ProfileOperator]?
    /// Which levels a run of everything selects; nil: all that the device can be asked.
    package var levels: [Level]?
    package var exclusions: [ProfileExclusion]
    /// What measured numbers may be at most, or must be at least.
    package var budgets: [ProfileBudget]

    package init(
        name: String, operators: [ProfileOperator]? = nil, levels: [Level]? = nil,
        exclusions: [ProfileExclusion] = [], budgets: [ProfileBudget] = []
    ) {
        self.name = name
        self.operators = operators
        self.levels = levels
        self.exclusions = exclusions
        self.budgets = budgets
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        operators = try container.decodeIfPresent([ProfileOperator].self, forKey: .operators)
        levels = try container.decodeIfPresent([Level].self, forKey: .levels)
        exclusions = try container.decodeIfPresent([ProfileExclusion].self, forKey: .exclusions) ?? []
        budgets = try container.decodeIfPresent([ProfileBudget].self, forKey: .budgets) ?? []
    }

    /// Reads a profile's file.
    package static func read(_ path: String) throws -> Profile {
        let bytes = try DurableFile.read(path, limit: .mebibytes(16))
        do {
            return try JSONDecoder().decode(Profile.self, from: Data(bytes))
        } catch {
            throw Failure(
                "\(path) is not a profile: \(Self.reason(error)).",
                nextStep: "Documentation/guides/conformance.md shows what one looks like.",
                exitCode: .setupMissing)
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "“\(key.stringValue)” is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.dataCorrupted(let context):
            context.codingPath.map(\.stringValue).joined(separator: ".") + ": " + context.debugDescription
        default: "\(error)"
        }
    }

    /// Why a use of these operators is not one that the device serves, by the versions it is listed for; nil: it is.
    ///
    /// What the profile does not list is for the device to refuse.
    package func refusal(of uses: [OperatorVersion]) -> String? {
        for use in uses {
            let entries = (operators ?? []).filter { $0.fullName == use.name }
            guard let known = entries.first, !entries.contains(where: { $0.serves(use.version) }) else {
                continue
            }
            return "The device serves \(use.name) \(known.versions) of the operator set, and the case uses "
                + "version \(use.version)."
        }
        return nil
    }

    /// Whether the device must pass what checks this operator on this type.
    package func has(_ cell: OperatorCell) -> Bool {
        (operators ?? []).contains { $0.fullName == cell.operatorName && $0.types.contains(cell.type) }
    }

    package func exclusion(of name: String) -> ProfileExclusion? {
        exclusions.first { Glob.matches(name, $0.pattern) }
    }
}

/// An operator of a profile, with the element types of its first input.
package struct ProfileOperator: Codable, Hashable, Sendable {
    package var domain: String
    package var name: String
    package var types: [String]
    /// The versions of the operator set that are served, both ends included; nil: no end.
    package var since: Int?
    package var until: Int?

    package init(
        domain: String = "", name: String, types: [String], since: Int? = nil, until: Int? = nil
    ) {
        self.domain = domain
        self.name = name
        self.types = types
        self.since = since
        self.until = until
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        domain = try container.decodeIfPresent(String.self, forKey: .domain) ?? ""
        name = try container.decode(String.self, forKey: .name)
        types = try container.decode([String].self, forKey: .types)
        since = try container.decodeIfPresent(Int.self, forKey: .since)
        until = try container.decodeIfPresent(Int.self, forKey: .until)
    }

    func serves(_ version: Int) -> Bool { (since ?? 1) <= version && version <= until ?? .max }

    /// `from version 13 on`.
    fileprivate var versions: String {
        switch (since, until) {
        case (let since?, let until?): "from version \(since) to \(until)"
        case (nil, let until?): "up to version \(until)"
        case (let since, nil): "from version \(since ?? 1) on"
        }
    }

    package var fullName: String { domain.isEmpty ? name : "\(domain).\(name)" }
}

/// Cases that a device is not held to, and why.
package struct ProfileExclusion: Codable, Hashable, Sendable {
    /// The cases' names, with `*` for any text.
    package var pattern: String
    package var reason: String
    package var kind: Kind
    package var link: String?

    package enum Kind: String, Codable, Hashable, Sendable {
        /// The device cannot ever do it: the case is run only to verify that.
        case never
        /// It will one day: the case is run, and passing is told.
        case notYet = "not-yet"
    }

    package init(pattern: String, reason: String, kind: Kind, link: String? = nil) {
        self.pattern = pattern
        self.reason = reason
        self.kind = kind
        self.link = link
    }

    private enum CodingKeys: String, CodingKey {
        case reason, kind, link
        case pattern = "case"
    }
}

/// A bound of a measured number.
package struct ProfileBudget: Codable, Hashable, Sendable {
    /// The measurement's name, as the report has it.
    package var measurement: String
    package var most: Double?
    package var least: Double?

    package init(measurement: String, most: Double? = nil, least: Double? = nil) {
        self.measurement = measurement
        self.most = most
        self.least = least
    }

    /// What a number breaks; nil when it is within the budget.
    func breach(by rate: MeasuredRate) -> String? {
        guard rate.name == measurement else { return nil }
        let found = "\(rate.value.formatted(significant: 3)) \(rate.unit)"
        if let most, rate.value > most {
            return "\(measurement) takes \(found); the budget is \(most.formatted(significant: 3))."
        }
        if let least, rate.value < least {
            return "\(measurement) reaches \(found); the budget asks for \(least.formatted(significant: 3))."
        }
        return nil
    }
}

/// Patterns with `*` for any text, and `{one,other}` for one of several texts.
package enum Glob {
    package static func matches(_ text: String, _ pattern: String) -> Bool {
        guard let open = pattern.firstIndex(of: "{"), let close = pattern[open...].firstIndex(of: "}") else {
            return matches(Array(text.utf8), Array(pattern.utf8))
        }
        let choices = pattern[pattern.index(after: open)..<close].split(
            separator: ",", omittingEmptySubsequences: false)
        let (start, end) = (pattern[..<open], pattern[pattern.index(after: close)...])
        // Without a star before it, the start decides at once.
        guard start.contains("*") || text.hasPrefix(start) else { return false }
        return choices.contains { matches(text, "\(start)\($0)\(end)") }
    }

    private static func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        // The place behind the last star, and the text's place where it is tried to end.
        var (at, in_, star, mark) = (0, 0, -1, 0)
        while at < text.count {
            if in_ < pattern.count, pattern[in_] == UInt8(ascii: "*") {
                (star, mark) = (in_, at)
                in_ += 1
            } else if in_ < pattern.count, pattern[in_] == text[at] {
                (at, in_) = (at + 1, in_ + 1)
            } else if star >= 0 {
                mark += 1
                (at, in_) = (mark, star + 1)
            } else {
                return false
            }
        }
        return pattern[in_...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
