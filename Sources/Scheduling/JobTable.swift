package import Essentials

/// The jobs of a machine as `heng jobs` shows them: one value that prints as a table or is encoded as JSON.
package struct JobTable: Hashable, Codable, Sendable {
    package var rows: [Row]

    package struct Row: Hashable, Codable, Sendable {
        package var job: JobID
        package var state: String
        package var attempt: Int
        package var user: String
        package var name: String
        package var command: [String]
        package var priority: Int
        package var ranks: Int
        package var submitted: String
        package var waitedSeconds: Double
        /// Nil for a job that never had its resources.
        package var elapsedSeconds: Double?
        package var limitSeconds: Double?
        package var numaNodes: [Int]
        package var cpus: CPUSet
        package var cores: Double
        package var memory: ByteCount
        package var devices: [DeviceID]
        /// Why it waits, how it lies, or how it ended, in words.
        package var remark: String
        /// The latest start if limits hold, for the job that is next in line.
        package var expectedStart: String?
        /// As a shell has it, once it has ended: 0, the command's own, or 128 and the signal's number.
        package var exitCode: Int32?
        /// Of a task of an array: the number of its first task, and its own index.
        package var arrayJob: JobID?
        package var arrayIndex: Int?
        package var comment: String?

        /// `12`, or `12_3` for the task 3 of the array 12.
        package var title: String {
            guard let arrayJob, let arrayIndex else { return job.description }
            return "\(arrayJob)_\(arrayIndex)"
        }
    }

    package init(rows: [Row]) { self.rows = rows }

    /// All jobs of a state in the order of their numbers; ended ones only if asked for.
    ///
    /// `earlier` are ended jobs from a record beside the state, which wins where both know a job.
    package init(
        _ state: ClusterState, at now: TimePoint, includingEnded: Bool = true, endedBefore earlier: [Job] = []
    ) {
        var known: [JobID: Job] = [:]
        for job in earlier + state.jobs.all { known[job.id] = job }
        rows = known.values.sorted { $0.id < $1.id }
            .filter { includingEnded || !$0.phase.isEnded }
            .map { Row($0, in: state, at: max(now, state.time)) }
    }
}

extension JobTable.Row {
    package init(_ job: Job, in state: ClusterState, at now: TimePoint) {
        let held = job.placement
        self.init(
            job: job.id, state: job.phase.stateName, attempt: job.attempt, user: job.request.label.user,
            name: job.request.label.name, command: job.request.label.command,
            priority: job.request.priority,
            ranks: job.request.resources.ranks, submitted: job.submittedAt.iso8601,
            waitedSeconds: job.waited(at: now).inSeconds, elapsedSeconds: job.elapsed(at: now)?.inSeconds,
            limitSeconds: job.request.timeLimit?.inSeconds, numaNodes: held?.numaNodes ?? [],
            cpus: held?.cpus ?? CPUSet(),
            cores: held?.ranks.reduce(0) { $0 + $1.cores.inCores } ?? 0,
            memory: held?.memory ?? .zero,
            devices: held.map { Set($0.ranks.map(\.device)).sorted() } ?? [],
            remark: state.remark(on: job),
            expectedStart: state.promise?.job == job.id ? state.promise?.start?.iso8601 : nil,
            exitCode: job.phase.shellExitCode, arrayJob: job.array?.first, arrayIndex: job.array?.index,
            comment: job.request.label.comment)
    }
}

extension ClusterState {
    /// Why a job waits, how it lies, or how it ended.
    fileprivate func remark(on job: Job) -> String {
        switch job.phase {
        case .held, .pending: waitReason(of: job.id)?.description ?? "next round"
        case .launching, .running, .suspending, .suspended: job.decision?.description ?? ""
        case .completing(let reason): "stopping: \(reason)"
        case .ended(let end): end.description
        }
    }
}

extension JobTable: CustomStringConvertible {
    /// The table as text, without a line end after the last row.
    package var description: String {
        let head = ["JOB", "STATE", "USER", "NAME", "CPUS", "CORES", "MEMORY", "WAITED", "RAN", "REMARK"]
        let lines = [head] + rows.map(\.cells)
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { cells in
            var text = ""
            for (cell, width) in zip(cells, widths).dropLast() { text += cell.padded(to: width) + "  " }
            return text + (cells.last ?? "")
        }.joined(separator: "\n")
    }
}

extension JobTable.Row {
    fileprivate var cells: [String] {
        let placed = !cpus.isEmpty
        return [
            title, state, user, name, placed ? cpus.description : "-",
            placed ? CoreAmount(units: Int(cores * 10_000 + 0.5)).description : "-",
            memory == .zero ? "-" : memory.description, ageText(waitedSeconds),
            elapsedSeconds.map(ageText) ?? "-", remark,
        ]
    }
}

/// Seconds as a person reads them: `7s`, `3m20s`, `5h02m`, `2d03h`.
private func ageText(_ seconds: Double) -> String {
    let total = max(0, Int(seconds))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    switch total {
    case ..<60: return "\(total)s"
    case ..<3600: return "\(total / 60)m\(two(total % 60))s"
    case ..<86_400: return "\(total / 3600)h\(two(total / 60 % 60))m"
    default: return "\(total / 86_400)d\(two(total / 3600 % 24))h"
    }
}
