/// What differs between two runs, case by case.
package struct KitComparison: Hashable, Sendable {
    package var newlyFailing: [String] = []
    package var newlyUnsupported: [String] = []
    package var newlyExcluded: [String] = []
    package var newlyPassing: [String] = []
    package var added: [String] = []
    package var gone: [String] = []
    /// What makes the two hard to compare, such as another device.
    package var warnings: [String] = []

    package init(_ now: KitResult, with earlier: KitResult) {
        let before = Dictionary(
            earlier.results.map { ($0.name, $0.verdict) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(
            now.results.map { ($0.name, $0.verdict) }, uniquingKeysWith: { first, _ in first })
        for result in now.results {
            guard let old = before[result.name] else {
                added.append(result.name)
                continue
            }
            guard old != result.verdict else { continue }
            switch result.verdict {
            case .pass: newlyPassing.append(result.name)
            case .unsupportedOutsideProfile: newlyUnsupported.append(result.name)
            case .excluded: newlyExcluded.append(result.name)
            case .fail, .crashed, .timedOut, .notRun:
                if !old.isBad { newlyFailing.append(result.name) }
            }
        }
        gone = earlier.results.map(\.name).filter { after[$0] == nil }
        if now.hashes.suite != earlier.hashes.suite {
            warnings.append("The two runs selected different cases.")
        }
        if now.device.name != earlier.device.name {
            warnings.append("The devices differ: \(earlier.device.name), and now \(now.device.name).")
        }
        if now.profile != earlier.profile { warnings.append("The profiles differ.") }
    }

    /// The lists with their titles, only those that hold something.
    package var lists: [(title: String, names: [String])] {
        [
            ("newly failing", newlyFailing), ("newly unsupported", newlyUnsupported),
            ("newly excluded", newlyExcluded), ("newly passing", newlyPassing), ("new", added),
            ("gone", gone),
        ].filter { !$0.1.isEmpty }
    }

    /// Lines for a person.
    package var text: String {
        guard !lists.isEmpty || !warnings.isEmpty else { return "No case differs from the earlier report.\n" }
        let lines = lists.flatMap { list in
            ["\(list.title): \(list.names.count)"] + list.names.prefix(20).map { "    \($0)" }
                + (list.names.count > 20 ? ["    and \(list.names.count - 20) more"] : [])
        }
        return (warnings + lines).joined(separator: "\n") + "\n"
    }
}
