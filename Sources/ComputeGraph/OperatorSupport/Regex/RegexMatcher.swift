/// A regular expression that answers in time linear in the text, as RE2 does.
///
/// The tree is laid out as steps. Matching keeps the set of steps that can be reached after each scalar, so that no
/// choice is tried twice (Thompson's construction).
struct RegexMatcher {
    private enum Step {
        case one(ScalarSet)
        case assertion(RegexAssertion)
        case fork(Int, Int)
        case jump(Int)
        case end
    }

    private var steps: [Step] = []
    /// Parts laid out so far, also those that need no step.
    private var partCount = 0

    /// Repetitions inside repetitions multiply; a pattern with more steps is refused.
    private static let mostSteps = 1 << 15
    private static let tooLarge = RegexFault(reason: "is too large when repetitions are written out")

    init(pattern: String) throws(RegexFault) {
        try layOut(RegexParser.tree(of: pattern))
        try append(.end)
    }

    private mutating func append(_ step: Step) throws(RegexFault) {
        guard steps.count < Self.mostSteps else {
            throw Self.tooLarge
        }
        steps.append(step)
    }

    private mutating func layOut(_ tree: RegexTree) throws(RegexFault) {
        partCount += 1
        guard partCount < 4 * Self.mostSteps else { throw Self.tooLarge }
        switch tree {
        case .empty: break
        case .one(let set): try append(.one(set))
        case .assertion(let assertion): try append(.assertion(assertion))
        case .sequence(let parts): for part in parts { try layOut(part) }
        case .choice(let choices): try layOut(choices: choices)
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try layOut(part) }
            if let most {
                // Each further one may be the last: (x(x(x)?)?)?
                var forks: [Int] = []
                for _ in least..<most {
                    forks.append(steps.count)
                    try append(.end)
                    try layOut(part)
                }
                for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
            } else {
                let fork = steps.count
                try append(.end)
                try layOut(part)
                try append(.jump(fork))
                steps[fork] = .fork(fork + 1, steps.count)
            }
        }
    }

    private mutating func layOut(choices: [RegexTree]) throws(RegexFault) {
        var jumps: [Int] = []
        for choice in choices.dropLast() {
            let fork = steps.count
            try append(.end)
            try layOut(choice)
            jumps.append(steps.count)
            try append(.end)
            steps[fork] = .fork(fork + 1, steps.count)
        }
        if let last = choices.last { try layOut(last) }
        for jump in jumps { steps[jump] = .jump(steps.count) }
    }

    /// Whether the expression matches the text from its start to its end.
    func matchesAll(of text: String) -> Bool {
        var reached = Reached(count: steps.count)
        var following = Reached(count: steps.count)
        follow(from: 0, before: nil, after: text.unicodeScalars.first, &reached)
        var rest = text.unicodeScalars.makeIterator()
        var current = rest.next()
        while let scalar = current, !reached.places.isEmpty {
            current = rest.next()
            following.removeAll()
            for place in reached.places {
                guard case .one(let set) = steps[place], set.contains(scalar) else { continue }
                follow(from: place + 1, before: scalar, after: current, &following)
            }
            swap(&reached, &following)
        }
        return current == nil && reached.contains(steps.count - 1)
    }

    /// Adds every step that can be reached from one without a further scalar.
    private func follow(
        from start: Int, before: Unicode.Scalar?, after: Unicode.Scalar?, _ reached: inout Reached
    ) {
        var pending = [start]
        while let place = pending.popLast() {
            guard reached.insert(place) else { continue }
            switch steps[place] {
            case .one, .end: break
            case .assertion(let assertion):
                if assertion.holds(between: before, after) { pending.append(place + 1) }
            case .fork(let first, let second): pending += [second, first]
            case .jump(let target): pending.append(target)
            }
        }
    }

    /// A set of steps in the order in which they came.
    private struct Reached {
        private(set) var places: [Int] = []
        private var isIn: [Bool]

        init(count: Int) { isIn = [Bool](repeating: false, count: count) }

        func contains(_ place: Int) -> Bool { isIn[place] }

        mutating func insert(_ place: Int) -> Bool {
            guard !isIn[place] else { return false }
            isIn[place] = true
            places.append(place)
            return true
        }

        mutating func removeAll() {
            for place in places { isIn[place] = false }
            places.removeAll(keepingCapacity: true)
        }
    }
}
