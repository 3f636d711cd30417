package import Essentials
internal import Glibc
package import HardwareTopology

extension Topology {
    /// The processing units a process of this machine may use: its affinity within its cgroup's cpuset.
    ///
    /// Without a process: this one, by its first thread, so that a pinned thread gets the same answer as the others.
    /// The kernel keeps affinity inside the cpuset by itself, except while either is being changed.
    package static func allowedCPUs(process: Int32? = nil) throws(BindingError) -> CPUSet {
        let affinity = try Binding.affinity(ofThread: process ?? getpid())
        guard let cpuset = cgroupCPUs(process: process) else { return affinity }
        return affinity.intersection(cpuset)
    }

    /// What the cgroup of a process allows; nil when no cgroup restricts units or its files are not visible.
    private static func cgroupCPUs(process: Int32?) -> CPUSet? {
        let folder = "/proc/\(process.map(String.init) ?? "self")"
        guard let cgroups = kernelFile("\(folder)/cgroup"), let mounts = kernelFile("/proc/self/mountinfo")
        else { return nil }
        for file in CPUSetFiles(cgroups: cgroups, mounts: mounts).candidates {
            guard let text = kernelFile(file), let set = CPUSet(parsing: text), !set.isEmpty else { continue }
            return set
        }
        return nil
    }
}

/// Where the kernel keeps the cpuset of a process, from the text of its /proc files.
package struct CPUSetFiles {
    /// The files that may hold it, the most particular first.
    package private(set) var candidates: [String] = []

    /// `cgroups` is /proc/PID/cgroup, `mounts` is /proc/self/mountinfo.
    package init(cgroups: String, mounts: String) {
        for line in cgroups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let isUnified = fields[0] == "0" && fields[1].isEmpty
            guard isUnified || fields[1].split(separator: ",").contains("cpuset") else { continue }
            for mount in CgroupMount.all(in: mounts) where mount.serves(unified: isUnified) {
                let file = isUnified ? "cpuset.cpus.effective" : "cpuset.effective_cpus"
                let path = mount.folder(of: String(fields[2]))
                candidates += ["\(path)/\(file)", "\(mount.point)/\(file)"]
            }
        }
    }
}

/// One mounted cgroup hierarchy, a line of mountinfo (`man 5 proc_pid_mountinfo`).
private struct CgroupMount {
    var point: String
    var root: String
    var kind: String
    var options: String

    static func all(in mounts: String) -> [CgroupMount] {
        mounts.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 3 else {
                return nil
            }
            let mount = CgroupMount(
                point: fields[4], root: fields[3], kind: fields[dash + 1], options: fields[dash + 3])
            return mount.kind.hasPrefix("cgroup") ? mount : nil
        }
    }

    func serves(unified: Bool) -> Bool {
        unified ? kind == "cgroup2" : kind == "cgroup" && options.split(separator: ",").contains("cpuset")
    }

    /// Where a cgroup's folder is seen; a container may have only a part of the hierarchy mounted.
    func folder(of path: String) -> String {
        let inside = root != "/" && path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
        return inside == "/" ? point : point + inside
    }
}
