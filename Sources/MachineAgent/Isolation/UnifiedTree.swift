#if canImport(Glibc)
internal import Glibc
#endif

/// The part of the version 2 tree below this process's group.
///
/// A group's children have the controllers that the group passes on, and only a group without processes of its own
/// (or the root) may pass any on. See https://docs.kernel.org/admin-guide/cgroup-v2.html
package struct UnifiedTree {
    /// Where groups for steps are made.
    let home: String

    /// `group` is this process's group; when we have moved into one of ours before, its parent is the home.
    init(group: String) {
        guard let slash = group.lastIndex(of: "/"),
            GroupName.isOwn(String(group[group.index(after: slash)...]))
        else {
            home = group
            return
        }
        home = String(group[..<slash])
    }

    /// Makes the home pass a controller on; returns why it cannot.
    func passOn(_ controller: Controller) -> String? {
        let name = Substring(controller.rawValue)
        if words("cgroup.subtree_control").contains(name) { return nil }
        guard words("cgroup.controllers").contains(name) else {
            return "the \(name) controller is not delegated to \(home)"
        }
        // Looked at beforehand, because the kernel grants some controllers to a group with processes, and then lets
        // no process into its children.
        guard mayHoldProcesses || words("cgroup.procs").isEmpty || moveIntoLeaf() else {
            return "\(home), where this process is, also has others in it and so passes no controllers on; "
                + "HENG_CGROUP may name a delegated folder without processes"
        }
        let failure = SmallFile.write("+\(name)", to: "\(home)/cgroup.subtree_control")
        return failure == 0 ? nil : "\(home) does not pass the \(name) controller on (\(describe(failure)))"
    }

    /// Only the root of the whole tree may; it is the one group that has no type.
    private var mayHoldProcesses: Bool { SmallFile.read("\(home)/cgroup.type") == nil }

    /// Leaves the home for a group below it, if nobody else is there who would have to come along.
    ///
    /// A `heng up` that waits for this process comes along: under `systemd-run --scope` it is there too.
    private func moveIntoLeaf() -> Bool {
        var others = Set(words("cgroup.procs").compactMap { pid_t($0) })
        guard others.remove(getpid()) != nil else { return false }
        let starter = getppid()
        guard others.isEmpty || (others == [starter] && isOurs(starter)) else { return false }
        let leaf = "\(home)/\(GroupName.next())"
        guard SmallFile.makeFolder(leaf) == 0 else { return false }
        if SmallFile.write("0", to: "\(leaf)/cgroup.procs") == 0 {
            for other in others { _ = SmallFile.write("\(other)", to: "\(leaf)/cgroup.procs") }
            return true
        }
        _ = SmallFile.removeFolder(leaf)
        return false
    }

    private func isOurs(_ process: pid_t) -> Bool { SmallFile.value("/proc/\(process)/comm") == "heng" }

    /// Why no process of a group may enter groups below the home, or nil when it may.
    ///
    /// The kernel asks for the right to write to the innermost group around both, which somebody who was given the home
    /// alone does not have.
    func refusalToEnter(from group: String) -> String? {
        let around = Self.common(home, group)
        guard unsafe access("\(around)/cgroup.procs", W_OK) != 0, errno == EACCES || errno == EPERM else {
            return nil
        }
        return "this process, in \(group), may start none in \(home); start it there"
    }

    /// The innermost folder that two lie in.
    package static func common(_ one: String, _ other: String) -> String {
        let (parts, others) = (one.split(separator: "/"), other.split(separator: "/"))
        let count = zip(parts, others).prefix { $0 == $1 }.count
        return "/" + parts.prefix(count).joined(separator: "/")
    }

    private func words(_ file: String) -> [Substring] {
        SmallFile.read("\(home)/\(file)")?.split(whereSeparator: \.isWhitespace) ?? []
    }
}
