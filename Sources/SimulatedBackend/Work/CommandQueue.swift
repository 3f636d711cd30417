/// Commands in their order; taking the first costs the same however many wait.
struct CommandQueue {
    private var commands: [Command] = []
    private var head = 0

    var count: Int { commands.count - head }
    var isEmpty: Bool { count == 0 }
    var waiting: ArraySlice<Command> { commands[head...] }
    var first: Command? { isEmpty ? nil : commands[head] }

    mutating func append(_ command: Command) { commands.append(command) }

    mutating func popFirst() -> Command? {
        guard !isEmpty else { return nil }
        let command = commands[head]
        head += 1
        if head > 64, head * 2 > commands.count {
            commands.removeFirst(head)
            head = 0
        }
        return command
    }
}

/// When the pieces of work of a stream ended, as long as the virtual clock has not come there.
struct EndHistory {
    private var ends: [Int64] = []
    /// The number of the first piece that is kept.
    private var first: UInt64 = 1
    private var limit = 64

    /// Notes the end of the next piece; ends never go back.
    mutating func append(_ end: Int64, now: Int64) {
        ends.append(end)
        guard ends.count > limit else { return }
        let past = ends.prefix { $0 <= now }.count
        ends.removeFirst(past)
        first += UInt64(past)
        limit = max(64, ends.count * 2)
    }

    /// When that piece ended; 0 for one that is long past.
    func end(of number: UInt64) -> Int64 {
        guard number >= first, number - first < UInt64(ends.count) else { return 0 }
        return ends[Int(number - first)]
    }

    /// The first end after that time.
    func next(after now: Int64) -> Int64? {
        var (low, high) = (0, ends.count)
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > now { high = middle } else { low = middle + 1 }
        }
        return low < ends.count ? ends[low] : nil
    }
}

extension CommandQueue {
    func contains(where matches: (Command) -> Bool) -> Bool { waiting.contains(where: matches) }
}
