package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// What the cgroups of a process, version 2 or 1, leave it of processor time and memory.
///
/// `root` is where cgroups are mounted, `membership` a file in the form of /proc/self/cgroup; see cgroups(7).
package struct CgroupLimits: Hashable, Sendable {
    /// The tightest quota from the process's group up to the root, in CPUs; nil when none is set.
    package var processors: Double?
    package var memory: ByteCount?

    package init(root: String, membership: String) {
        let groups = CgroupLimits.groups(root: root, membership: membership)
        let quotas = groups.compactMap { CgroupLimits.quota2($0) ?? CgroupLimits.quota1($0) }
        processors = quotas.min()
        // Version 1 writes "no limit" as a number near the largest one.
        let limits = groups.flatMap { group in
            ["memory.max", "memory.limit_in_bytes"].compactMap { CgroupLimits.number("\(group)/\($0)") }
        }
        memory = limits.filter { $0 > 0 && $0 < 0x1p60 }.min().map { ByteCount(bytes: Int($0)) }
    }

    /// The folders of all groups that the process is in, from its own up to each root.
    private static func groups(root: String, membership: String) -> [String] {
        guard let lines = textFile(membership) else { return [] }
        return lines.split(separator: "\n").flatMap { line -> [String] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let controllers = fields[1].split(separator: ",")
            let mounts =
                if controllers.isEmpty { [root, "\(root)/unified"] } else {
                    ["\(root)/\(fields[1])"] + controllers.map { "\(root)/\($0)" }
                }
            return mounts.flatMap { mount in upwards(String(fields[2])).map { mount + $0 } }
        }
    }

    /// `/a/b` gives `/a/b`, `/a` and the empty path.
    private static func upwards(_ path: String) -> [String] {
        var paths: [String] = [""]
        for part in path.split(separator: "/") { paths.append("\(paths[paths.count - 1])/\(part)") }
        return paths.reversed()
    }

    /// `cpu.max` holds "max 100000" or "50000 100000": microseconds of quota and period.
    private static func quota2(_ group: String) -> Double? {
        guard let text = textFile("\(group)/cpu.max") else { return nil }
        let fields = text.split { $0 == " " || $0 == "\n" }
        guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]), period > 0
        else { return nil }
        return quota / period
    }

    private static func quota1(_ group: String) -> Double? {
        guard let quota = number("\(group)/cpu.cfs_quota_us"), quota > 0,
            let period = number("\(group)/cpu.cfs_period_us"), period > 0
        else { return nil }
        return quota / period
    }

    private static func number(_ file: String) -> Double? {
        textFile(file).flatMap { Double($0.filter { !$0.isWhitespace }) }
    }
}

/// The content of a small text file of the kernel's; nil when it is not there or cannot be read.
func textFile(_ path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    while true {
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, written in
            written = unsafe max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
        }
        guard !chunk.isEmpty else { break }
        bytes += chunk
    }
    return String(decoding: bytes, as: UTF8.self)
}
