/// What a control group can limit; only the controllers that steps use.
package enum Controller: String, CaseIterable, Codable, Sendable {
    case cpu, cpuset, memory, freezer, pids
}

/// Where this process stands in the control groups of the machine, read from two files of /proc.
///
/// A machine may use version 1 (a tree for each controller), version 2 (one tree for all), or both side by side,
/// with each controller in one of them.
package struct ControlGroupMounts: Hashable, Sendable {
    /// The folder of this process's group, for each controller that has a tree of its own.
    package var legacy: [Controller: String] = [:]
    /// The folder of this process's group in the version 2 tree.
    package var unified: String?

    /// `mounts` is /proc/self/mountinfo, `memberships` is /proc/self/cgroup.
    package init(mounts: String, memberships: String) {
        let paths = Self.paths(memberships)
        for line in mounts.split(separator: "\n") {
            guard let mount = Mount(line) else { continue }
            if mount.kind == "cgroup2" {
                unified = unified ?? paths[""].flatMap(mount.folder)
            } else if mount.kind == "cgroup" {
                for controller in Controller.allCases where mount.options.contains(controller.rawValue) {
                    legacy[controller] = paths[controller.rawValue].flatMap(mount.folder)
                }
            }
        }
    }

    /// The group of each controller: lines of `4:memory:/path`, `3:cpu,cpuacct:/path`, and `0::/path` for version 2.
    private static func paths(_ memberships: String) -> [String: String] {
        var paths: [String: String] = [:]
        for line in memberships.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[String(controller)] = String(parts[2])
            }
        }
        return paths
    }

    /// One line of mountinfo: `36 35 98:0 /root /mount rw,noatime master:1 - kind source options`.
    private struct Mount {
        let root: String
        let point: String
        let kind: String
        let options: [String]

        init?(_ line: Substring) {
            let parts = line.split(separator: " ")
            guard let dash = parts.firstIndex(of: "-"), dash >= 5, parts.count > dash + 3 else { return nil }
            root = String(parts[3])
            point = String(parts[4])
            kind = String(parts[dash + 1])
            options = parts[dash + 3].split(separator: ",").map(String.init)
        }

        /// The folder of a group under this mount, which may show only a part of the tree (as in a container).
        func folder(of path: String) -> String? {
            if root == "/" { return path == "/" ? point : point + path }
            if path == root { return point }
            if path.hasPrefix(root + "/") { return point + path.dropFirst(root.count) }
            // A namespace shows paths from its own root, which is what is mounted here.
            return path == "/" ? point : nil
        }
    }
}
