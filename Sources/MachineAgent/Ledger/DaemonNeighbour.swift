internal import CLinux
internal import ControlAPI
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The daemon of the same state folder, which lends the same machine.
///
/// Whoever of the two lends it, the other keeps off: a command looks here under the ledger's lock before it joins, and a
/// daemon, which has the folder's lock by then, looks for living commands before it lends anything.
enum DaemonNeighbour {
    /// Throws while a daemon, or the agent of another machine's, has the folder, and while jobs run that one has left.
    static func check(_ folder: String) throws(LedgerError) {
        for place in [folder, folder + "/agent"] {
            guard !isLocked(place) else { throw .daemonRuns(place) }
            let left = livingAttempts(in: place + "/attempts")
            guard left.isEmpty else { throw .daemonLeftJobs(place, count: left.count) }
        }
    }

    /// The kernel takes its time to clear a large process away that was killed, and its locks go last.
    private static let patience: Duration = .seconds(1)

    /// `hengd.lock` is what a daemon holds for as long as it lives.
    private static func isLocked(_ folder: String) -> Bool {
        guard let file = try? OpenFile(folder + "/hengd.lock", O_RDONLY) else { return false }
        let end = TimePoint.monotonicNow() + patience
        while !file.isUnlocked() {
            guard TimePoint.monotonicNow() < end else { return true }
            usleep(5000)
        }
        return false
    }

    private static func livingAttempts(in parent: String) -> [AttemptID] {
        Files.names(in: parent).compactMap { AttemptID(parsing: $0) }.filter { id in
            let folder = AttemptFolder(id, in: parent)
            return (0..<folder.rankCount).contains { rank in
                guard folder.end(ofRank: rank) == nil, let manifest = folder.manifest(ofRank: rank),
                    manifest.boot == LedgerClock.currentBoot
                else { return false }
                return process_start_time(manifest.supervisor) == manifest.startTime
            }
        }
    }
}

extension Ledger {
    /// The commands that hold or wait for something in this ledger; none when there is no ledger.
    package func livingCommands() throws -> Int {
        guard Files.isWritableFolder(folder) else { return 0 }
        return try change { _ in LedgerOwner.living(in: ownersFolder).count }
    }
}
