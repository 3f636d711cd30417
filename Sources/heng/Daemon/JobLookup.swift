internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission
internal import Scheduling

/// Turns the names of jobs that people write into those that the daemon knows.
struct JobLookup {
    let client: DaemonClient

    /// References for `JobSelection`, with `last` replaced.
    func references(_ texts: [String]) throws -> [JobReference] {
        let words = try JobWord.read(all: texts)
        return try words.map { try reference($0) }
    }

    private func reference(_ word: JobWord) throws -> JobReference {
        switch word {
        case .reference(let reference): reference
        case .last: JobReference(try last())
        }
    }

    /// The newest job of this user; of an array its first task, whose number stands for all.
    func last() throws -> JobID {
        let rows = try client.jobs(JobSelection(user: ownUserName()), includingEnded: true).rows
        guard let newest = rows.max(by: { $0.job < $1.job }) else {
            throw Failure(
                "You have no job yet that could be the last.", nextStep: "Submit one with `heng submit`.",
                exitCode: .wrongUse)
        }
        return newest.arrayJob ?? newest.job
    }

    /// All jobs that the texts name, each of which must be there.
    func rows(_ texts: [String]) throws -> [JobTable.Row] {
        let references = try references(texts)
        let rows = try client.jobs(JobSelection(jobs: references), includingEnded: true).rows
        let known = Set(rows.map(\.job))
        let missing = references.filter { reference in
            reference.tasks == nil ? !known.contains(reference.job) : rows.isEmpty
        }
        if let first = missing.first {
            throw Failure(
                "There is no job \(first.text), or no longer.", nextStep: "See `heng jobs --all`.",
                exitCode: .negative)
        }
        return rows
    }

    /// Exactly one job.
    func job(_ text: String) throws -> JobID {
        let rows = try rows([text])
        guard rows.count == 1 else {
            throw Failure(
                "\(text) names \(rows.count) jobs, and this is about one.",
                nextStep: "Name one of them, such as \(rows[0].job).", exitCode: .wrongUse)
        }
        return rows[0].job
    }

    func dependencies(_ texts: [DependencyText]) throws -> [Dependency] {
        try texts.map { text in
            let jobs = try text.jobs.flatMap { word -> [JobID] in
                let reference = try reference(word)
                // Only the daemon knows which number a task has.
                guard reference.tasks != nil else { return [reference.job] }
                return try client.jobs(JobSelection(jobs: [reference]), includingEnded: true).rows.map(\.job)
            }
            return Dependency(text.kind, jobs)
        }
    }
}

/// The name of the user as the daemon knows it, which asks the kernel and not the environment.
func ownUserName() -> String {
    guard let entry = unsafe getpwuid(getuid()), let name = unsafe entry.pointee.pw_name else {
        return "\(getuid())"
    }
    return unsafe String(cString: name)
}

/// Options that choose jobs, for commands about many.
func selection(
    _ texts: [String], user: String?, name: String?, queue: String?, states: [String], _ lookup: JobLookup
) throws -> JobSelection {
    JobSelection(
        jobs: texts.isEmpty ? nil : try lookup.references(texts), user: user, name: name, queue: queue,
        states: states.isEmpty ? nil : try StateText.read(states))
}
