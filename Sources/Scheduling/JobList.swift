package import Essentials

/// Jobs by number: any of them is found, added and removed in constant time, and listed in rising order.
///
/// They lie in pages, so that adding one never moves a million, and a change copies at most one page.
package struct JobList: Hashable, Sendable {
    private static let pageSize = 256

    private struct Page: Hashable, Sendable {
        var slots = [Job?](repeating: nil, count: JobList.pageSize)
        var count = 0
    }

    private var pages: [Int: Page] = [:]
    package private(set) var count = 0

    package init() {}

    /// All of them in rising order; takes time in proportion to their number.
    package var all: [Job] {
        pages.keys.sorted().flatMap { key in pages[key]?.slots.compactMap(\.self) ?? [] }
    }

    package subscript(id: JobID) -> Job? {
        let place = Self.place(of: id)
        return pages[place.page]?.slots[place.slot]
    }

    /// Looks at a job in its place, without a copy of it.
    func read<Value>(_ id: JobID, _ look: (borrowing Job) -> Value?) -> Value? {
        let place = Self.place(of: id)
        guard let slots = pages[place.page]?.slots, let job = slots[place.slot] else { return nil }
        return look(job)
    }

    /// Adds a job whose number nobody has.
    package mutating func insert(_ job: Job) {
        let place = Self.place(of: job.id)
        precondition(job.id.number > 0 && self[job.id] == nil, "each job has a number of its own")
        pages[place.page, default: Page()].slots[place.slot] = job
        pages[place.page]?.count += 1
        count += 1
    }

    mutating func remove(_ id: JobID) {
        let place = Self.place(of: id)
        guard self[id] != nil else { return }
        pages[place.page]?.slots[place.slot] = nil
        pages[place.page]?.count -= 1
        count -= 1
        if pages[place.page]?.count == 0 { pages[place.page] = nil }
    }

    /// Changes a job in its place; it must be there.
    mutating func update<Value>(_ id: JobID, _ change: (inout Job) -> Value) -> Value {
        let place = Self.place(of: id)
        guard var job = self[id] else { preconditionFailure("job \(id) is not in the list") }
        let value = change(&job)
        pages[place.page]?.slots[place.slot] = job
        return value
    }

    private static func place(of id: JobID) -> (page: Int, slot: Int) {
        (id.number / pageSize, id.number % pageSize)
    }
}

extension JobList: Codable {
    package init(from decoder: any Decoder) throws {
        var last = 0
        for job in try decoder.singleValueContainer().decode([Job].self) {
            guard job.id.number > last else {
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "jobs are out of order"))
            }
            last = job.id.number
            insert(job)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(all)
    }
}

extension Array {
    /// The first place in this rising array whose key is not below `key`.
    func firstIndex<Key: Comparable>(notBefore key: Key, key of: (Element) -> Key) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if of(self[middle]) < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
