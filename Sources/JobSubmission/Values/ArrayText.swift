package import Essentials
package import Scheduling

/// The indices of an array job, as `--array` takes them.
package enum ArrayText {
    /// More tasks are a slip of the hand.
    package static let mostTasks = 1_000_000
    static let highestIndex = 1_000_000_000

    /// Reads `0-9`, `1,3,5-7`, `0-15:4` and, with a limit of tasks at once, `0-9%2`; parts may come in any order.
    package static func read(_ text: String, option: String = "--array") throws(Failure) -> ArrayRequest {
        let halves = text.split(separator: "%", omittingEmptySubsequences: false)
        // The limit may stand behind any part: `0-9:2%4,20` is the array 0-9:2,20 with a limit of 4.
        var parts: [Part] = []
        var limit: Int?
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = piece.split(separator: "%", omittingEmptySubsequences: false)
            if sides.count == 2 {
                guard limit == nil, let number = wholeNumber(sides[1], in: 1...mostTasks) else {
                    throw malformed(text, option)
                }
                limit = number
            }
            guard sides.count <= 2, halves.count <= 2, let part = Part(sides[0]) else {
                throw malformed(text, option)
            }
            parts.append(part)
        }
        let array = try joined(parts, text, option)
        return ArrayRequest(indices: array.indices, step: array.step, limit: limit)
    }

    private struct Part {
        var range: ClosedRange<Int>
        var step: Int
        var count: Int { (range.count - 1) / step + 1 }

        init?(_ text: Substring) {
            let sides = text.split(separator: ":", omittingEmptySubsequences: false)
            let bounds = sides[0].split(separator: "-", omittingEmptySubsequences: false)
            guard sides.count <= 2, bounds.count <= 2, let low = wholeNumber(bounds[0], in: 0...highestIndex),
                let high = bounds.count == 2 ? wholeNumber(bounds[1], in: 0...highestIndex) : low,
                low <= high,
                let step = sides.count == 2 ? wholeNumber(sides[1], in: 1...highestIndex) : 1,
                bounds.count == 2 || sides.count == 1
            else { return nil }
            range = low...high
            self.step = step
        }
    }

    /// One step for all parts where that is possible, else the single indices in runs.
    private static func joined(_ parts: [Part], _ text: String, _ option: String) throws(Failure)
        -> ArrayRequest
    {
        var total = 0
        for part in parts { total += part.count }
        guard total <= mostTasks else {
            throw mistake(
                "\(option) \(shown(text)) has \(total) tasks, and an array has at most \(mostTasks).",
                "Submit fewer tasks, or let each do more.")
        }
        let sorted = parts.sorted { $0.range.lowerBound < $1.range.lowerBound }
        let isDisjoint = zip(sorted, sorted.dropFirst()).allSatisfy {
            $0.range.upperBound < $1.range.lowerBound
        }
        let steps = Set(sorted.filter { $0.count > 1 }.map(\.step))
        if isDisjoint, steps.count <= 1 {
            return ArrayRequest(indices: sorted.map { $0.range }, step: steps.first ?? 1)
        }
        var indices: [Int] = []
        for part in sorted {
            indices += Array(
                stride(from: part.range.lowerBound, through: part.range.upperBound, by: part.step))
        }
        return ArrayRequest(indices: runs(of: indices.sorted()))
    }

    /// Rising numbers as ranges, each number once.
    static func runs(of numbers: [Int]) -> [ClosedRange<Int>] {
        var runs: [ClosedRange<Int>] = []
        for number in numbers {
            guard let last = runs.last, number <= last.upperBound + 1 else {
                runs.append(number...number)
                continue
            }
            runs[runs.count - 1] = last.lowerBound...max(number, last.upperBound)
        }
        return runs
    }

    private static func malformed(_ text: String, _ option: String) -> Failure {
        mistake(
            "\(option) \(shown(text)) is not a list of tasks.",
            "Write it like \(option) 0-9, 1,3,5-7, 0-15:4 or 0-9%2.")
    }
}
