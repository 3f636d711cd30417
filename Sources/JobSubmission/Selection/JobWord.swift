package import ControlAPI
package import Essentials
internal import Scheduling

/// A job as a person names it, before anybody has asked which one is the last.
package enum JobWord: Hashable, Sendable {
    case reference(JobReference)
    /// The job that this user submitted last.
    case last

    /// Numbers in one range; more are a slip of the hand.
    static let longestRange = 100_000

    /// Reads `12`, `12_3`, `12_[1-5,9]`, `12-20` and `last`; a range of jobs gives several words.
    package static func read(_ text: String) throws(Failure) -> [JobWord] {
        if text == "last" { return [.last] }
        let sides = text.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        if sides.count == 2 {
            guard let job = jobNumber(sides[0]), let tasks = taskRanges(sides[1]) else {
                throw malformed(text)
            }
            return [.reference(JobReference(JobID(job), tasks: tasks))]
        }
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count <= 2, let low = jobNumber(bounds[0]) else { throw malformed(text) }
        guard bounds.count == 2 else { return [.reference(JobReference(JobID(low)))] }
        guard let high = jobNumber(bounds[1]), low <= high else { throw malformed(text) }
        guard high - low < longestRange else {
            throw mistake(
                "\(shown(text)) names \(high - low + 1) jobs, and \(longestRange) are the most.",
                "Choose them by user, name, queue or state, as in `heng cancel -u $USER`.")
        }
        return (low...high).map { .reference(JobReference(JobID($0))) }
    }

    /// Several words, each also with commas between: `12,14-16 20_1`.
    package static func read(all texts: [String]) throws(Failure) -> [JobWord] {
        var words: [JobWord] = []
        for text in texts {
            for part in pieces(text) { words += try read(part) }
        }
        return words
    }

    /// Commas outside brackets separate.
    private static func pieces(_ text: String) -> [String] {
        var pieces = [""]
        var depth = 0
        for character in text {
            if character == "[" { depth += 1 }
            if character == "]" { depth -= 1 }
            if character == ",", depth == 0 {
                pieces.append("")
            } else {
                pieces[pieces.count - 1].append(character)
            }
        }
        return pieces
    }

    private static func jobNumber(_ text: Substring) -> Int? { wholeNumber(text, in: 1...Int(Int64.max / 2)) }

    /// `3`, `[1-5,9]`, and `[1-5,9%2]` as tables of Slurm print it, where the limit says nothing here.
    private static func taskRanges(_ text: Substring) -> [ClosedRange<Int>]? {
        if let task = wholeNumber(text, in: 0...ArrayText.highestIndex) { return [task...task] }
        guard text.hasPrefix("["), text.hasSuffix("]"), text.count > 2 else { return nil }
        guard let array = try? ArrayText.read(String(text.dropFirst().dropLast())), array.step == 1 else {
            return nil
        }
        return array.indices
    }

    private static func malformed(_ text: String) -> Failure {
        mistake(
            "'\(shown(text))' names no job.",
            "Write a number such as 12, a task 12_3, tasks 12_[1-5,9], a range 12-20, or last.")
    }
}

extension JobReference {
    /// As a person writes it.
    package var text: String {
        guard let tasks else { return job.description }
        let ranges = tasks.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        if tasks.count == 1, tasks[0].count == 1 { return "\(job)_\(ranges[0])" }
        return "\(job)_[\(ranges.joined(separator: ","))]"
    }
}
