internal import Essentials

/// The jobs that wait, grouped into classes of equal requests.
///
/// All jobs of a class fit or do not fit together, so a round looks at each class once and not at each job, and the
/// reason for waiting is kept once per class.
struct PendingQueue: Hashable, Sendable {
    /// What makes two waiting jobs the same to the scheduler.
    struct Key: Hashable, Codable, Sendable {
        var resources: ResourceRequest
        var timeLimit: Duration?
        var priority: Int

        init(_ request: JobRequest) {
            resources = request.resources
            timeLimit = request.timeLimit
            priority = request.priority
        }
    }

    struct JobClass: Hashable, Codable, Sendable {
        var key: Key
        /// In rising order, never empty.
        var members: [JobID]
        /// Why its first job waits; nil until a round has looked.
        var reason: WaitReason?
    }

    private(set) var classes: [JobClass] = []
    private var places: [Key: Int] = [:]

    init() {}

    func place(of key: Key) -> Int? { places[key] }
    func place(of request: JobRequest) -> Int? { places[Key(request)] }

    /// Adds a job and returns its class and whether the class is new.
    mutating func insert(_ id: JobID, _ request: JobRequest) -> (place: Int, isNew: Bool) {
        let key = Key(request)
        if let place = places[key] {
            let spot = classes[place].members.firstIndex(notBefore: id, key: \.self)
            classes[place].members.insert(id, at: spot)
            return (place, false)
        }
        places[key] = classes.count
        classes.append(JobClass(key: key, members: [id]))
        return (classes.count - 1, true)
    }

    mutating func remove(_ id: JobID, _ request: JobRequest) {
        guard let place = place(of: request) else { return }
        let spot = classes[place].members.firstIndex(notBefore: id, key: \.self)
        guard spot < classes[place].members.count, classes[place].members[spot] == id else { return }
        classes[place].members.remove(at: spot)
        if classes[place].members.isEmpty { removeClass(at: place) }
    }

    mutating func set(_ reason: WaitReason?, forClass place: Int) { classes[place].reason = reason }

    /// The last class takes the place of the removed one, so no other class moves.
    private mutating func removeClass(at place: Int) {
        places[classes[place].key] = nil
        let last = classes.removeLast()
        guard place < classes.count else { return }
        classes[place] = last
        places[last.key] = place
    }
}

extension PendingQueue: Codable {
    init(from decoder: any Decoder) throws {
        classes = try decoder.singleValueContainer().decode([JobClass].self)
        for (place, jobClass) in classes.enumerated() {
            guard places.updateValue(place, forKey: jobClass.key) == nil, !jobClass.members.isEmpty else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "the queue names a class twice"))
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(classes)
    }
}

/// The order in which a round looks at the classes, by the first job of each that it has not started yet.
struct RoundOrder {
    struct Head: Comparable {
        var priority: Int
        var job: JobID
        /// The class's key, since places move when a class empties.
        var key: PendingQueue.Key

        static func < (left: Head, right: Head) -> Bool {
            left.priority != right.priority ? left.priority > right.priority : left.job < right.job
        }

        static func == (left: Head, right: Head) -> Bool { left.job == right.job }
    }

    /// Last first, so that taking the next one moves nothing.
    private var heads: [Head]

    init(_ queue: PendingQueue) {
        heads = queue.classes.map { Head(priority: $0.key.priority, job: $0.members[0], key: $0.key) }
        heads.sort { $1 < $0 }
    }

    init(only head: Head) { heads = [head] }

    mutating func next() -> Head? { heads.popLast() }

    mutating func insert(_ head: Head) {
        var low = 0
        var high = heads.count
        while low < high {
            let middle = (low + high) / 2
            if head < heads[middle] { low = middle + 1 } else { high = middle }
        }
        heads.insert(head, at: low)
    }
}
