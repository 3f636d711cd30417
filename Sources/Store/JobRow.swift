internal import Essentials
internal import Foundation
internal import GRDB
internal import Scheduling

/// A job as a row of the table `jobs`.
///
/// A job that only waits since its submission is told by its columns alone, so that a million of them are read in
/// seconds; every other one has itself as text beside them.
struct JobRow {
    /// Only as fine as the collection of payloads needs.
    enum Phase: Int64 {
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
        let isPlain = job == Job(id: job.id, request: job.request, submittedAt: job.submittedAt)
        phase = (isPlain ? .waiting : job.phase.isEnded ? .ended : Phase.living).rawValue
        body = isPlain ? nil : try TextCoding.encoder.encode(job)
        sum = 0
        sum = currentSum
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
    func job(_ request: JobRequest, _ decoder: JSONDecoder) -> Job? {
        guard let body else {
            return Job(
                id: JobID(Int(id)), request: request, submittedAt: TimePoint(nanoseconds: submitted))
        }
        return try? decoder.decode(Job.self, from: body)
    }
}
