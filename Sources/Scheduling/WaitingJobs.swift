internal import Essentials
internal import HeapModule

/// The jobs that could start now if there were room, grouped into classes of equal requests.
///
/// All jobs of a class fit or do not fit together, so a round looks at each class once and not at each job, and the
/// reason for waiting is kept once per class. Classes lie in lines, one for each queue, or for each account of a queue
/// with fair share; a line is sorted by the first job of each class.
struct WaitingJobs: Sendable {
    /// What makes two waiting jobs the same to the scheduler.
    struct Key: Hashable, Sendable {
        var resources: ResourceRequest
        var timeLimit: Duration?
        var priority: Int
        var queue: String
        var user: String
        var account: String
        var workload: String?
        /// The array, when it limits how many of its tasks run at once.
        var limitedArray: JobID?
    }

    /// The place of a job in the order of its line; smaller starts first.
    struct Place: Comparable, Sendable {
        var rank: Int
        var job: JobID

        static func < (left: Place, right: Place) -> Bool {
            left.rank != right.rank ? left.rank < right.rank : left.job < right.job
        }
    }

    struct Line: Hashable, Sendable {
        var queue: String
        /// Nil where accounts do not matter.
        var account: String?
    }

    struct JobClass: Sendable {
        let key: Key
        let line: Line
        /// Why its first job waits; nil until a round has looked.
        var reason: WaitReason?
        fileprivate(set) var members: Set<JobID> = []
        /// Holds places of jobs that have left, too, until they come to the top.
        fileprivate var places = Heap<Place>()
        fileprivate(set) var first: Place
    }

    private(set) var classes: [Int: JobClass] = [:]
    private var numbers: [Key: Int] = [:]
    private var lines: [Line: [(place: Place, number: Int)]] = [:]
    private var nextNumber = 0
    private(set) var count = 0

    func number(of key: Key) -> Int? { numbers[key] }

    /// The lines of a queue, by account.
    func lines(of queue: String) -> [Line] {
        lines.keys.filter { $0.queue == queue }.sorted { ($0.account ?? "") < ($1.account ?? "") }
    }

    /// The first class of a line that comes after a place.
    func next(in line: Line, after place: Place?) -> (number: Int, first: Place)? {
        guard let entries = lines[line] else { return nil }
        let index = place.map { place in entries.firstIndex(notBefore: place, key: \.place) } ?? 0
        var found = index
        if let place, found < entries.count, entries[found].place == place { found += 1 }
        return found < entries.count ? (entries[found].number, entries[found].place) : nil
    }

    /// Adds a job and returns its class and whether the class is new.
    @discardableResult
    mutating func insert(_ place: Place, key: Key, line: Line) -> (number: Int, isNew: Bool) {
        if let number = numbers[key] {
            insert(place, into: number)
            return (number, false)
        }
        let number = nextNumber
        nextNumber += 1
        numbers[key] = number
        var fresh = JobClass(key: key, line: line, first: place)
        fresh.places.insert(place)
        fresh.members.insert(place.job)
        classes[number] = fresh
        count += 1
        enlist(number, at: place, in: line)
        return (number, true)
    }

    mutating func remove(_ job: JobID, key: Key) {
        guard let number = numbers[key], classes[number]?.members.remove(job) != nil else { return }
        count -= 1
        refreshFirst(of: number)
    }

    mutating func set(_ reason: WaitReason?, forClass number: Int) { classes[number]?.reason = reason }

    private mutating func insert(_ place: Place, into number: Int) {
        guard classes[number]?.members.insert(place.job).inserted == true else { return }
        classes[number]?.places.insert(place)
        count += 1
        if let first = classes[number]?.first, place < first { refreshFirst(of: number) }
    }

    /// Finds the first job that is still there, and moves the class to its new place in the line.
    private mutating func refreshFirst(of number: Int) {
        guard let old = classes[number] else { return }
        guard !old.members.isEmpty else {
            delist(number, at: old.first, in: old.line)
            numbers[old.key] = nil
            classes[number] = nil
            return
        }
        while let top = classes[number]?.places.min, classes[number]?.members.contains(top.job) == false {
            _ = classes[number]?.places.popMin()
        }
        guard let first = classes[number]?.places.min else {
            preconditionFailure("every member of a class has a place")
        }
        guard first != old.first else { return }
        delist(number, at: old.first, in: old.line)
        classes[number]?.first = first
        enlist(number, at: first, in: old.line)
    }

    private mutating func enlist(_ number: Int, at place: Place, in line: Line) {
        let index = lines[line]?.firstIndex(notBefore: place, key: \.place) ?? 0
        lines[line, default: []].insert((place, number), at: index)
    }

    private mutating func delist(_ number: Int, at place: Place, in line: Line) {
        guard let index = lines[line]?.firstIndex(notBefore: place, key: \.place) else { return }
        precondition(lines[line]?[index].number == number, "a class stands where its first job is")
        lines[line]?.remove(at: index)
        if lines[line]?.isEmpty == true { lines[line] = nil }
    }
}
