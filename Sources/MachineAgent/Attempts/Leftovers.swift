internal import CLinux

#if canImport(Glibc)
internal import Glibc
#endif

/// What a killed supervisor leaves: the kernel ends the first process with it, we find the others.
enum Leftovers {
    /// Ends every process of a rank, by its groups and by its marker, and removes the groups.
    ///
    /// Returns sentences about what could not be done.
    static func end(marker: String, groups: [StepLimits.Group]) -> [String] {
        var remarks: [String] = []
        for group in groups { empty(group) }
        if unsafe process_end_marked("\(AttemptEnvironment.markerName)=\(marker)") < 0 {
            remarks.append("Processes of it may still run; they do not end after SIGKILL.")
        }
        for group in groups where !GroupName.remove(group.path) {
            remarks.append("The control group \(group.path) could not be removed.")
        }
        return remarks
    }

    private static func empty(_ group: StepLimits.Group) {
        _ = SmallFile.write("1", to: "\(group.path)/cgroup.kill")
        for _ in 0..<200 {
            let members = processes(in: group.path)
            for member in members { kill(member, SIGKILL) }
            // What is frozen in version 1 ends only when it goes on.
            if group.kind == "freezer" { _ = SmallFile.write("THAWED", to: "\(group.path)/freezer.state") }
            guard !members.isEmpty else { return }
            usleep(2000)
        }
    }

    /// The processes of a group and of the groups that the job made below it, which are removed when they are empty.
    private static func processes(in folder: String) -> [pid_t] {
        var found =
            SmallFile.read("\(folder)/cgroup.procs")?.split(separator: "\n").compactMap { pid_t($0) } ?? []
        for name in SmallFile.names(in: folder) where !name.contains(".") {
            let below = "\(folder)/\(name)"
            var status = stat()
            guard unsafe lstat(below, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            let members = processes(in: below)
            if members.isEmpty { _ = SmallFile.removeFolder(below) }
            found += members
        }
        return found
    }
}
