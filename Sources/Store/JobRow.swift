internal import Essentials
internal import Foundation
internal import GRDB
internal import Scheduling

/// A job as a row of the table `jobs`.
///
/// A job that only waits, or is held, since its submission is told by its columns alone, so that a million of them are read in
/// seconds; every other one has itself as text beside them.
struct JobRow {
    /// Only as fine as the collection of payloads needs.
    enum Phase: Int64 {
        case held = -1
        case waiting = 0
        case living = 1
        case ended = 2
    }

    var id: Int64
    var request: Int64
    var submitted: Int64
    var phase: Int64
    var array: Int64?
    var task: Int64?
    var body: Data?
    var sum: Int64

    init(_ job: Job, request: Int64) throws {
        id = Int64(job.id.number)
        self.request = request
        submitted = job.submittedAt.nanoseconds
        phase = Self.phase(of: job).rawValue
        (array, task) = (job.array.map { Int64($0.first.number) }, job.array.map { Int64($0.index) })
        body = job.isFresh ? nil : try TextCoding.encoder.encode(job)
        sum = 0
        sum = currentSum
    }

    private static func phase(of job: Job) -> Phase {
        guard job.isFresh else { return job.phase.isEnded ? .ended : .living }
        return job.phase == .held ? .held : .waiting
    }

    init(_ row: Row) {
        (id, request, submitted, phase) = (row[0], row[1], row[2], row[3])
        (array, task, body, sum) = (row[4], row[5], row[6], row[7])
    }

    private var currentSum: Int64 {
        var sum = Sum()
        for number in [id, request, submitted, phase, array ?? -1, task ?? -1] { sum.add(number) }
        if let body { sum.add(body) }
        return sum.number
    }

    var isWhole: Bool { sum == currentSum }

    /// Nil when its text cannot be read.
    func job(_ request: Boxed<JobRequest>, _ decoder: JSONDecoder) -> Job? {
        if let body { return try? decoder.decode(Job.self, from: body) }
        var place: ArrayPlace?
        if let array, let task { place = ArrayPlace(first: JobID(Int(array)), index: Int(task)) }
        return Job(
            id: JobID(Int(id)), request: request, array: place,
            submittedAt: TimePoint(nanoseconds: submitted), isHeld: phase == Phase.held.rawValue)
    }
}
