internal import CLinux
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Names of control groups: `heng-PID-START-NUMBER`, with the process and start time of the agent that made it.
///
/// The name says whose group it is, so that a later agent can remove what a killed one left behind, and cannot
/// mistake a living one's.
enum GroupName {
    private static let counter = Atomic<Int>(0)
    private static let prefix = "heng-"

    /// What the names of this process's groups begin with.
    private static let ownPrefix = "\(prefix)\(getpid())-\(process_start_time(getpid()))-"

    static func next() -> String {
        "\(ownPrefix)\(counter.add(1, ordering: .relaxed).newValue)"
    }

    static func isOwn(_ name: String) -> Bool { name.hasPrefix(ownPrefix) }

    /// Whether the agent that made the group has ended; false for names that are not ours.
    static func isAbandoned(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let numbers = name.dropFirst(prefix.count).split(separator: "-").map { UInt64($0) }
        guard numbers.count == 3, let pid = numbers[0], let start = numbers[1], numbers[2] != nil else {
            return false
        }
        return process_start_time(pid_t(truncatingIfNeeded: pid)) != start
    }

    /// Removes a group whose last processes are just ending, waiting up to a second for them.
    static func remove(_ folder: String) -> Bool {
        for _ in 0..<200 {
            let failure = SmallFile.removeFolder(folder)
            if failure == 0 || failure == ENOENT { return true }
            guard failure == EBUSY else { return false }
            usleep(5000)
        }
        return false
    }

    /// How long a supervisor may take from hearing of its groups to having a process in them.
    private static let launchTime = 10

    /// Removes the empty groups of agents that have ended.
    ///
    /// A supervisor outlives its agent, and may be about to start its program in groups that are still empty.
    static func removeAbandoned(in folder: String) {
        let now = time(nil)
        for name in SmallFile.names(in: folder) where isAbandoned(name) {
            var status = stat()
            guard unsafe stat("\(folder)/\(name)", &status) == 0, now - status.st_mtim.tv_sec > launchTime
            else {
                continue
            }
            // A group that still has processes refuses, and its supervisor will remove it.
            _ = SmallFile.removeFolder("\(folder)/\(name)")
        }
    }
}
