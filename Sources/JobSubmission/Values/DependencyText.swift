package import Essentials
package import Scheduling

/// `--dependency`, before anybody has asked which job is the last and what number a task has.
package struct DependencyText: Hashable, Sendable {
    package var kind: Dependency.Kind
    package var jobs: [JobWord]

    /// Reads `afterok:12:13,afterany:14` and `singleton`; all of them must hold.
    package static func read(_ text: String, option: String = "--dependency") throws(Failure)
        -> [DependencyText]
    {
        if text.contains("?") {
            throw mistake(
                "\(option) \(shown(text)) asks for any of several, which Heng does not have.",
                "Use commas: all of the dependencies must then hold.")
        }
        var dependencies: [DependencyText] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let fields = part.split(separator: ":", omittingEmptySubsequences: false)
            guard let kind = Dependency.Kind(rawValue: fields[0].lowercased()) else {
                throw mistake(
                    "\(option) \(shown(text)) has the kind '\(shown(fields[0]))', which is none.",
                    "There are after, afterany, afterok, afternotok, aftercorr and singleton, as in \(option) afterok:12:13."
                )
            }
            var jobs: [JobWord] = []
            for field in fields.dropFirst() {
                if field.contains("+") {
                    throw mistake(
                        "\(option) \(shown(text)) asks for a pause after the other job, which Heng does not have.",
                        "Use --begin with a time, or leave the + out.")
                }
                jobs += try JobWord.read(String(field))
            }
            guard jobs.isEmpty == (kind == .singleton) else {
                throw mistake(
                    kind == .singleton
                        ? "\(option) singleton takes no jobs." : "\(option) \(shown(part)) names no job.",
                    "Write it like \(option) afterok:12:13 or \(option) singleton.")
            }
            dependencies.append(DependencyText(kind: kind, jobs: jobs))
        }
        return dependencies
    }
}
