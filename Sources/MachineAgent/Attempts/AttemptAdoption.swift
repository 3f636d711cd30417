internal import ControlAPI
internal import Essentials
internal import Scheduling

// Finding the attempts of an earlier agent again.

extension AttemptWorker {
    /// Takes over everything that lies in the folder: ends that nobody has heard of, supervisors that live, and those
    /// that were killed, whose processes are ended.
    func adopt() {
        for name in SmallFile.names(in: folder) {
            guard let id = AttemptID(parsing: name), "\(id)" == name else { continue }
            adopt(AttemptFolder(id, in: folder))
        }
    }

    private func adopt(_ folder: AttemptFolder) {
        let record = folder.read(AttemptRecord.self, from: AttemptFolder.recordName)
        // The job may have removed its folder; then the supervisors have left a new one with their files alone.
        let count = record?.start.ranks.count ?? folder.rankCount
        let attempt = Attempt(folder, record: record, ranks: Array(repeating: Attempt.Rank(), count: count))
        attempts[attempt.id] = attempt
        if let end = folder.read(AttemptEnd.self, from: AttemptFolder.endName) {
            attempt.end = end
            for rank in attempt.ranks.indices {
                attempt.ranks[rank].fact = folder.end(ofRank: rank).map { fact($0, attempt, rank) } ?? .lost
            }
            return
        }
        guard count > 0 else {
            // No fault of the job, so it ends like one that was lost and may run again.
            let why = "The agent was ended before it started anything."
            return finish(attempt, AttemptEnd(outcome: .supervisorLost, remarks: [why]))
        }
        for rank in attempt.ranks.indices {
            attempt.ranks[rank].groups = folder.manifest(ofRank: rank)?.groups ?? []
            adopt(attempt, rank, isOfThisBoot: record.map { $0.boot == boot } ?? true)
        }
    }

    private func adopt(_ attempt: Attempt, _ rank: Int, isOfThisBoot: Bool) {
        if let line = attempt.folder.end(ofRank: rank) {
            return conclude(attempt, rank, fact(line, attempt, rank))
        }
        guard isOfThisBoot else { return conclude(attempt, rank, .lost) }
        // Between the two looks a supervisor may have ended, or have begun; the next round of the loop sees it.
        if let fact = settled(attempt, rank) {
            conclude(attempt, rank, fact)
        } else if !reconnect(attempt, rank) {
            lookAgain(attempt, rank)
        }
    }
}
