internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import Scheduling

/// Passes on what a job prints, as the daemon sends it.
///
/// One thread uses it; others take one of their own.
struct JobOutput {
    let client: DaemonClient
    let job: JobID
    var rank = 0
    var wantsErrors = false
    var follows = false
    /// Before each line, when several ranks are heard at once.
    var label: String?

    /// Writes to a descriptor until the output ends; following, until the job has ended.
    func pass(to descriptor: Int32) throws {
        var sink = LineSink(descriptor: descriptor, label: label)
        var attempt = 0
        while true {
            let row = try client.job(job)
            let isOver = StateText.ended.contains(row.state)
            if row.attempt > attempt, let stream = try open() {
                attempt = row.attempt
                while let event = stream.next() {
                    guard let bytes = Data(base64Encoded: event.data) else { continue }
                    try sink.write([UInt8](bytes))
                }
            }
            // A job that is queued again writes more.
            guard follows, !isOver else { break }
            usleep(50_000)
        }
        try sink.finish()
    }

    /// Nil, for one who follows, while there is no output yet.
    private func open() throws -> EventStream? {
        let stream = wantsErrors ? "errors" : "output"
        let target = "/v1/jobs/\(job)/logs?rank=\(rank)&stream=\(stream)&follow=\(follows ? 1 : 0)"
        do {
            return try client.events("GET", target)
        } catch let refusal as DaemonRefusal where follows && refusal.exitCode == .negative {
            return nil
        }
    }
}

/// Writes pieces as they come, or with a label whole lines.
private struct LineSink {
    let descriptor: Int32
    let label: String?
    private var rest: [UInt8] = []

    init(descriptor: Int32, label: String?) {
        self.descriptor = descriptor
        self.label = label
    }

    mutating func write(_ bytes: [UInt8]) throws {
        guard let label else { return try writeOut(bytes, to: descriptor) }
        rest += bytes
        while let end = rest.firstIndex(of: 10) {
            try writeOut(Array(label.utf8) + rest[...end], to: descriptor)
            rest.removeFirst(end + 1)
        }
    }

    func finish() throws {
        guard let label, !rest.isEmpty else { return }
        try writeOut(Array(label.utf8) + rest + [10], to: descriptor)
    }
}
