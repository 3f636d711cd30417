internal import CHengAccelerator

/// One piece of work as it ran, in the device's time.
struct ProfileEntry {
    var correlation: UInt64
    var stream: UInt64
    var begin: Int64
    var end: Int64
    var bytes: Int
    var kind: Int32
    var name: String
}

/// The records of a context that wait to be read.
struct Profile {
    let capacity: Int
    private var entries: [ProfileEntry] = []
    private var dropped: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func add(_ entry: ProfileEntry) {
        guard entries.count < capacity else {
            dropped += 1
            return
        }
        entries.append(entry)
    }

    /// The oldest records of work that is done by the device's clock, and how many were lost since the last call.
    mutating func take(_ count: Int, now: Int64) -> (entries: [ProfileEntry], dropped: UInt64) {
        // Streams run beside each other; what ended first is the oldest.
        let order = entries.indices.filter { entries[$0].end <= now }.sorted {
            (entries[$0].end, entries[$0].begin, $0) < (entries[$1].end, entries[$1].begin, $1)
        }
        let taken = order.prefix(count)
        let result = taken.map { entries[$0] }
        let gone = Set(taken)
        entries = entries.indices.filter { !gone.contains($0) }.map { entries[$0] }
        defer { dropped = 0 }
        return (result, dropped)
    }
}

extension ProfileEntry {
    /// The record as the table gives it, on the monotonic clock.
    func record(_ machine: Machine) -> heng_profile_record {
        var record = heng_profile_record()
        record.correlation = correlation
        record.stream = stream
        record.begin = machine.hostTime(begin)
        record.end = machine.hostTime(end)
        record.bytes = UInt64(bytes)
        record.kind = kind
        unsafe withUnsafeMutableBytes(of: &record.name) { room in
            // The last byte stays 0.
            for (index, byte) in name.utf8.prefix(room.count - 1).enumerated() { unsafe room[index] = byte }
        }
        return record
    }
}
