/// One requirement of GB/T 45280-2025, in our own words.
///
/// The text of the standard was not read: each sentence is our reading of public material about it, above all of an
/// earlier open interface with its test tool. The numbers are ours.
package struct Requirement: Hashable, Sendable {
    package var number: Int
    package var module: Module
    package var text: String
    /// The functions, structs or fields of `heng_accelerator.h` that meet it.
    package var functions: [String]
    /// Patterns of cases that speak to it beside those that name it themselves.
    package var furtherCases: [String]

    init(_ number: Int, _ module: Module, _ text: String, functions: [String], furtherCases: [String] = []) {
        self.number = number
        self.module = module
        self.text = text
        self.functions = functions
        self.furtherCases = furtherCases
    }

    package enum Module: String, Codable, Hashable, Sendable, CaseIterable {
        case system, device, context, stream, callback, event, memory, data, operators, models, graph
        case codes = "return codes"
        case synchrony
        case conformance
    }

    package static let all: [Requirement] =
        (system + device + context + stream + callback + event + memory + data + operators + models + graph
        + codes + synchrony + conformance).sorted { $0.number < $1.number }

    /// `R280-07`.
    package static func name(_ number: Int) -> String { "R280-\(number < 10 ? "0" : "")\(number)" }
    package var name: String { Self.name(number) }

    /// The cases on the bare table that name the requirement.
    package var cases: [String] { DeviceCases.all.filter { $0.clauses.contains(number) }.map(\.id) }

    /// Whether a case of this name speaks to the requirement.
    package func isTested(by name: String, clauses: [Int]) -> Bool {
        clauses.contains(number) || furtherCases.contains { Glob.matches(name, $0) }
    }

    /// The cases of a report that speak to it, each with how it ended; those made from one pattern are counted.
    package func outcomes(in result: KitResult) -> [String] {
        let own = result.results.filter { isTested(by: $0.name, clauses: $0.clauses) }
        let (named, made) = (own.filter { cases.contains($0.name) }, own.filter { !cases.contains($0.name) })
        let counted = Verdict.allCases.compactMap { verdict -> String? in
            let count = made.count { $0.verdict == verdict }
            return count == 0 ? nil : "\(count) \(verdict.rawValue)"
        }
        return named.map { "\($0.name) (\($0.verdict.rawValue))" }
            + (counted.isEmpty ? [] : ["others (\(counted.joined(separator: ", ")))"])
    }

    /// How far the kit tests it, or with a report how the device fared.
    package func status(in result: KitResult?) -> String {
        guard let result else {
            let count = cases.count
            if count == 0 && furtherCases.isEmpty { return "no case yet" }
            let others =
                furtherCases.isEmpty ? "" : "\(count > 0 ? ", " : "")\(furtherCases.joined(separator: ", "))"
            return (count > 0 ? "\(count) \(count == 1 ? "case" : "cases")" : "") + others
        }
        let own = result.results.filter { isTested(by: $0.name, clauses: $0.clauses) }
        let executed = own.filter { $0.verdict.isExecuted }
        guard !executed.isEmpty else { return own.isEmpty ? "not selected" : "not offered" }
        let passed = executed.count { $0.verdict == .pass }
        return passed == executed.count
            ? "met (\(passed) \(passed == 1 ? "case" : "cases"))"
            : "not met (\(executed.count - passed) of \(executed.count) fail)"
    }
}
